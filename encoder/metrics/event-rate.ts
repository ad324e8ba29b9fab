/**
 * How many events a second there were lately.
 *
 * @module
 */
import { type Clock, systemClock } from "../../shared/ports.ts";

/** Long enough for a number that an autoscaler can act on, short enough to follow a change. */
const WINDOW_SECONDS = 60;
const SECOND_MS = 1_000;

/** Events of the last minute, counted by the second. */
export class EventRate {
  readonly #clock: Clock;
  readonly #counts = new Map<number, number>();

  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
  }

  add(): void {
    const second = this.#second();
    this.#counts.set(second, (this.#counts.get(second) ?? 0) + 1);
    this.#forget(second);
  }

  /** Events a second, averaged over the last minute: too low during the first minute of a process. */
  perSecond(): number {
    this.#forget(this.#second());
    const events = [...this.#counts.values()].reduce((sum, count) => sum + count, 0);
    return events / WINDOW_SECONDS;
  }

  #second(): number {
    return Math.floor(this.#clock.nowMs() / SECOND_MS);
  }

  #forget(now: number): void {
    for (const second of this.#counts.keys()) {
      if (second > now - WINDOW_SECONDS) break;
      this.#counts.delete(second);
    }
  }
}
