/**
 * Rows of centroids for one block of a query: of all centroids at once, or of those that are asked for.
 *
 * A row of 128 dimensions takes 0.14 µs, so all 65,536 would take 9 ms; the pages that a pruned search reranks need some 10,000 of them.
 *
 * @module
 */
import { dotScratchBytes, type KernelQuery } from "./kernel-query.ts";
import { allocateAfter, releaseAll, type KernelCodebook } from "./kernel.ts";
import type { LaneScales } from "./lane-scales.ts";
import type { Region, RegionHolder } from "./memory.ts";
import { LANES, multipliedLanes } from "./query-block.ts";

const U16_BYTES = 2;
const F32_BYTES = 4;
const FACTOR_BYTES = LANES * F32_BYTES;

/** Which rows are there from the start. */
export type RowMode = "all" | "on demand";

/** Bytes of i8 `[32]`. */
export const BAG_ROW_BYTES = LANES;
/** Bytes of i16 `[32]`. */
export const PQ_ROW_BYTES = LANES * 2;

/** The int16 rows of one block, each at its centroid's place whatever the mode, so that ids need no translation. */
export class CentroidRows implements RegionHolder {
  readonly mode: RowMode;
  /** i16 `[centroidCount, 32]`; of rows on demand only those that were required hold anything. */
  readonly pqRows: Region;
  readonly #query: KernelQuery;
  readonly #codebook: KernelCodebook;
  /** On demand: u8 `[centroidCount]`, and u16 `[centroidCount]` for the ids of one kernel call. */
  readonly #present: Region | undefined;
  readonly #ids: Region | undefined;
  /** Bag factors, PQ factors, then the kernel's scratch. */
  readonly #work: Region;
  #block = 0;

  /** Errors: `overloaded`. */
  constructor(query: KernelQuery, codebook: KernelCodebook, mode: RowMode) {
    const { memory } = query.kernel;
    const { centroidCount, dim } = codebook;
    this.mode = mode;
    this.#query = query;
    this.#codebook = codebook;
    this.pqRows = memory.allocate(centroidCount * PQ_ROW_BYTES, "a query's centroid table");
    const held = [this.pqRows];
    this.#work = allocateAfter(memory, held, 2 * FACTOR_BYTES + dotScratchBytes(dim), "a query's factors");
    if (mode === "all") return;
    held.push(this.#work);
    this.#present = allocateAfter(memory, held, centroidCount, "a query's centroid table");
    held.push(this.#present);
    this.#ids = allocateAfter(memory, held, centroidCount * U16_BYTES, "a query's centroid table");
  }

  /**
   * Starts anew for `block`. In mode "all" computes every row, and every bag row to `bagRows` (i8 `[centroidCount, 32]`).
   */
  prepare(block: number, scales: LaneScales, bagRows: Region | undefined): void {
    const { memory } = this.#query.kernel;
    this.#block = block;
    const factors = memory.float32(this.#work, 2 * LANES);
    factors.set(scales.bagFactors);
    factors.set(scales.pqFactors, LANES);
    if (this.#present !== undefined) memory.uint8(this.#present).fill(0);
    else this.#compute(0, this.#codebook.centroidCount, bagRows?.offset ?? 0);
  }

  /** Computes what is missing of the rows of the centroids `ids` (u16 `[count]`, checked). */
  require(ids: Region, count: number): void {
    if (this.#present === undefined || this.#ids === undefined) return;
    const { exports } = this.#query.kernel;
    const missing = exports.missingCentroids(ids.offset, count, this.#present.offset, this.#ids.offset);
    if (missing > 0) this.#compute(this.#ids.offset, missing, 0);
  }

  /** On demand: the rows of the centroids `ids` (distinct), and their bag rows to `bagRows` (i8 `[ids, 32]`). */
  computeRows(ids: Uint16Array, bagRows: Region): void {
    if (this.#present === undefined || this.#ids === undefined) return;
    const { memory } = this.#query.kernel;
    const present = memory.uint8(this.#present);
    for (const id of ids) present[id] = 1;
    memory.uint16(this.#ids, ids.length).set(ids);
    this.#compute(this.#ids.offset, ids.length, bagRows.offset);
  }

  release(): void {
    const regions = [this.pqRows, this.#work, this.#present, this.#ids];
    releaseAll(
      this.#query.kernel.memory,
      regions.filter((region) => region !== undefined),
    );
  }

  /** `ids` is a pointer, 0 for all from the first. */
  #compute(ids: number, count: number, bagRows: number): void {
    const block = this.#query.blocks[this.#block];
    if (block === undefined) return;
    const factors = this.#work.offset;
    this.#query.kernel.exports.centroidRows(
      this.#codebook.centroids.offset,
      ids,
      count,
      this.#codebook.dim,
      multipliedLanes(block),
      this.#query.pairsOffset(this.#block),
      factors,
      factors + FACTOR_BYTES,
      factors + 2 * FACTOR_BYTES,
      bagRows,
      this.pqRows.offset,
    );
  }
}
