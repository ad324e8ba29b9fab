/**
 * An encoded query in kernel memory.
 *
 * @module
 */
import { MaxleafError } from "../errors.ts";
import type { Kernel } from "./kernel.ts";
import type { Region, RegionHolder } from "./memory.ts";
import { LANE_GROUP, LANES, toQueryBlocks, type QueryBlock } from "./query-block.ts";

const I16_BYTES = 2;

/** Scratch of the kernels that take two vectors at a time: their products i32 `[2, 16]`, and they themselves, i16 `[2, dim]`. */
export function dotScratchBytes(dim: number): number {
  return 2 * LANE_GROUP * 4 + 2 * dim * I16_BYTES;
}

/** Best score and best vector of a page for every query token. */
export interface TokenBest {
  /** `[tokenCount]` cosines. */
  scores: Float32Array;
  /** `[tokenCount]` positions of the vectors on the page. */
  vectors: Uint16Array;
}

/** Blocks of 32 tokens and, in kernel memory, their rows in the order the dot products read them. */
export class KernelQuery implements RegionHolder {
  readonly kernel: Kernel;
  readonly dim: number;
  readonly tokenCount: number;
  readonly blocks: readonly QueryBlock[];
  readonly #pairs: Region;

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
    this.#pairs = kernel.memory.allocate(this.blocks.length * dim * LANES * I16_BYTES, "a query's vectors");
    const pairs = kernel.memory.int16(this.#pairs);
    for (const [index, block] of this.blocks.entries()) {
      writePairs(block, pairs.subarray(index * dim * LANES, (index + 1) * dim * LANES));
    }
  }

  /** Pointer to i16 `[dim / 2, 32, 2]` of one block. */
  pairsOffset(block: number): number {
    return this.#pairs.offset + block * this.dim * LANES * I16_BYTES;
  }

  release(): void {
    this.kernel.memory.release(this.#pairs);
  }
}

function checkFinite(vectors: Float32Array): void {
  const wrong = vectors.findIndex((value) => !Number.isFinite(value));
  if (wrong === -1) return;
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
