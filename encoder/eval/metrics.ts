/**
 * Measures of a ranking, as trec_eval computes them (https://github.com/usnistgov/trec_eval): binary ones count every
 * grade above 0 as relevant; nDCG takes the grade itself as gain (`ndcg_cut`; not 2^grade − 1).
 *
 * @module
 */

/** Page keys with their grades; a page that is not judged counts as 0. */
export type Judgements = ReadonlyMap<string, number>;

/** A query's page keys, best first, each at most once. */
export type Ranking = readonly string[];

/** nDCG@k: Σ grade / log2(rank + 1) over the first k, divided by that of the best possible order. */
export function ndcgAt(k: number, ranking: Ranking, judgements: Judgements): number {
  const gains = ranking.slice(0, k).map((page) => gainOf(page, judgements));
  const ideal = [...judgements.values()].filter((grade) => grade > 0).toSorted((a, b) => b - a);
  const best = discountedSum(ideal.slice(0, k));
  return best === 0 ? 0 : discountedSum(gains) / best;
}

/** Share of the relevant pages among the first k. */
export function recallAt(k: number, ranking: Ranking, judgements: Judgements): number {
  const relevant = [...judgements.values()].filter((grade) => grade > 0).length;
  const found = ranking.slice(0, k).filter((page) => gainOf(page, judgements) > 0).length;
  return relevant === 0 ? 0 : found / relevant;
}

/** 1 when a relevant page is among the first k, else 0. */
export function hitAt(k: number, ranking: Ranking, judgements: Judgements): number {
  return ranking.slice(0, k).some((page) => gainOf(page, judgements) > 0) ? 1 : 0;
}

/** 1 / rank of the first relevant page, 0 when there is none. */
export function reciprocalRank(ranking: Ranking, judgements: Judgements): number {
  const first = ranking.findIndex((page) => gainOf(page, judgements) > 0);
  return first < 0 ? 0 : 1 / (first + 1);
}

/**
 * Average precision: the mean, over all relevant pages, of the precision at each one's rank; 0 for those not among the first k.
 */
export function averagePrecisionAt(k: number, ranking: Ranking, judgements: Judgements): number {
  const relevant = [...judgements.values()].filter((grade) => grade > 0).length;
  let found = 0;
  let sum = 0;
  for (const [position, page] of ranking.slice(0, k).entries()) {
    if (gainOf(page, judgements) > 0) sum += ++found / (position + 1);
  }
  return relevant === 0 ? 0 : sum / relevant;
}

/** Share of the first k of `reference` that is among the first k of `ranking`: what an approximate search keeps. */
export function overlapAt(k: number, ranking: Ranking, reference: Ranking): number {
  const wanted = reference.slice(0, k);
  const found = new Set(ranking.slice(0, k));
  return wanted.length === 0 ? 1 : wanted.filter((page) => found.has(page)).length / wanted.length;
}

/** Arithmetic mean, 0 of nothing. */
export function meanOf(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}

function gainOf(page: string, judgements: Judgements): number {
  return Math.max(0, judgements.get(page) ?? 0);
}

function discountedSum(gains: readonly number[]): number {
  return gains.reduce((sum, gain, position) => sum + gain / Math.log2(position + 2), 0);
}
