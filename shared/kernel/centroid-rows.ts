/**
 * Rows of centroids for one block of a query: of all centroids at once, or of those that are asked for.
 *
 * A row of 128 dimensions takes 0.07 µs (short-rows.ts), so all 65,536 would take 4.6 ms; the pages that a pruned search reranks need some 10,000 of them.
 *
 * In one level on purpose, where bags are scanned. With the rows of far cells taken from their coarse centroids, .23 (filings, 16,384 centroids)
 * and .42 (Cranfield, 4,096) of the rows are left to compute: cells within .14 of a token's best, eight tokens at a time. Bags then find .997 and
 * .996 of the exact top 10 in 64 pages instead of .997 and .998. But PQ needs the true rows: with the coarse ones recall@10 falls from .994 to
 * .927 and .970, and computing them for the candidates costs what was saved. It would pay if PQ scored only a part of a page's vectors.
 *
 * @module
 */
import type { CentroidQuery } from "./centroid-query.ts";
import { allocateAfter, type Kernel, releaseAll, type KernelCodebook } from "./kernel.ts";
import type { LaneScales } from "./lane-scales.ts";
import type { Region, RegionHolder } from "./memory.ts";
import { LANES } from "./query-block.ts";

const U16_BYTES = 2;

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
  readonly #kernel: Kernel;
  readonly #query: CentroidQuery;
  readonly #codebook: KernelCodebook;
  /** On demand: u8 `[centroidCount]`, and u16 `[centroidCount]` for the ids of one kernel call. */
  readonly #present: Region | undefined;
  readonly #ids: Region | undefined;
  #block = 0;
  #scales: LaneScales | undefined;

  /** Errors: `overloaded`. */
  constructor(kernel: Kernel, query: CentroidQuery, codebook: KernelCodebook, mode: RowMode) {
    const { memory } = kernel;
    const { centroidCount } = codebook;
    this.mode = mode;
    this.#kernel = kernel;
    this.#query = query;
    this.#codebook = codebook;
    this.pqRows = memory.allocate(centroidCount * PQ_ROW_BYTES, "a query's centroid table");
    if (mode === "all") return;
    const held = [this.pqRows];
    this.#present = allocateAfter(memory, held, centroidCount, "a query's centroid table");
    held.push(this.#present);
    this.#ids = allocateAfter(memory, held, centroidCount * U16_BYTES, "a query's centroid table");
  }

  /**
   * Starts anew for `block`. In mode "all" computes every row, and every bag row to `bagRows` (i8 `[centroidCount, 32]`).
   */
  prepare(block: number, scales: LaneScales, bagRows: Region | undefined): void {
    const { memory } = this.#kernel;
    this.#block = block;
    this.#scales = scales;
    if (this.#present !== undefined) memory.uint8(this.#present).fill(0);
    else this.#compute(0, this.#codebook.centroidCount, bagRows?.offset ?? 0);
  }

  /** Computes what is missing of the rows of the centroids `ids` (u16 `[count]`, checked). */
  require(ids: Region, count: number): void {
    if (this.#present === undefined || this.#ids === undefined) return;
    const { exports } = this.#kernel;
    const missing = exports.missingCentroids(ids.offset, count, this.#present.offset, this.#ids.offset);
    if (missing > 0) this.#compute(this.#ids.offset, missing, 0);
  }

  /** On demand: the rows of the centroids `ids` (distinct), and their bag rows to `bagRows` (i8 `[ids, 32]`). */
  computeRows(ids: Uint16Array, bagRows: Region): void {
    if (this.#present === undefined || this.#ids === undefined) return;
    const { memory } = this.#kernel;
    const present = memory.uint8(this.#present);
    for (const id of ids) present[id] = 1;
    memory.uint16(this.#ids, ids.length).set(ids);
    this.#compute(this.#ids.offset, ids.length, bagRows.offset);
  }

  release(): void {
    const regions = [this.pqRows, this.#present, this.#ids];
    releaseAll(
      this.#kernel.memory,
      regions.filter((region) => region !== undefined),
    );
  }

  /** `ids` is a pointer, 0 for all from the first. */
  #compute(ids: number, count: number, bagRows: number): void {
    if (this.#scales === undefined) throw new RangeError("rows were to be computed before a block was prepared");
    const { bagFactors, pqFactors } = this.#scales;
    const into = { bagRows, pqRows: this.pqRows.offset };
    this.#query.writeRows(this.#block, this.#codebook, { ids, count }, { bag: bagFactors, pq: pqFactors }, into);
  }
}
