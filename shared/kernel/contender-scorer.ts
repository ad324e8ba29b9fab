/**
 * MaxSim with those exact int8 vectors of a page that codes could not rule out, each for the tokens that it may be best for.
 *
 * @module
 */
import { MaxleafError } from "../errors.ts";
import type { PageVectors } from "../format/contract.ts";
import type { KernelQuery, TokenBest } from "./kernel-query.ts";
import { allocateAfter, releaseAll } from "./kernel.ts";
import type { Region, RegionHolder } from "./memory.ts";
import { LANES } from "./query-block.ts";

const WORD_BYTES = 4;
const ROW_BYTES = LANES * WORD_BYTES;

/** A page's exact vectors, and which of them are in the running. */
export interface ContendedPage {
  vectors: PageVectors;
  /** `[blocks, vectors]`: of each vector the lanes that it is a contender of (`CodesScorer.contenders`). */
  masks: Uint32Array;
}

/**
 * Best score and vector of every query token among its own contenders on each page. A token without any has −∞. Each page is
 * scored when its turn comes: who has seen enough stops, and until then nothing else may be allocated in kernel memory.
 *
 * Errors: `corrupt_data` for masks of another number of vectors; `overloaded` when kernel memory has no room for the page with the
 * most contenders.
 */
export function* contenderBests(query: KernelQuery, pages: readonly ContendedPage[]): Generator<TokenBest, void> {
  const blockCount = query.blocks.length;
  for (const { vectors, masks } of pages) {
    if (masks.length === blockCount * vectors.scales.length) continue;
    const coded = masks.length / blockCount;
    throw new MaxleafError("corrupt_data", `a page of ${vectors.scales.length} exact vectors has codes of ${coded}`);
  }
  const desk = new ContenderDesk(query, pages);
  try {
    for (const page of pages) yield desk.score(page);
  } finally {
    desk.release();
  }
}

/** Where exact vectors and their masks lie while they are scored: room for the largest of some pages. */
class ContenderDesk implements RegionHolder {
  readonly #query: KernelQuery;
  readonly #values: Region;
  readonly #scales: Region;
  /** Of every block. */
  readonly #masks: Region;
  /** Best scores, then winners. */
  readonly #results: Region;
  readonly #views: DeskViews;

  constructor(query: KernelQuery, pages: readonly ContendedPage[]) {
    const { kernel, dim, blocks } = query;
    const { memory } = kernel;
    const most = pages.reduce((count, { vectors }) => Math.max(count, vectors.scales.length), 0);
    this.#query = query;
    this.#values = memory.allocate(most * dim, "a page's exact vectors");
    const held = [this.#values];
    this.#scales = allocateAfter(memory, held, most * WORD_BYTES, "a page's exact vectors");
    held.push(this.#scales);
    this.#masks = allocateAfter(memory, held, blocks.length * most * WORD_BYTES, "the contenders of a page");
    held.push(this.#masks);
    this.#results = allocateAfter(memory, held, 2 * ROW_BYTES, "a page's scores");
    this.#views = {
      values: memory.int8(this.#values),
      scales: memory.float32(this.#scales),
      masks: memory.uint32(this.#masks),
      best: memory.float32(this.#results, LANES),
      winners: memory.int32(this.#results).subarray(LANES, 2 * LANES),
    };
  }

  score({ vectors, masks }: ContendedPage): TokenBest {
    const { kernel, tokenCount, dim, blocks } = this.#query;
    const { values, scales, masks: placedMasks, best: lanes, winners } = this.#views;
    const count = vectors.scales.length;
    // All of them: picking out those in the running, a tenth to a half, takes JavaScript longer than copying them in one go.
    values.set(vectors.values);
    scales.set(vectors.scales);
    placedMasks.set(masks);
    const best = { scores: new Float32Array(tokenCount), vectors: new Uint16Array(tokenCount) };
    for (const [index, block] of blocks.entries()) {
      kernel.exports.exactContenders(
        this.#values.offset,
        this.#scales.offset,
        this.#masks.offset + index * count * WORD_BYTES,
        count,
        dim,
        this.#query.rowsOffset(index),
        this.#results.offset,
        this.#results.offset + ROW_BYTES,
      );
      for (let lane = 0; lane < block.tokenCount; lane++) {
        const score = lanes[lane] ?? -Infinity;
        best.scores[block.firstToken + lane] = score === -Infinity ? score : score * (block.scales[lane] ?? 0);
        best.vectors[block.firstToken + lane] = winners[lane] ?? 0;
      }
    }
    return best;
  }

  release(): void {
    releaseAll(this.#query.kernel.memory, [this.#values, this.#scales, this.#masks, this.#results]);
  }
}

/** Views of kernel memory, good as long as nothing else is allocated. */
interface DeskViews {
  values: Int8Array;
  scales: Float32Array;
  masks: Uint32Array;
  best: Float32Array;
  winners: Int32Array;
}
