/**
 * MaxSim with the exact int8 vectors of a page.
 *
 * @module
 */
import { MaxleafError } from "../errors.ts";
import type { PageVectors } from "../format/contract.ts";
import { dotScratchBytes, type KernelQuery, type TokenBest } from "./kernel-query.ts";
import { allocateAfter, releaseAll } from "./kernel.ts";
import { activeLanes, LANES, type QueryBlock } from "./query-block.ts";

const ROW_BYTES = LANES * 4;

/**
 * Best score and vector of every query token on one page, among the vectors at `positions` (ascending) or among all. Without
 * vectors every score is −∞.
 *
 * Errors: `corrupt_data` for a position that the page does not have; `overloaded` when kernel memory has no room for the page.
 */
export function exactTokenBest(query: KernelQuery, page: PageVectors, positions?: Uint16Array): TokenBest {
  const { tokenCount } = query;
  const best = { scores: new Float32Array(tokenCount), vectors: new Uint16Array(tokenCount) };
  scoreGroups(query, page, [positions], (_, block, scores, winners) => {
    for (let lane = 0; lane < block.tokenCount; lane++) {
      best.scores[block.firstToken + lane] = inQueryScale(scores[lane], block.scales[lane]);
      best.vectors[block.firstToken + lane] = winners[lane] ?? 0;
    }
  });
  return best;
}

/**
 * Best score of every query token among each of `groups` (ascending positions of vectors of one page): `[groups, tokenCount]`,
 * −∞ for an empty group. What {@link exactTokenBest} gives for each group alone.
 *
 * Errors: as {@link exactTokenBest}.
 */
export function exactGroupBests(query: KernelQuery, page: PageVectors, groups: readonly Uint16Array[]): Float32Array {
  const { tokenCount } = query;
  const bests = new Float32Array(groups.length * tokenCount);
  scoreGroups(query, page, groups, (group, block, scores) => {
    for (let lane = 0; lane < block.tokenCount; lane++) {
      bests[group * tokenCount + block.firstToken + lane] = inQueryScale(scores[lane], block.scales[lane]);
    }
  });
  return bests;
}

/** A token of zeros scores 0, but −∞ on a page without vectors. */
function inQueryScale(score = -Infinity, scale = 0): number {
  return score === -Infinity ? score : score * scale;
}

/** Puts `page` into kernel memory and tells `take` the best scores and winners, `[32]` each, of every group and block of tokens. */
function scoreGroups(
  query: KernelQuery,
  page: PageVectors,
  groups: readonly (Uint16Array | undefined)[],
  take: (group: number, block: QueryBlock, scores: Float32Array, winners: Int32Array) => void,
): void {
  const { kernel, dim } = query;
  const { exports, memory } = kernel;
  const held = page.scales.length;
  for (const positions of groups) checkPositions(positions, held);
  const longest = groups.reduce((most, positions) => Math.max(most, positions?.length ?? 0), 0);
  const values = memory.allocate(held * dim, "a page's exact vectors");
  const scales = allocateAfter(memory, [values], held * 4, "a page's exact vectors");
  // Best scores, winners, then the kernel's scratch.
  const results = allocateAfter(memory, [values, scales], 2 * ROW_BYTES + dotScratchBytes(dim), "a page's scores");
  const chosen = allocateAfter(memory, [values, scales, results], longest * 2, "the positions of a page's vectors");
  try {
    memory.int8(values).set(page.values);
    memory.float32(scales).set(page.scales);
    for (const [group, positions] of groups.entries()) {
      if (positions !== undefined) memory.uint16(chosen).set(positions);
      for (const [index, block] of query.blocks.entries()) {
        exports.exactBest(
          values.offset,
          scales.offset,
          positions === undefined ? 0 : chosen.offset,
          positions?.length ?? held,
          dim,
          activeLanes(block),
          query.pairsOffset(index),
          results.offset + 2 * ROW_BYTES,
          results.offset,
          results.offset + ROW_BYTES,
        );
        take(group, block, memory.float32(results), memory.int32(results).subarray(LANES));
      }
    }
  } finally {
    releaseAll(memory, [values, scales, results, chosen]);
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
