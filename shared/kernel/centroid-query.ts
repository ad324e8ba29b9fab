/**
 * A query as it is multiplied with the centroids of a codebook and with its cells: in 7 bits where the codebook allows (short-rows.ts).
 *
 * @module
 */
import { dotScratchBytes, type KernelQuery } from "./kernel-query.ts";
import { allocateAfter, type KernelCentroids, type KernelCodebook } from "./kernel.ts";
import type { Region, RegionHolder } from "./memory.ts";
import { LANES, multipliedLanes, type QueryBlock } from "./query-block.ts";
import { SHORT_BIAS, shortBlock, shortLength } from "./short-rows.ts";

const FACTOR_BYTES = LANES * 4;
/** Dimensions that a kernel takes at once in 7 bits. */
const QUAD = 4;

/** Where {@link CentroidQuery.writeRows} puts what. A null pointer leaves one out. */
export interface RowTargets {
  /** i8 `[count, 32]`, in the order asked for. */
  bagRows: number;
  /** i16 `[·, 32]`, at the centroid's own place. */
  pqRows: number;
}

export class CentroidQuery implements RegionHolder {
  /** Their rows and scales are those that centroids are multiplied with. */
  readonly blocks: readonly QueryBlock[];
  readonly #query: KernelQuery;
  /** u8 `[blocks, dim / 4, 32, 4]`; undefined: rows of 16 bits, those of the query. */
  readonly #quads: Region | undefined;
  /** Bag factors, PQ factors, then the kernel's scratch. */
  readonly #work: Region;

  /** Errors: `overloaded`. */
  constructor(query: KernelQuery, codebook: Pick<KernelCodebook, "centroidLength">) {
    const { memory } = query.kernel;
    const length = shortLength(codebook.centroidLength);
    this.#query = query;
    this.#work = memory.allocate(2 * FACTOR_BYTES + dotScratchBytes(query.dim), "a query's factors");
    if (length === undefined) {
      this.blocks = query.blocks;
      return;
    }
    this.blocks = query.blocks.map((block) => shortBlock(block, length));
    const blockBytes = query.dim * LANES;
    this.#quads = allocateAfter(memory, [this.#work], this.blocks.length * blockBytes, "a query's vectors");
    const words = memory.uint32(this.#quads);
    const blockWords = blockBytes / QUAD;
    for (const [i, block] of this.blocks.entries()) {
      writeQuads(block, words.subarray(i * blockWords, (i + 1) * blockWords));
    }
  }

  /** Pointer to u8 `[dim / 4, 32, 4]` of one block: its rows, plus 64. Undefined where they have 16 bits. */
  quadsOffset(block: number): number | undefined {
    return this.#quads === undefined ? undefined : this.#quads.offset + block * this.#query.dim * LANES;
  }

  /** Computes rows of some of `centroids` for one block: `count` of them, at `ids` (pointer to u16; 0: the first). */
  writeRows(
    block: number,
    centroids: KernelCentroids,
    { ids, count }: { ids: number; count: number },
    factors: { bag: Float32Array; pq?: Float32Array },
    { bagRows, pqRows }: RowTargets,
  ): void {
    const { kernel, dim } = this.#query;
    const ofBlock = this.blocks[block];
    if (ofBlock === undefined) throw new RangeError(`the query has no block ${block}`);
    const quads = this.quadsOffset(block);
    const placed = kernel.memory.float32(this.#work, 2 * LANES);
    placed.set(factors.bag);
    if (factors.pq !== undefined) placed.set(factors.pq, LANES);
    const { offset } = this.#work;
    kernel.exports.centroidRows(
      centroids.centroids.offset,
      quads === undefined ? 0 : centroids.starts.offset,
      ids,
      count,
      dim,
      multipliedLanes(ofBlock),
      quads ?? this.#query.pairsOffset(block),
      offset,
      offset + FACTOR_BYTES,
      offset + 2 * FACTOR_BYTES,
      bagRows,
      pqRows,
    );
  }

  release(): void {
    const { memory } = this.#query.kernel;
    memory.release(this.#work);
    if (this.#quads !== undefined) memory.release(this.#quads);
  }
}

/** `[32, dim]` → u8 `[dim / 4, 32, 4]`, biased: four values a word, as one store. */
function writeQuads({ dim, rows, tokenCount }: QueryBlock, quads: Uint32Array): void {
  quads.fill(SHORT_BIAS * 0x0101_0101);
  for (let lane = 0; lane < tokenCount; lane++) {
    for (let d = 0; d < dim; d += QUAD) {
      const at = lane * dim + d;
      const low = ((rows[at] ?? 0) + SHORT_BIAS) | (((rows[at + 1] ?? 0) + SHORT_BIAS) << 8);
      const high = ((rows[at + 2] ?? 0) + SHORT_BIAS) | (((rows[at + 3] ?? 0) + SHORT_BIAS) << 8);
      quads[(d / QUAD) * LANES + lane] = low | (high << 16);
    }
  }
}
