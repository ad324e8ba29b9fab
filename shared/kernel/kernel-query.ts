/**
 * An encoded query in kernel memory.
 *
 * @module
 */
import { MaxleafError } from "../errors.ts";
import { allocateAfter, type Kernel, releaseAll } from "./kernel.ts";
import type { Region, RegionHolder } from "./memory.ts";
import { DOT_LANE_GROUP, LANES, toQueryBlocks, type QueryBlock } from "./query-block.ts";

const I16_BYTES = 2;

/** Vectors that kernels multiply at a time. */
const DOT_VECTORS = 4;

/** Scratch of the kernels that multiply vectors: products i32 `[4, 8]`, and the vectors themselves, i16 `[4, dim]`. */
export function dotScratchBytes(dim: number): number {
  return DOT_VECTORS * (DOT_LANE_GROUP * 4 + dim * I16_BYTES);
}

/** Best score and best vector of a page for every query token. */
export interface TokenBest {
  /** `[tokenCount]` cosines. */
  scores: Float32Array;
  /** `[tokenCount]` positions of the vectors on the page. */
  vectors: Uint16Array;
}

/**
 * Blocks of 32 tokens and, in kernel memory, their rows: one after the other, and, once asked for, in the order that the products of all lanes
 * read. Most searches never ask: centroids are multiplied in 7 bits (centroid-query.ts), exact vectors lane by lane.
 */
export class KernelQuery implements RegionHolder {
  readonly kernel: Kernel;
  readonly dim: number;
  readonly tokenCount: number;
  readonly blocks: readonly QueryBlock[];
  readonly #pairs: Region;
  #hasPairs = false;
  readonly #rows: Region;

  /**
   * `vectors` `[tokenCount, dim]`; `dim` a multiple of 16. Errors: `invalid_request` for a value that is no finite number, which
   * would make integers of any size; `overloaded`.
   */
  constructor(kernel: Kernel, vectors: Float32Array, tokenCount: number, dim: number) {
    checkFinite(vectors);
    this.kernel = kernel;
    this.dim = dim;
    this.tokenCount = tokenCount;
    this.blocks = toQueryBlocks(vectors, tokenCount, dim);
    const { memory } = kernel;
    const bytes = this.blocks.length * dim * LANES * I16_BYTES;
    this.#pairs = memory.allocate(bytes, "a query's vectors");
    this.#rows = allocateAfter(memory, [this.#pairs], bytes, "a query's vectors");
    const rows = memory.int16(this.#rows);
    for (const [index, block] of this.blocks.entries()) rows.set(block.rows, index * dim * LANES);
  }

  /** Pointer to i16 `[dim / 2, 32, 2]` of one block. */
  pairsOffset(block: number): number {
    if (!this.#hasPairs) this.#writePairs();
    return this.#pairs.offset + block * this.dim * LANES * I16_BYTES;
  }

  /** Pointer to i16 `[32, dim]` of one block. */
  rowsOffset(block: number): number {
    return this.#rows.offset + block * this.dim * LANES * I16_BYTES;
  }

  release(): void {
    releaseAll(this.kernel.memory, [this.#pairs, this.#rows]);
  }

  #writePairs(): void {
    const size = this.dim * LANES;
    const pairs = this.kernel.memory.int16(this.#pairs);
    for (const [i, block] of this.blocks.entries()) writePairs(block, pairs.subarray(i * size, (i + 1) * size));
    this.#hasPairs = true;
  }
}

/** Errors: `invalid_request` naming the first value that is no finite number. */
export function checkFinite(vectors: Float32Array): void {
  // NaN as soon as one is not finite: a loop without calls takes a fraction of a search for the first such value.
  let zero = 0;
  for (let i = 0; i < vectors.length; i++) {
    const value = vectors[i] ?? 0;
    zero += value - value;
  }
  if (zero === 0) return;
  const wrong = vectors.findIndex((value) => !Number.isFinite(value));
  throw new MaxleafError("invalid_request", `value ${wrong} of the query's vectors is ${vectors[wrong]}, not a number`);
}

function writePairs(block: QueryBlock, pairs: Int16Array): void {
  const { dim, rows } = block;
  for (let lane = 0; lane < LANES; lane++) {
    for (let d = 0; d < dim; d++) {
      const pair = d >> 1;
      pairs[(pair * LANES + lane) * 2 + (d & 1)] = rows[lane * dim + d] ?? 0;
    }
  }
}
