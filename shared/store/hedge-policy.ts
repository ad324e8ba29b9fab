/**
 * When a read is worth asking for twice.
 *
 * The slowest of a dozen reads decides how long a query waits, and a slow read is seldom slow twice. So a read that has
 * waited longer than nearly all recent ones is asked for a second time, and the first answer wins (Dean and Barroso, "The
 * Tail at Scale", 2013: 5 % more requests, most of the tail gone).
 *
 * One policy serves all requests of an isolate: it holds numbers only, so no request waits for another.
 *
 * @module
 */
import { MAX_CONCURRENT_READS } from "../limits.ts";

/** Latencies remembered: some twenty cold queries. */
export const LATENCY_SAMPLES = 256;
/** Below this many samples the 95th percentile rests on one or two of them. */
export const MIN_LATENCY_SAMPLES = 32;
/** A read that has waited longer than this share of recent ones is hedged. */
export const HEDGE_PERCENTILE = 0.95;
/** Longer reads are slow because they are long: a second one would only share their bandwidth. */
export const MAX_HEDGED_BYTES = 1024 * 1024;
/** Second reads per read, at most. When the whole store is slow, hedging must not make it slower. */
export const HEDGES_PER_READ = 0.1;
/** Second reads that may come at once, after many reads without any. */
const MAX_HEDGES_SAVED = MAX_CONCURRENT_READS;
/** The percentile is worked out anew after this many samples. */
const SAMPLES_PER_UPDATE = 16;

export class HedgePolicy {
  readonly #latenciesMs = new Float64Array(LATENCY_SAMPLES);
  #samples = 0;
  #delayMs: number | undefined;
  #hedgesSaved = 0;

  /**
   * A read of at most {@link MAX_HEDGED_BYTES} that went to the bucket took `latencyMs`. Slow reads that lost against their
   * second one count too: without them the percentile would sink each time it is used.
   */
  observe(latencyMs: number): void {
    this.#latenciesMs[this.#samples % LATENCY_SAMPLES] = latencyMs;
    this.#samples += 1;
    this.#hedgesSaved = Math.min(MAX_HEDGES_SAVED, this.#hedgesSaved + HEDGES_PER_READ);
    if (this.#samples >= MIN_LATENCY_SAMPLES && this.#samples % SAMPLES_PER_UPDATE === 0) this.#update();
  }

  /** How long a read waits before it is hedged; undefined while too few were seen. */
  get delayMs(): number | undefined {
    return this.#delayMs;
  }

  /** Takes one second read from the allowance; false when it is used up. */
  take(): boolean {
    if (this.#hedgesSaved < 1) return false;
    this.#hedgesSaved -= 1;
    return true;
  }

  #update(): void {
    const known = this.#latenciesMs.slice(0, Math.min(this.#samples, LATENCY_SAMPLES)).sort();
    this.#delayMs = known[Math.floor((known.length - 1) * HEDGE_PERCENTILE)];
  }
}
