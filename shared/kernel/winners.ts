/**
 * Exact scores of the winners only: PQ names each token's best few vectors of a page, and exact vectors settle those. 64 dot
 * products for 32 tokens and two winners each, where scoring a page of 1,030 vectors takes 33,000.
 *
 * @module
 */
import { MaxleafError } from "../errors.ts";
import type { PageVectors } from "../format/contract.ts";
import type { KernelQuery, TokenBest } from "./kernel-query.ts";
import { allocateAfter, releaseAll } from "./kernel.ts";

/** Winners a token may have on a page: twice the most that was worth measuring. Ours. */
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
 * As `exactTokenBest`, with only `winners` in the running; of equal ones the better by PQ wins. A page without vectors has −∞
 * everywhere.
 *
 * Errors: `corrupt_data` for a winner that `page` does not have; `overloaded`.
 */
export function exactWinnersBest(query: KernelQuery, page: PageVectors, winners: Winners): TokenBest {
  const { kernel, dim, tokenCount } = query;
  const { depth, vectors } = winners;
  const best = { scores: new Float32Array(tokenCount), vectors: new Uint16Array(tokenCount) };
  if (depth === 0) {
    best.scores.fill(Number.NEGATIVE_INFINITY);
    return best;
  }
  const { exports, memory } = kernel;
  const values = memory.allocate(vectors.length * dim, "a page's exact vectors");
  const scales = allocateAfter(memory, [values], vectors.length * 4, "a page's exact vectors");
  // Best scores, then places.
  const results = allocateAfter(memory, [values, scales], 2 * tokenCount * 4, "a page's scores");
  try {
    gather(page, vectors, dim, memory.int8(values), memory.float32(scales));
    const places = results.offset + tokenCount * 4;
    const rows = query.rowsOffset();
    exports.exactWinners(values.offset, scales.offset, dim, rows, tokenCount, depth, results.offset, places);
    const scores = memory.float32(results);
    const placed = memory.int32(results).subarray(tokenCount);
    for (let token = 0; token < tokenCount; token++) {
      best.scores[token] = (scores[token] ?? 0) * query.scaleOf(token);
      best.vectors[token] = vectors[token * depth + (placed[token] ?? 0)] ?? 0;
    }
    return best;
  } finally {
    releaseAll(memory, [values, scales, results]);
  }
}

/** Row after row: copying a whole page of 1,030 vectors would move 16 times as much as two winners for 32 tokens. */
function gather(page: PageVectors, vectors: Uint16Array, dim: number, values: Int8Array, scales: Float32Array): void {
  for (const [i, vector] of vectors.entries()) {
    const scale = page.scales[vector];
    if (scale === undefined) {
      throw new MaxleafError(
        "corrupt_data",
        `a page of ${page.scales.length} exact vectors has codes for vector ${vector}`,
      );
    }
    scales[i] = scale;
    values.set(page.values.subarray(vector * dim, (vector + 1) * dim), i * dim);
  }
}
