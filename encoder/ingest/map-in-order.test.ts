import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { mapInOrder } from "./map-in-order.ts";

async function* from<T>(items: T[]): AsyncGenerator<T> {
  yield* items;
}

describe("mapInOrder", () => {
  it("keeps the order and the limit, whatever takes how long", async () => {
    const delays = fc.array(fc.nat(5), { maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(delays, fc.integer({ min: 1, max: 5 }), async (delaysMs, limit) => {
        let running = 0;
        let most = 0;
        const results: number[] = [];
        const mapped = mapInOrder(
          from(delaysMs.map((delayMs, at) => ({ delayMs, at }))),
          limit,
          async ({ delayMs, at }) => {
            most = Math.max(most, ++running);
            await new Promise((resolve) => setTimeout(resolve, delayMs));
            running--;
            return at;
          },
        );
        for await (const result of mapped) results.push(result);
        expect(results).toEqual(delaysMs.map((_, at) => at));
        expect(most).toBeLessThanOrEqual(limit);
      }),
      { numRuns: 30 },
    );
  });

  it("passes on a failure after all running work has ended", async () => {
    const ended: number[] = [];
    const mapped = mapInOrder(from([1, 2, 3]), 3, async (item) => {
      await new Promise((resolve) => setTimeout(resolve, item * 5));
      ended.push(item);
      if (item === 1) throw new Error("first fails");
      return item;
    });
    await expect(mapped.next()).rejects.toThrow("first fails");
    expect(ended).toEqual([1, 2, 3]);
  });

  it("waits for running work when the caller stops early", async () => {
    const ended: number[] = [];
    for await (const result of mapInOrder(from([1, 2, 3]), 2, async (item) => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      ended.push(item);
      return item;
    })) {
      expect(result).toBe(1);
      break;
    }
    expect(ended).toEqual([1, 2]);
  });
});
