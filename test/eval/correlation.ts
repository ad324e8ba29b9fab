/**
 * How much two heat maps of a page are alike.
 *
 * @module
 */

/** Pearson's correlation of `a` and `b`, of equal length; undefined where one of them is flat. */
export function correlation(a: ArrayLike<number>, b: ArrayLike<number>): number | undefined {
  const [meanA, meanB] = [meanOf(a), meanOf(b)];
  let [products, squaresA, squaresB] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    const [left, right] = [(a[i] ?? NaN) - meanA, (b[i] ?? NaN) - meanB];
    products += left * right;
    squaresA += left * left;
    squaresB += right * right;
  }
  const spread = Math.sqrt(squaresA * squaresB);
  return spread === 0 ? undefined : products / spread;
}

/** What a list of correlations comes to. */
export interface Spread {
  count: number;
  mean: number;
  /** Five in a hundred are below it. */
  low: number;
  least: number;
  /** Share of at least {@link WANTED_CORRELATION}. */
  good: number;
}

/** What the project asks of a heat map. */
export const WANTED_CORRELATION = 0.95;
const LOW_SHARE = 0.05;

export function spreadOf(values: readonly number[]): Spread {
  const ascending = values.toSorted((a, b) => a - b);
  return {
    count: values.length,
    mean: meanOf(values),
    low: ascending[Math.floor(LOW_SHARE * values.length)] ?? NaN,
    least: ascending[0] ?? NaN,
    good: values.filter((value) => value >= WANTED_CORRELATION).length / values.length,
  };
}

function meanOf(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i] ?? NaN;
  return sum / values.length;
}
