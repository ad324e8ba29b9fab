import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CountingStore } from "../store/counting-store.ts";
import { MemoryStore } from "../store/memory-store.ts";
import { coalesce, COALESCE_GAP_BYTES, MAX_COALESCED_BYTES, ObjectRanges } from "./range-reads.ts";

async function objectOf(bytes: Uint8Array): Promise<{ ranges: ObjectRanges; store: CountingStore }> {
  const memory = new MemoryStore();
  await memory.put("key", bytes);
  const store = new CountingStore(memory);
  return { ranges: new ObjectRanges(store, "key", bytes.byteLength, "object"), store };
}

describe("coalesce", () => {
  it("joins neighbours and ranges with a small gap, not those further apart", () => {
    const far = 30 + COALESCE_GAP_BYTES + 1;
    expect(
      coalesce([
        { offset: 0, length: 10 },
        { offset: 10, length: 10 },
        { offset: 20 + COALESCE_GAP_BYTES, length: 10 },
        { offset: far + COALESCE_GAP_BYTES, length: 10 },
      ]),
    ).toEqual([
      { offset: 0, length: COALESCE_GAP_BYTES + 30, first: 0, end: 3 },
      { offset: far + COALESCE_GAP_BYTES, length: 10, first: 3, end: 4 },
    ]);
  });

  it("does not join beyond the longest read, but reads a longer range as it is", () => {
    const half = MAX_COALESCED_BYTES / 2;
    const reads = coalesce([
      { offset: 0, length: half },
      { offset: half, length: half },
      { offset: 2 * half, length: half },
      { offset: 3 * half, length: 3 * half },
    ]);
    expect(reads.map(({ first, end }) => [first, end])).toEqual([
      [0, 2],
      [2, 3],
      [3, 4],
    ]);
  });

  it("makes no read of no ranges", () => {
    expect(coalesce([])).toEqual([]);
  });
});

describe("object ranges", () => {
  it("give the bytes of every range, in order", async () => {
    const bytes = Uint8Array.from({ length: 200 }, (_, index) => index);
    const cuts = fc.array(fc.tuple(fc.nat(200), fc.nat(30)), { maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(cuts, async (samples) => {
        const { ranges } = await objectOf(bytes);
        const wanted = samples
          .map(([offset, length]) => ({ offset, length: Math.min(length, 200 - offset) }))
          .toSorted((a, b) => a.offset - b.offset);
        const parts = await ranges.readAll(wanted);
        expect(parts).toEqual(wanted.map(({ offset, length }) => bytes.subarray(offset, offset + length)));
      }),
    );
  });

  it("read neighbours at once and nothing for empty ranges", async () => {
    const { ranges, store } = await objectOf(new Uint8Array(100));
    await ranges.readAll([
      { offset: 0, length: 10 },
      { offset: 10, length: 20 },
    ]);
    expect(store.counts).toMatchObject({ gets: 1, bytesRead: 30 });
    await ranges.readAll([{ offset: 50, length: 0 }]);
    expect(store.counts.gets).toBe(1);
  });

  it("do not read again what is at hand", async () => {
    const bytes = Uint8Array.from({ length: 50 }, (_, index) => index);
    const { ranges, store } = await objectOf(bytes);
    const end = await ranges.fromOffset(20);
    expect(await end.read({ offset: 25, length: 3 })).toEqual(Uint8Array.of(25, 26, 27));
    expect(await end.fromOffset(30)).toBe(end);
    expect(store.counts).toMatchObject({ gets: 1, bytesRead: 30 });
  });

  it("refuse an object that is missing or has another size", async () => {
    const store = new MemoryStore();
    const ranges = new ObjectRanges(store, "key", 10, "vectors of segment x");
    await expect(ranges.read({ offset: 0, length: 1 })).rejects.toThrow(
      /vectors of segment x is corrupt: there is no object/,
    );
    await store.put("key", new Uint8Array(9));
    await expect(ranges.read({ offset: 0, length: 1 })).rejects.toThrow(/it has 9 bytes, not 10/);
  });
});
