/**
 * MaxSim with the exact int8 vectors of a page.
 *
 * @module
 */
import { MaxleafError } from "../errors.ts";
import type { PageVectors } from "../format/contract.ts";
import { dotScratchBytes, type KernelQuery, type TokenBest } from "./kernel-query.ts";
import { allocateAfter, releaseAll } from "./kernel.ts";
import type { Region, RegionHolder } from "./memory.ts";
import { LANES, multipliedLanes, type QueryBlock } from "./query-block.ts";

const ROW_BYTES = LANES * 4;

/** A page's exact vectors, and the positions (ascending) of those in the running; undefined: all. */
export interface ExactPage {
  vectors: PageVectors;
  positions: Uint16Array | undefined;
}

/**
 * Best score and vector of every query token on each page. Without vectors every score is −∞.
 *
 * Errors: `corrupt_data` for a position that the page does not have; `overloaded` when kernel memory has no room for the largest
 * page.
 */
export function exactTokenBests(query: KernelQuery, pages: readonly ExactPage[]): TokenBest[] {
  const desk = new ExactDesk(query, pages);
  try {
    return pages.map(({ vectors, positions }) => {
      desk.place(vectors);
      return tokenBestOn(desk, query, positions);
    });
  } finally {
    desk.release();
  }
}

/** As {@link exactTokenBests}, of one page. */
export function exactTokenBest(query: KernelQuery, vectors: PageVectors, positions?: Uint16Array): TokenBest {
  const [best] = exactTokenBests(query, [{ vectors, positions }]);
  if (best === undefined) throw new RangeError("one page has one best");
  return best;
}

function tokenBestOn(desk: ExactDesk, { tokenCount }: KernelQuery, positions: Uint16Array | undefined): TokenBest {
  const best = { scores: new Float32Array(tokenCount), vectors: new Uint16Array(tokenCount) };
  desk.score(positions, (block, scores, winners) => {
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
 * Errors: as {@link exactTokenBests}.
 */
export function exactGroupBests(
  query: KernelQuery,
  vectors: PageVectors,
  groups: readonly Uint16Array[],
): Float32Array {
  const { tokenCount } = query;
  const bests = new Float32Array(groups.length * tokenCount);
  const desk = new ExactDesk(
    query,
    groups.map((positions) => ({ vectors, positions })),
  );
  try {
    desk.place(vectors);
    for (const [group, positions] of groups.entries()) {
      desk.score(positions, (block, scores) => {
        for (let lane = 0; lane < block.tokenCount; lane++) {
          bests[group * tokenCount + block.firstToken + lane] = inQueryScale(scores[lane], block.scales[lane]);
        }
      });
    }
    return bests;
  } finally {
    desk.release();
  }
}

/** A token of zeros scores 0, but −∞ on a page without vectors. */
function inQueryScale(score = -Infinity, scale = 0): number {
  return score === -Infinity ? score : score * scale;
}

/** Where exact vectors lie while they are scored: room for the largest of some pages. */
class ExactDesk implements RegionHolder {
  readonly #query: KernelQuery;
  readonly #values: Region;
  readonly #scales: Region;
  /** Best scores, winners, then the kernel's scratch. */
  readonly #results: Region;
  readonly #positions: Region;
  #held = 0;

  constructor(query: KernelQuery, pages: readonly ExactPage[]) {
    const { kernel, dim } = query;
    const { memory } = kernel;
    let most = 0;
    let longest = 0;
    for (const { vectors, positions } of pages) {
      checkPositions(positions, vectors.scales.length);
      most = Math.max(most, vectors.scales.length);
      longest = Math.max(longest, positions?.length ?? 0);
    }
    this.#query = query;
    this.#values = memory.allocate(most * dim, "a page's exact vectors");
    const held = [this.#values];
    this.#scales = allocateAfter(memory, held, most * 4, "a page's exact vectors");
    held.push(this.#scales);
    this.#results = allocateAfter(memory, held, 2 * ROW_BYTES + dotScratchBytes(dim), "a page's scores");
    held.push(this.#results);
    this.#positions = allocateAfter(memory, held, longest * 2, "the positions of a page's vectors");
  }

  place({ scales, values }: PageVectors): void {
    const { memory } = this.#query.kernel;
    memory.int8(this.#values).set(values);
    memory.float32(this.#scales).set(scales);
    this.#held = scales.length;
  }

  /** Tells `take` the best scores and winners, `[32]` each, of every block of tokens on the page that was placed last. */
  score(
    positions: Uint16Array | undefined,
    take: (block: QueryBlock, scores: Float32Array, winners: Int32Array) => void,
  ): void {
    const { kernel, dim, blocks } = this.#query;
    const { exports, memory } = kernel;
    const { offset } = this.#results;
    if (positions !== undefined) memory.uint16(this.#positions).set(positions);
    const scores = memory.float32(this.#results, LANES);
    const winners = memory.int32(this.#results).subarray(LANES, 2 * LANES);
    for (const [index, block] of blocks.entries()) {
      exports.exactBest(
        this.#values.offset,
        this.#scales.offset,
        positions === undefined ? 0 : this.#positions.offset,
        positions?.length ?? this.#held,
        dim,
        multipliedLanes(block),
        this.#query.pairsOffset(index),
        offset + 2 * ROW_BYTES,
        offset,
        offset + ROW_BYTES,
      );
      take(block, scores, winners);
    }
  }

  release(): void {
    releaseAll(this.#query.kernel.memory, [this.#values, this.#scales, this.#results, this.#positions]);
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
