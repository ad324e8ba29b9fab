/**
 * MaxSim with the exact int8 vectors of a page.
 *
 * @module
 */
import type { PageVectors } from "../format/contract.ts";
import type { KernelQuery, TokenBest } from "./kernel-query.ts";
import { allocateAfter, releaseAll } from "./kernel.ts";
import { LANES } from "./query-block.ts";

const ROW_BYTES = LANES * 4;

/**
 * Best score and vector of every query token on one page. A page without vectors has −∞ everywhere.
 *
 * Errors: `overloaded` when kernel memory has no room for the page.
 */
export function exactTokenBest(query: KernelQuery, page: PageVectors): TokenBest {
  const { kernel, dim, tokenCount } = query;
  const { exports, memory } = kernel;
  const count = page.scales.length;
  const values = memory.allocate(count * dim, "a page's exact vectors");
  const scales = allocateAfter(memory, [values], count * 4, "a page's exact vectors");
  // Dot products of two vectors, then best scores, then winners.
  const scratch = allocateAfter(memory, [values, scales], 4 * ROW_BYTES, "a page's scores");
  try {
    memory.int8(values).set(page.values);
    memory.float32(scales).set(page.scales);
    const best = { scores: new Float32Array(tokenCount), vectors: new Uint16Array(tokenCount) };
    for (const [index, block] of query.blocks.entries()) {
      const bestOffset = scratch.offset + 2 * ROW_BYTES;
      exports.exactBest(
        values.offset,
        scales.offset,
        count,
        dim,
        query.pairsOffset(index),
        scratch.offset,
        bestOffset,
        bestOffset + ROW_BYTES,
      );
      const scores = memory.float32(scratch).subarray(2 * LANES);
      const winners = memory.int32(scratch).subarray(3 * LANES);
      for (let lane = 0; lane < block.tokenCount; lane++) {
        best.scores[block.firstToken + lane] = (scores[lane] ?? 0) * (block.scales[lane] ?? 0);
        best.vectors[block.firstToken + lane] = winners[lane] ?? 0;
      }
    }
    return best;
  } finally {
    releaseAll(memory, [values, scales, scratch]);
  }
}

/** Σ over query tokens of the best score: MaxSim. */
export function totalScore(best: TokenBest): number {
  let sum = 0;
  for (const score of best.scores) sum += score;
  return sum;
}
