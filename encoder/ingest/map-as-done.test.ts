import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Budget } from "./budget.ts";
import { mapAsDone } from "./map-as-done.ts";

async function* from<T>(items: Iterable<T>): AsyncGenerator<T> {
  yield* items;
}

const wait = async (ms: number) => await new Promise((resolve) => setTimeout(resolve, ms));

describe("mapAsDone", () => {
  it("gives every result once and keeps to the places, which several sequences share", async () => {
    const delays = fc.array(fc.nat(4), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(fc.array(delays, { maxLength: 4 }), fc.integer({ min: 1, max: 5 }), async (sequences, limit) => {
        const places = new Budget(limit);
        let running = 0;
        let most = 0;
        const collect = async (delaysMs: number[]) => {
          const results: number[] = [];
          const mapped = mapAsDone(from(delaysMs.entries()), places, async ([at, delayMs]) => {
            most = Math.max(most, ++running);
            await wait(delayMs);
            running--;
            return at;
          });
          for await (const result of mapped) results.push(result);
          return results.toSorted((a, b) => a - b);
        };
        const results = await Promise.all(sequences.map(collect));
        expect(results).toEqual(sequences.map((sequence) => sequence.map((_, at) => at)));
        expect(most).toBeLessThanOrEqual(limit);
        expect(places.taken).toBe(0);
      }),
      { numRuns: 30 },
    );
  });

  it("passes the quick by a slow one", async () => {
    const slow = Promise.withResolvers<void>();
    const results: number[] = [];
    const mapped = mapAsDone(from([1, 2, 3, 4]), new Budget(2), async (item) => {
      if (item === 1) await slow.promise;
      return item;
    });
    for await (const result of mapped) {
      results.push(result);
      if (results.length === 3) slow.resolve();
    }
    expect(results).toEqual([2, 3, 4, 1]);
  });

  it("asks for no item that has no place: the caller's pace is the source's", async () => {
    let asked = 0;
    const source = (async function* () {
      for (; asked < 100; asked++) yield asked;
    })();
    const mapped = mapAsDone(source, new Budget(3), async (item) => item);
    await mapped.next();
    await wait(5);
    // Two results wait, one is with the caller.
    expect(asked).toBe(2);
    await mapped.next();
    await wait(5);
    expect(asked).toBe(3);
    await mapped.return();
  });

  it("passes on a failure after all running work has ended, with every place given back", async () => {
    const ended: number[] = [];
    const places = new Budget(2);
    const mapped = mapAsDone(from([1, 2, 3]), places, async (item) => {
      await wait(item * 5);
      ended.push(item);
      if (item === 1) throw new Error("first fails");
      return item;
    });
    await expect(mapped.next()).rejects.toThrow("first fails");
    expect(ended).toEqual([1, 2]);
    expect(places.taken).toBe(0);
  });

  it("passes on a failure of the source", async () => {
    const places = new Budget(2);
    const source = (async function* () {
      yield 1;
      throw new Error("torn");
    })();
    const collect = async () => {
      for await (const result of mapAsDone(source, places, async (item) => item)) expect(result).toBe(1);
    };
    await expect(collect()).rejects.toThrow("torn");
    expect(places.taken).toBe(0);
  });

  it("waits for running work when the caller stops early, and ends the source", async () => {
    const ended: number[] = [];
    let closed = false;
    const source = (async function* () {
      try {
        for (let item = 1; ; item++) yield item;
      } finally {
        closed = true;
      }
    })();
    const places = new Budget(3);
    for await (const _ of mapAsDone(source, places, async (item) => {
      await wait(item);
      ended.push(item);
    })) {
      break;
    }
    expect(ended.length).toBeGreaterThanOrEqual(3);
    expect(closed).toBe(true);
    expect(places.taken).toBe(0);
  });
});

describe("Budget", () => {
  it("lets in what is larger than all of it alone, and nobody before his turn", async () => {
    const budget = new Budget(10);
    const order: string[] = [];
    await budget.take(4);
    const large = budget.take(25).then(() => order.push("large"));
    const small = budget.take(1).then(() => order.push("small"));
    await wait(0);
    expect(order).toEqual([]);
    budget.give(4);
    await large;
    expect(budget.taken).toBe(25);
    budget.give(25);
    await small;
    expect(order).toEqual(["large", "small"]);
    expect(budget.taken).toBe(1);
  });
});
