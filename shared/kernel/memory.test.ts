import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { KernelMemory, type Region } from "./memory.ts";

const MIB = 1024 * 1024;

describe("KernelMemory", () => {
  it("lends regions that never overlap and takes them all back", () => {
    const operation = fc.record({ bytes: fc.nat(200_000), releases: fc.boolean(), which: fc.nat() });
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 200 }), (operations) => {
        const memory = new KernelMemory(MIB);
        const held: Region[] = [];
        for (const { bytes, releases, which } of operations) {
          const region = held[which % Math.max(1, held.length)];
          if (releases && region !== undefined) {
            memory.release(region);
            held.splice(held.indexOf(region), 1);
          } else if (bytes < memory.availableBytes) {
            try {
              held.push(memory.allocate(bytes, "a test"));
            } catch (error) {
              // Room enough, but not in one piece.
              expect(error).toMatchObject({ code: "overloaded" });
            }
          }
          const sorted = held.toSorted((a, b) => a.offset - b.offset);
          for (const [i, current] of sorted.entries()) {
            const next = sorted[i + 1];
            expect(current.offset % 64).toBe(0);
            if (next !== undefined) expect(current.offset + current.bytes).toBeLessThanOrEqual(next.offset);
            expect(current.offset + current.bytes).toBeLessThanOrEqual(memory.wasm.buffer.byteLength);
          }
          expect(memory.usedBytes).toBe(held.reduce((sum, current) => sum + current.bytes, 0));
        }
        for (const region of held) memory.release(region);
        expect(memory.usedBytes).toBe(0);
        const whole = memory.allocate(memory.availableBytes, "all of it");
        expect(whole.offset).toBe(1024);
      }),
      { numRuns: 50 },
    );
  });

  it("refuses what passes the budget and says how much is left", () => {
    const memory = new KernelMemory(MIB);
    memory.allocate(MIB / 2, "the first half");
    expect(() => memory.allocate(MIB, "a second index")).toThrowError(
      expect.objectContaining({ code: "overloaded", message: expect.stringContaining("a second index needs 1048576") }),
    );
    expect(memory.usedBytes).toBe(MIB / 2);
    expect(memory.highWaterBytes).toBe(MIB / 2);
  });

  it("refuses to take a region back twice", () => {
    const memory = new KernelMemory(MIB);
    const region = memory.allocate(100, "a test");
    memory.allocate(100, "a test");
    memory.release(region);
    expect(() => memory.release(region)).toThrowError(expect.objectContaining({ code: "internal" }));
  });
});
