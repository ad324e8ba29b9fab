import { describe, expect, it } from "vitest";
import { MaxleafError } from "../errors.ts";
import { MemoryStore } from "../store/memory-store.ts";
import { FakeClock, SlowStore } from "../store/testing/slow-store.ts";
import { MemoryBudget } from "./memory-budget.ts";
import { ReservingStore } from "./reserving-store.ts";

const READ_MS = 60;

describe("a reserving store", () => {
  it("counts reads while they are in flight", async () => {
    const clock = new FakeClock();
    const slow = new SlowStore(clock, () => READ_MS);
    await slow.put("a", new Uint8Array(1_000));
    const budget = new MemoryBudget(10_000);
    const store = new ReservingStore(slow, budget);
    const reads = [
      store.get("a", { offset: 0, length: 700 }),
      store.get("a", { suffix: 200 }),
      store.get("a"),
      store.get("nothing", { offset: 0, length: 50 }),
    ];
    expect(budget.readBytes).toBe(950);
    await clock.advance(2 * READ_MS);
    const found = await Promise.all(reads);
    expect(found.map((object) => object?.bytes.byteLength)).toEqual([700, 200, 1_000, undefined]);
    expect(budget.readBytes).toBe(0);
  });

  it("makes kept records give way to reads, and counts none that failed", async () => {
    const inner = new MemoryStore();
    const failing = new ReservingStore(
      {
        get: () => Promise.reject(new MaxleafError("store_unavailable", "the store is away")),
        put: async (...args) => await inner.put(...args),
        delete: async (keys) => await inner.delete(keys),
        list: async (...args) => await inner.list(...args),
      },
      new MemoryBudget(1),
    );
    await expect(failing.get("a", { offset: 0, length: 5 })).rejects.toMatchObject({ code: "store_unavailable" });

    const budget = new MemoryBudget(2_000);
    const owner = { heldBytes: 0 };
    budget.set("old", { codes: { centroidIds: new Uint16Array(), codes: new Uint8Array(1_000) } }, 1_000, owner);
    const store = new ReservingStore(inner, budget);
    await store.put("a", new Uint8Array(1_500));
    await store.get("a", { offset: 0, length: 500 });
    expect(budget.get("old")).toBeDefined();
    await store.get("a", { offset: 0, length: 1_500 });
    expect(budget.get("old")).toBeUndefined();
    expect([budget.readBytes, budget.recordBytes, owner.heldBytes]).toEqual([0, 0, 0]);
    expect((await store.list("")).objects).toHaveLength(1);
    await store.delete(["a"]);
    expect(await store.get("a")).toBeUndefined();
  });
});
