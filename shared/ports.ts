/**
 * Time and chance as ports, so that retries and training can be run with chosen ones in tests.
 *
 * @module
 */

export interface Clock {
  /** Milliseconds since 1970. */
  nowMs(): number;
  sleep(durationMs: number): Promise<void>;
}

export interface Random {
  /** The next number of a uniform sequence, 0 ≤ x < 1. */
  next(): number;
}

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  sleep: (durationMs) => new Promise((resolve) => setTimeout(resolve, durationMs)),
};

export const systemRandom: Random = { next: () => Math.random() };
