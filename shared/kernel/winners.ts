/**
 * Exact scores of the winners only: PQ names each token's best few vectors of a page, and exact vectors settle those. 64 dot
 * products for 32 tokens and two winners each, where scoring a page of 1,030 vectors takes 33,000.
 *
 * @module
 */
import { MaxleafError } from "../errors.ts";
import type { PageVectors } from "../format/contract.ts";
import type { KernelQuery, TokenBest } from "./kernel-query.ts";

/** Winners a token may have on a page: recall ends to grow at 4 (docs/compression.md). */
export const MAX_WINNERS = 8;

/** The best vectors of one page by PQ score. Fill block after block: `QueryTables.fillWinners`. */
export interface Winners {
  /** Per token, at most {@link MAX_WINNERS} and at most the page's vectors. */
  readonly depth: number;
  /** `[tokenCount, depth]` positions of vectors on the page, best first. */
  readonly vectors: Uint16Array;
}

/** Room for the winners of a page of `vectorCount` vectors. */
export function emptyWinners(tokenCount: number, depth: number, vectorCount: number): Winners {
  const kept = Math.min(depth, MAX_WINNERS, vectorCount);
  return { depth: kept, vectors: new Uint16Array(tokenCount * kept) };
}

/**
 * As `exactTokenBest`, with only `winners` in the running. A page without vectors has −∞ everywhere.
 *
 * Errors: `overloaded`.
 */
export function exactWinnersBest(query: KernelQuery, page: PageVectors, winners: Winners): TokenBest {
  throw new MaxleafError("internal", `${query.dim} ${page.scales.length} ${winners.depth}`);
}
