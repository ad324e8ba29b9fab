/**
 * Concurrent work on a sequence, results in order.
 *
 * @module
 */

/**
 * Calls `work` on the items of `source`, at most `limit` at once, and yields the results in the items' order. Ends only
 * after all work has ended, also when an item failed or the caller stops early: nothing goes on behind its back.
 */
export async function* mapInOrder<Item, Result>(
  source: AsyncIterable<Item>,
  limit: number,
  work: (item: Item) => Promise<Result>,
): AsyncGenerator<Result, void> {
  const running: Promise<Result>[] = [];
  try {
    for await (const item of source) {
      const result = work(item);
      // It may fail while an earlier one is being waited for; whoever waits for this one hears of it.
      result.catch(() => undefined);
      running.push(result);
      if (running.length < limit) continue;
      const oldest = running.shift();
      if (oldest !== undefined) yield await oldest;
    }
    for (let next = running.shift(); next !== undefined; next = running.shift()) yield await next;
  } finally {
    await Promise.allSettled(running);
  }
}
