/**
 * MaxSim with the exact int8 vectors of a page.
 *
 * @module
 */
import { MaxleafError } from "../errors.ts";
import type { PageVectors } from "../format/contract.ts";
import { dotScratchBytes, type KernelQuery, type TokenBest } from "./kernel-query.ts";
import { allocateAfter, releaseAll } from "./kernel.ts";
import { activeLanes, LANES } from "./query-block.ts";

const ROW_BYTES = LANES * 4;

/**
 * Best score and vector of every query token on one page, among the vectors at `positions` (ascending) or among all. Without
 * vectors every score is −∞.
 *
 * Errors: `corrupt_data` for a position that the page does not have; `overloaded` when kernel memory has no room for the page.
 */
export function exactTokenBest(query: KernelQuery, page: PageVectors, positions?: Uint16Array): TokenBest {
  const { kernel, dim, tokenCount } = query;
  const { exports, memory } = kernel;
  const held = page.scales.length;
  const count = positions?.length ?? held;
  checkPositions(positions, held);
  const values = memory.allocate(held * dim, "a page's exact vectors");
  const scales = allocateAfter(memory, [values], held * 4, "a page's exact vectors");
  // Best scores, winners, then the kernel's scratch.
  const results = allocateAfter(memory, [values, scales], 2 * ROW_BYTES + dotScratchBytes(dim), "a page's scores");
  const rest = [values, scales, results];
  const chosen =
    positions === undefined ? undefined : allocateAfter(memory, rest, count * 2, "the positions of a page's vectors");
  if (chosen !== undefined) rest.push(chosen);
  try {
    if (chosen !== undefined && positions !== undefined) memory.uint16(chosen).set(positions);
    memory.int8(values).set(page.values);
    memory.float32(scales).set(page.scales);
    const best = { scores: new Float32Array(tokenCount), vectors: new Uint16Array(tokenCount) };
    for (const [index, block] of query.blocks.entries()) {
      exports.exactBest(
        values.offset,
        scales.offset,
        chosen?.offset ?? 0,
        count,
        dim,
        activeLanes(block),
        query.pairsOffset(index),
        results.offset + 2 * ROW_BYTES,
        results.offset,
        results.offset + ROW_BYTES,
      );
      const scores = memory.float32(results);
      const winners = memory.int32(results).subarray(LANES);
      for (let lane = 0; lane < block.tokenCount; lane++) {
        best.scores[block.firstToken + lane] = (scores[lane] ?? 0) * (block.scales[lane] ?? 0);
        best.vectors[block.firstToken + lane] = winners[lane] ?? 0;
      }
    }
    return best;
  } finally {
    releaseAll(memory, rest);
  }
}

function checkPositions(positions: Uint16Array | undefined, held: number): void {
  // They ascend.
  const last = positions?.at(-1) ?? 0;
  if (last < Math.max(1, held)) return;
  throw new MaxleafError("corrupt_data", `a page of ${held} exact vectors has codes for vector ${last}`);
}

/** Σ over query tokens of the best score: MaxSim. */
export function totalScore(best: TokenBest): number {
  let sum = 0;
  for (const score of best.scores) sum += score;
  return sum;
}
