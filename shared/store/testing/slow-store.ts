/**
 * Time and slowness under the control of a test.
 *
 * @module
 */
import type { Clock } from "../../ports.ts";
import { MemoryStore } from "../memory-store.ts";
import type { ByteRange, StoredObject } from "../object-store.ts";

/** A clock that stands still until it is moved. */
export class FakeClock implements Clock {
  #nowMs = 1_000_000;
  #sleepers: { untilMs: number; wake: () => void }[] = [];

  nowMs(): number {
    return this.#nowMs;
  }

  async sleep(durationMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#sleepers.push({ untilMs: this.#nowMs + durationMs, wake: resolve });
    await promise;
  }

  /** Moves on by `durationMs`, waking sleepers in their order, each with everything that follows from it. */
  async advance(durationMs: number): Promise<void> {
    const endMs = this.#nowMs + durationMs;
    for (;;) {
      await settle();
      const next = this.#sleepers.toSorted((a, b) => a.untilMs - b.untilMs)[0];
      if (next === undefined || next.untilMs > endMs) break;
      this.#sleepers = this.#sleepers.filter((sleeper) => sleeper !== next);
      this.#nowMs = next.untilMs;
      next.wake();
    }
    this.#nowMs = endMs;
  }
}

/** Lets everything run that waits for nothing but promises: timers come after all of them. */
async function settle(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 0));
}

/** A memory store whose gets take as long as `latencyMs` says, and fail where it throws. */
export class SlowStore extends MemoryStore {
  /** Keys asked for, in order. */
  readonly asked: string[] = [];
  inFlight = 0;
  mostInFlight = 0;
  readonly #clock: Clock;
  readonly #latencyMs: (key: string, call: number) => number;

  /** @param latencyMs of the `call`-th get, counted from 0. What it throws, the get throws at once. */
  constructor(clock: Clock, latencyMs: (key: string, call: number) => number) {
    super();
    this.#clock = clock;
    this.#latencyMs = latencyMs;
  }

  override async get(key: string, range?: ByteRange): Promise<StoredObject | undefined> {
    const call = this.asked.length;
    this.asked.push(key);
    this.inFlight += 1;
    this.mostInFlight = Math.max(this.mostInFlight, this.inFlight);
    try {
      await this.#clock.sleep(this.#latencyMs(key, call));
      return await super.get(key, range);
    } finally {
      this.inFlight -= 1;
    }
  }
}
