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
 * `weighted`: each score is scaled to 0…1 over the pages that were found, and the two are added by weight. `ranks`: reciprocal rank
 * fusion (Cormack, Clarke and Büttcher 2009), where only the order of each counts.
 */
export type FusionMethod = "weighted" | "ranks";

export interface FusionSettings {
  method: FusionMethod;
  /** Of the words, 0 to 1; the vectors have the rest. */
  wordWeight: number;
}

/** Rank constant of the paper: how much the first ranks count above later ones. */
const RANK_CONSTANT = 60;

/** Fused scores of `pages`, 0 to 1, in their order. */
export function fuse(pages: readonly FusionPage[], { method, wordWeight }: FusionSettings): number[] {
  const scale = method === "ranks" ? reciprocalRanks : scaled;
  const vectors = scale(
    pages.map(({ position, vectorScore }) => ({ position, score: vectorScore })),
    Number.NEGATIVE_INFINITY,
  );
  // A page without the words has no rank among those that have some.
  const words = scale(
    pages.map(({ position, wordScore }) => ({ position, score: wordScore })),
    0,
  );
  return pages.map((_, i) => (1 - wordWeight) * (vectors[i] ?? 0) + wordWeight * (words[i] ?? 0));
}

interface Scored {
  position: number;
  score: number;
}

/** From 0 for the lowest score (of words: for none) to 1 for the highest. */
function scaled(pages: readonly Scored[], floor: number): number[] {
  let low = Number.POSITIVE_INFINITY;
  let high = floor;
  for (const { score } of pages) {
    low = Math.min(low, score);
    high = Math.max(high, score);
  }
  const from = Math.max(low, floor);
  const range = high - from;
  return pages.map(({ score }) => (range > 0 ? (score - from) / range : 0));
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
