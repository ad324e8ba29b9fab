/**
 * Makes one order of two: that of the vectors and that of the words.
 *
 * @module
 */

/** A page that either ranking found. */
export interface FusionPage {
  /** See `IndexSnapshot.locate`. */
  readonly position: number;
  /** Late interaction or cosine. */
  readonly vectorScore: number;
  /** BM25; 0 of a page without any of the words. */
  readonly wordScore: number;
}

/**
 * `weighted`: each score is scaled to 0…1 over its best pages, and the two are added by weight; a page further down is below 0
 * by its vectors. `ranks`: reciprocal rank fusion (Cormack, Clarke and Büttcher 2009), where only the order of each counts.
 */
export type FusionMethod = "weighted" | "ranks";

export interface FusionSettings {
  method: FusionMethod;
  /** Of the words, 0 to 1; the vectors have the rest. */
  wordWeight: number;
}

/** Rank constant of the paper: how much the first ranks count above later ones. */
const RANK_CONSTANT = 60;

/**
 * The worst score by vectors of so many pages by vectors and by words is 0. Fixed numbers, those that weights were measured with,
 * so that fused scores do not depend on how many pages more were looked at: a question for 10 pages and for 100 has the same
 * first ten.
 */
const SCALED_BY_VECTORS = 64;
const SCALED_BY_WORDS = 50;

/** Fused scores of `pages`, at most 1, in their order. */
export function fuse(pages: readonly FusionPage[], { method, wordWeight }: FusionSettings): number[] {
  const vectorScores = pages.map(({ position, vectorScore }) => ({ position, score: vectorScore }));
  const wordScores = pages.map(({ position, wordScore }) => ({ position, score: wordScore }));
  const [vectors, words] =
    method === "ranks"
      ? // A page without the words has no rank among those that have some.
        [reciprocalRanks(vectorScores, Number.NEGATIVE_INFINITY), reciprocalRanks(wordScores, 0)]
      : [scaled(vectorScores, zeroOf(pages)), scaled(wordScores, 0)];
  return pages.map((_, i) => (1 - wordWeight) * (vectors[i] ?? 0) + wordWeight * (words[i] ?? 0));
}

interface Scored {
  position: number;
  score: number;
}

/** The lowest score by vectors of the best pages by vectors and of the best by words. */
function zeroOf(pages: readonly FusionPage[]): number {
  const byVectors = pages.toSorted((a, b) => b.vectorScore - a.vectorScore).slice(0, SCALED_BY_VECTORS);
  const byWords = pages
    .filter(({ wordScore }) => wordScore > 0)
    .toSorted((a, b) => b.wordScore - a.wordScore || a.position - b.position)
    .slice(0, SCALED_BY_WORDS);
  return Math.min(...[...byVectors, ...byWords].map(({ vectorScore }) => vectorScore));
}

/** From 0 for `zero` to 1 for the highest score. */
function scaled(pages: readonly Scored[], zero: number): number[] {
  const range = pages.reduce((highest, { score }) => Math.max(highest, score), zero) - zero;
  return pages.map(({ score }) => (range > 0 ? (score - zero) / range : 0));
}

/** 1 for the first; 0 for pages that do not score above `floor`. */
function reciprocalRanks(pages: readonly Scored[], floor: number): number[] {
  const order = Array.from(pages.keys())
    .filter((i) => (pages[i]?.score ?? 0) > floor)
    .toSorted(
      (a, b) =>
        (pages[b]?.score ?? 0) - (pages[a]?.score ?? 0) || (pages[a]?.position ?? 0) - (pages[b]?.position ?? 0),
    );
  const values = pages.map(() => 0);
  for (const [rank, i] of order.entries()) values[i] = (RANK_CONSTANT + 1) / (RANK_CONSTANT + 1 + rank);
  return values;
}
