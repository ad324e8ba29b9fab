/**
 * Concurrent work on a sequence, results as they come: one slow item holds up no other.
 *
 * @module
 */
import type { Budget } from "./budget.ts";

type Settled<Result> = { ok: true; result: Result } | { ok: false; error: unknown };

/**
 * Calls `work` on the items of `source` and yields each result when it is there, in any order. An item is asked for only when
 * `places`, which several sequences may share, has one for it; the place is given back when the caller comes for the next result.
 * Ends only after all work has ended, also when an item failed or the caller stops early: nothing goes on behind its back.
 */
export async function* mapAsDone<Item, Result>(
  source: AsyncIterable<Item>,
  places: Pick<Budget, "take" | "give">,
  work: (item: Item) => Promise<Result>,
): AsyncGenerator<Result, void> {
  const arrivals = new Arrivals<Result>(places);
  const items = source[Symbol.asyncIterator]();
  const pumping = pump(items, places, work, arrivals);
  try {
    for (let next = await arrivals.next(); next !== undefined; next = await arrivals.next()) {
      try {
        if (!next.ok) throw next.error;
        yield next.result;
      } finally {
        places.give(1);
      }
    }
  } finally {
    arrivals.stop();
    await pumping;
    await items.return?.();
  }
}

/** Never throws: what fails arrives. Every arrival holds a place. */
async function pump<Item, Result>(
  items: AsyncIterator<Item>,
  places: Pick<Budget, "take" | "give">,
  work: (item: Item) => Promise<Result>,
  arrivals: Arrivals<Result>,
): Promise<void> {
  const running = new Set<Promise<void>>();
  const settle = async (result: Promise<Result>) => {
    await result.then(
      (value) => arrivals.add({ ok: true, result: value }),
      (error: unknown) => arrivals.add({ ok: false, error }),
    );
  };
  while (!arrivals.stopped) {
    await places.take(1);
    const next = arrivals.stopped ? undefined : await settled(items.next());
    if (next?.ok === false) arrivals.add(next);
    else if (next === undefined || next.result.done === true) places.give(1);
    if (next?.ok !== true || next.result.done === true) break;
    const task: Promise<void> = settle(work(next.result.value)).finally(() => running.delete(task));
    running.add(task);
  }
  await Promise.all(running);
  arrivals.end();
}

async function settled<T>(promise: Promise<T>): Promise<Settled<T>> {
  return await promise.then(
    (result): Settled<T> => ({ ok: true, result }),
    (error: unknown): Settled<T> => ({ ok: false, error }),
  );
}

/** Results between the work and whoever takes them, each with its place. */
class Arrivals<Result> {
  readonly #places: Pick<Budget, "give">;
  readonly #results: Settled<Result>[] = [];
  #ended = false;
  #stopped = false;

  constructor(places: Pick<Budget, "give">) {
    this.#places = places;
  }
  #wake: () => void = () => undefined;

  get stopped(): boolean {
    return this.#stopped;
  }

  add(result: Settled<Result>): void {
    // Whoever still waits for a place must get one, or the work could not end.
    if (this.#stopped) this.#places.give(1);
    else this.#results.push(result);
    this.#wake();
  }

  /** Nothing more will be added. */
  end(): void {
    this.#ended = true;
    this.#wake();
  }

  /** Nothing more is wanted, and what is there is dropped. */
  stop(): void {
    this.#stopped = true;
    this.#places.give(this.#results.splice(0).length);
  }

  /** The next result; undefined after the last. */
  async next(): Promise<Settled<Result> | undefined> {
    while (this.#results.length === 0 && !this.#ended) {
      await new Promise<void>((wake) => (this.#wake = wake));
    }
    return this.#results.shift();
  }
}
