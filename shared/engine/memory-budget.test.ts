import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MemoryBudget, type RecordOwner, type Resident } from "./memory-budget.ts";

const OVERHEAD_BYTES = 400;

function recordOf(bytes: number) {
  return { codes: { centroidIds: new Uint16Array(0), codes: new Uint8Array(bytes) } };
}

function owner(): RecordOwner {
  return { heldBytes: 0 };
}

describe("memory budget", () => {
  it("never holds more than its limit, whatever is kept, used and opened", () => {
    const limitBytes = 20_000;
    const step = fc.oneof(
      fc.record({ do: fc.constant("set" as const), key: fc.nat(40), bytes: fc.nat(25_000), owner: fc.nat(2) }),
      fc.record({ do: fc.constant("get" as const), key: fc.nat(40) }),
      fc.record({ do: fc.constant("grow" as const), resident: fc.nat(2), bytes: fc.nat(15_000) }),
      fc.record({ do: fc.constant("clear" as const), owner: fc.nat(2) }),
      fc.record({ do: fc.constant("read" as const), bytes: fc.nat(15_000) }),
      fc.record({ do: fc.constant("end" as const), read: fc.nat(5) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const budget = new MemoryBudget(limitBytes);
        const residents = [0, 1, 2].map(() => ({ residentBytes: 0 }) satisfies Resident);
        for (const resident of residents) budget.add(resident);
        const owners = [owner(), owner(), owner()];
        const reads: { bytes: number; end: () => void }[] = [];
        for (const action of steps) {
          if (action.do === "set") {
            budget.set(`${action.key}`, recordOf(action.bytes), action.bytes, owners[action.owner] ?? owner());
          } else if (action.do === "get") budget.get(`${action.key}`);
          else if (action.do === "clear") budget.clear(owners[action.owner] ?? owner());
          else if (action.do === "read") reads.push({ bytes: action.bytes, end: budget.reserve(action.bytes) });
          else if (action.do === "end") {
            const [ended] = reads.splice(action.read, 1);
            ended?.end();
            // Twice is once.
            ended?.end();
          } else {
            const resident = residents[action.resident];
            if (resident !== undefined) resident.residentBytes = action.bytes;
            budget.shrink();
          }
          const readBytes = reads.reduce((sum, { bytes }) => sum + bytes, 0);
          expect(budget.readBytes).toBe(readBytes);
          expect(budget.recordBytes).toBeLessThanOrEqual(Math.max(0, limitBytes - budget.residentBytes - readBytes));
          expect(owners.reduce((sum, { heldBytes }) => sum + heldBytes, 0)).toBe(budget.recordBytes);
        }
      }),
    );
  });

  it("holds at most what its limit says when a hundred times as much passes through", () => {
    const limitBytes = 1024 * 1024;
    const budget = new MemoryBudget(limitBytes);
    const mine = owner();
    let mostBytes = 0;
    for (let i = 0; i < 10_000; i++) {
      budget.set(`${i}`, recordOf(10_000), 10_000, mine);
      mostBytes = Math.max(mostBytes, budget.recordBytes);
    }
    expect(mostBytes).toBeLessThanOrEqual(limitBytes);
    expect(mostBytes).toBeGreaterThan(0.95 * limitBytes);
  });

  it("drops what was not used for longest", () => {
    const budget = new MemoryBudget(3 * (100 + OVERHEAD_BYTES));
    const mine = owner();
    for (const key of ["a", "b", "c"]) budget.set(key, recordOf(100), 100, mine);
    budget.get("a");
    budget.set("d", recordOf(100), 100, mine);
    expect(["a", "b", "c", "d"].filter((key) => budget.get(key) !== undefined)).toEqual(["a", "c", "d"]);
  });

  it("gives records what residents leave, and takes it back as they grow", () => {
    const budget = new MemoryBudget(10 * (100 + OVERHEAD_BYTES));
    const mine = owner();
    const resident = { residentBytes: 5 * (100 + OVERHEAD_BYTES) };
    for (let i = 0; i < 10; i++) budget.set(`${i}`, recordOf(100), 100, mine);
    budget.add(resident);
    expect(mine.heldBytes).toBe(5 * (100 + OVERHEAD_BYTES));
    resident.residentBytes = 2 * budget.limitBytes;
    budget.set("new", recordOf(100), 100, mine);
    expect([mine.heldBytes, budget.get("new")]).toEqual([0, undefined]);
    budget.remove(resident);
    budget.set("new", recordOf(100), 100, mine);
    expect(budget.get("new")).toBeDefined();
  });

  it("keeps nothing when it has no bytes", () => {
    const budget = new MemoryBudget(0);
    const mine = owner();
    budget.set("a", recordOf(0), 0, mine);
    expect([budget.get("a"), mine.heldBytes]).toEqual([undefined, 0]);
  });

  it("counts a record that is kept again once", () => {
    const budget = new MemoryBudget(10_000);
    const [mine, yours] = [owner(), owner()];
    budget.set("a", recordOf(100), 100, mine);
    budget.set("a", recordOf(200), 200, yours);
    expect([mine.heldBytes, yours.heldBytes, budget.recordBytes]).toEqual([
      0,
      200 + OVERHEAD_BYTES,
      200 + OVERHEAD_BYTES,
    ]);
  });
});
