/**
 * How sure a difference between two systems is, by the paired bootstrap over queries (Efron and Tibshirani, An Introduction to the
 * Bootstrap, 1993, chapter 13: percentile interval).
 *
 * @module
 */
import { seededRandom } from "../../shared/seeded-random.ts";
import { meanOf } from "./metrics.ts";

export const RESAMPLES = 10_000;
const SEED = 1;
const CONFIDENCE = 0.95;

export interface Difference {
  /** Mean of b − a. */
  mean: number;
  /** Bounds of the 95 % interval of the mean. */
  low: number;
  high: number;
  /** Share of the resamples in which b's mean is above a's; half of those with equal means. */
  shareBetter: number;
}

/**
 * The mean of `b[i] − a[i]` and its interval. The same input gives the same interval: the generator's seed is fixed.
 *
 * @param a one figure per query.
 * @param b the same queries in the same order.
 */
export function pairedDifference(a: readonly number[], b: readonly number[]): Difference {
  if (a.length !== b.length || a.length === 0) throw new RangeError(`${a.length} and ${b.length} figures to compare`);
  const differences = a.map((value, at) => (b[at] ?? 0) - value);
  const random = seededRandom(SEED);
  const means = new Float64Array(RESAMPLES);
  for (let resample = 0; resample < RESAMPLES; resample++) {
    let sum = 0;
    for (let draw = 0; draw < differences.length; draw++) {
      sum += differences[Math.floor(random.next() * differences.length)] ?? 0;
    }
    means[resample] = sum / differences.length;
  }
  means.sort();
  const tail = Math.floor(((1 - CONFIDENCE) / 2) * RESAMPLES);
  const above = means.filter((mean) => mean > 0).length;
  const equal = means.filter((mean) => mean === 0).length;
  return {
    mean: meanOf(differences),
    low: means[tail] ?? 0,
    high: means[RESAMPLES - 1 - tail] ?? 0,
    shareBetter: (above + equal / 2) / RESAMPLES,
  };
}
