/**
 * The lookup tables of one query against one codebook, and PQ MaxSim with them.
 *
 * @module
 */
import { MaxleafError } from "../errors.ts";
import type { PageCodes } from "../format/contract.ts";
import { CODEWORDS_PER_SUBSPACE } from "../limits.ts";
import { CentroidQuery } from "./centroid-query.ts";
import { BAG_ROW_BYTES, CentroidRows, PQ_ROW_BYTES, type RowMode } from "./centroid-rows.ts";
import { CodesDesk } from "./codes-desk.ts";
import { CodesScorer, type ScoredBlock } from "./codes-scorer.ts";
import type { KernelQuery, TokenBest } from "./kernel-query.ts";
import type { KernelCodebook } from "./kernel.ts";
import { bagStep, type LaneScales } from "./lane-scales.ts";
import type { KernelMemory, Region, RegionHolder } from "./memory.ts";
import { writePqTables } from "./pq-tables.ts";
import { activeLanes, LANES, type QueryBlock } from "./query-block.ts";

/**
 * Tables of queries longer than 32 tokens are kept from the candidates to the rerank up to this size, beyond it they are
 * made twice (0.3 ms per 4,096 centroids). 8 MiB keep 5 blocks at 16,384 centroids and 16 bytes a vector. Ours.
 */
const KEPT_TABLE_BYTES = 8 * 1024 * 1024;

/** A row of 32 16-bit values. */
const ROW_BYTES = LANES * 2;

/** What belongs to one block: rows of centroids and u8 `[subspaces, 256, 32]`. */
interface Slot {
  readonly rows: CentroidRows;
  readonly tables: Region;
  block: number | undefined;
}

/**
 * Tables of one block of 32 tokens at a time: call {@link prepare}, then score with that block, block after block. All
 * methods are synchronous; the object may be kept while records are being read.
 */
export class QueryTables implements RegionHolder {
  readonly query: KernelQuery;
  readonly codebook: KernelCodebook;
  /** Of the same blocks. */
  readonly centroidQuery: CentroidQuery;
  readonly mode: RowMode;
  /** Value of one unit of a bag score. */
  readonly bagStep: number;
  readonly #slots: Slot[] = [];
  readonly #scales = new Map<number, LaneScales>();
  /** i8 `[centroidCount, 32]` of one block. */
  readonly #bagRows: Region | undefined;
  /** 32 bytes a codeword: what tables are made of. Held from the start, so that a query that begins can end. */
  readonly #products: Region;
  #bagRowsBlock: number | undefined;
  #current = 0;

  /** Every centroid's row, as bag scans need. Errors: `overloaded` when kernel memory has no room for one block. */
  static forAll(query: KernelQuery, codebook: KernelCodebook): QueryTables {
    return new QueryTables(query, codebook, "all");
  }

  /**
   * Rows of the centroids that are asked for: large codebooks, few pages. No bag scans. Address space of 67 bytes a centroid,
   * of which only what is used is touched. Errors: as {@link forAll}.
   */
  static onDemand(query: KernelQuery, codebook: KernelCodebook): QueryTables {
    return new QueryTables(query, codebook, "on demand");
  }

  private constructor(query: KernelQuery, codebook: KernelCodebook, mode: RowMode) {
    this.query = query;
    this.codebook = codebook;
    this.mode = mode;
    this.bagStep = bagStep(query.blocks, codebook);
    const { memory } = query.kernel;
    const { centroidCount } = codebook;
    const tableBytes = codebook.subspaces * CODEWORDS_PER_SUBSPACE * LANES;
    const keepsAll = query.blocks.length * (centroidCount * PQ_ROW_BYTES + tableBytes) <= KEPT_TABLE_BYTES;
    const slotCount = keepsAll ? query.blocks.length : 1;
    this.centroidQuery = new CentroidQuery(query, codebook);
    this.#products = allocateFor(this.centroidQuery, memory, tableBytes);
    try {
      if (mode === "all") this.#bagRows = memory.allocate(centroidCount * BAG_ROW_BYTES, "a query's centroid table");
      for (let i = 0; i < slotCount; i++) {
        const tables = memory.allocate(tableBytes, "a query's PQ tables");
        this.#slots.push({ rows: this.#rowsAfter(tables), tables, block: undefined });
      }
    } catch (error) {
      this.release();
      throw error;
    }
  }

  get blockCount(): number {
    return this.query.blocks.length;
  }

  /** Makes `block` the current one, computing its tables unless they are still there. */
  prepare(block: number): void {
    this.#current = block;
    if (this.#slot().block !== block) this.#compute(block);
  }

  /** Lanes of the current block that hold anything: 16 or 32. */
  lanes(): number {
    return activeLanes(this.#currentBlock());
  }

  /** Pointer to the current block's i8 `[centroids, 32]`. Errors: `internal` for rows on demand, which have no such table. */
  bagRowsOffset(): number {
    if (this.#bagRows === undefined) {
      throw new MaxleafError("internal", "bags were to be scanned with rows on demand: make tables of all centroids");
    }
    if (this.#bagRowsBlock !== this.#current) this.#compute(this.#current);
    return this.#bagRows.offset;
  }

  /**
   * Writes the current block's bag rows of the centroids `ids` (ascending), i8 `[ids, 32]`: from the table of all, or computed, and
   * then their PQ rows with them.
   */
  writeBagRows(ids: Uint16Array, into: Region): void {
    if (this.mode === "on demand") {
      this.#slot().rows.computeRows(ids, into);
      return;
    }
    const all = this.bagRowsOffset();
    const bytes = new Uint8Array(this.query.kernel.memory.wasm.buffer);
    for (let i = 0; i < ids.length;) {
      const first = ids[i] ?? 0;
      let count = 1;
      while (ids[i + count] === first + count) count += 1;
      const from = all + first * BAG_ROW_BYTES;
      bytes.copyWithin(into.offset + i * BAG_ROW_BYTES, from, from + count * BAG_ROW_BYTES);
      i += count;
    }
  }

  /**
   * The blocks that can be prepared together, as one group, or each as a group of its own when there is only room for the tables
   * of one.
   */
  blockGroups(): number[][] {
    const blocks = Array.from(this.query.blocks.keys());
    return this.#slots.length === blocks.length ? [blocks] : blocks.map((block) => [block]);
  }

  /**
   * Adds the current block's PQ MaxSim of every page to `totals` (`[pages]`, cosines). A page without vectors becomes −∞.
   * Centroid ids must have been checked (`checkCentroidIds`).
   */
  addPqScores(pages: readonly PageCodes[], totals: Float64Array): void {
    const scorer = this.codesScorer([this.#current], pages, false);
    try {
      for (const [i, page] of pages.entries()) totals[i] = (totals[i] ?? 0) + scorer.score(page);
    } finally {
      scorer.release();
    }
  }

  /** Scores `pages` with `blocks`, one of {@link blockGroups}, and `marks` contenders or does not. Errors: `overloaded`. */
  codesScorer(blocks: readonly number[], pages: readonly PageCodes[], marks: boolean): CodesScorer {
    const scored = blocks.map((index): ScoredBlock => {
      this.prepare(index);
      const { rows, tables } = this.#slot();
      const { tokenCount } = this.#currentBlock();
      return { tokenCount, lanes: this.lanes(), rows, tables, steps: this.#currentScales().pqSteps };
    });
    const { kernel } = this.query;
    return new CodesScorer({ kernel, subspaces: this.codebook.subspaces, blocks: scored, marks }, pages);
  }

  /** Fills the current block's tokens of `best` for one page that has vectors. */
  fillPqBest(page: PageCodes, best: TokenBest): void {
    const { kernel } = this.query;
    const { pqSteps } = this.#currentScales();
    const { firstToken, tokenCount } = this.#currentBlock();
    const slot = this.#slot();
    const count = page.centroidIds.length;
    // Scratch row, scores, winners.
    const desk = new CodesDesk(kernel, [page], this.codebook.subspaces, 3 * ROW_BYTES);
    try {
      desk.place(page);
      slot.rows.require(desk.ids, count);
      const { offset } = desk.output;
      kernel.exports.pqBest(
        desk.ids.offset,
        desk.codes.offset,
        count,
        this.codebook.subspaces,
        this.lanes(),
        slot.rows.pqRows.offset,
        slot.tables.offset,
        offset,
        offset + ROW_BYTES,
        offset + 2 * ROW_BYTES,
      );
      const scores = kernel.memory.int16(desk.output).subarray(LANES, 2 * LANES);
      const vectors = kernel.memory.uint16(desk.output).subarray(2 * LANES, 3 * LANES);
      for (let lane = 0; lane < tokenCount; lane++) {
        best.scores[firstToken + lane] = (scores[lane] ?? 0) * (pqSteps[lane] ?? 0);
        best.vectors[firstToken + lane] = vectors[lane] ?? 0;
      }
    } finally {
      desk.release();
    }
  }

  /** Cosines of every vector of a page with the current block's tokens: `[vectors, 32]`. */
  pqVectorScores(page: PageCodes): Float32Array {
    const { kernel } = this.query;
    const slot = this.#slot();
    const { pqSteps } = this.#currentScales();
    const count = page.centroidIds.length;
    const desk = new CodesDesk(kernel, [page], this.codebook.subspaces, count * ROW_BYTES);
    try {
      desk.place(page);
      slot.rows.require(desk.ids, count);
      kernel.exports.pqVectorScores(
        desk.ids.offset,
        desk.codes.offset,
        count,
        this.codebook.subspaces,
        this.lanes(),
        slot.rows.pqRows.offset,
        slot.tables.offset,
        desk.output.offset,
      );
      const units = kernel.memory.int16(desk.output, count * LANES);
      return Float32Array.from(units, (value, i) => value * (pqSteps[i % LANES] ?? 0));
    } finally {
      desk.release();
    }
  }

  release(): void {
    const { memory } = this.query.kernel;
    for (const { rows, tables } of this.#slots) {
      rows.release();
      memory.release(tables);
    }
    if (this.#bagRows !== undefined) memory.release(this.#bagRows);
    memory.release(this.#products);
    this.centroidQuery.release();
  }

  /** Allocates; on failure first gives `held` back. */
  #rowsAfter(held: Region): CentroidRows {
    const { kernel } = this.query;
    try {
      return new CentroidRows(kernel, this.centroidQuery, this.codebook, this.mode);
    } catch (error) {
      kernel.memory.release(held);
      throw error;
    }
  }

  #slot(): Slot {
    const slot = this.#slots[this.#current] ?? this.#slots[0];
    if (slot === undefined) throw new RangeError("a query without tokens has no tables");
    return slot;
  }

  #currentBlock(): QueryBlock {
    const block = this.centroidQuery.blocks[this.#current];
    if (block === undefined) throw new RangeError(`the query has no block ${this.#current}`);
    return block;
  }

  #currentScales(): LaneScales {
    const scales = this.#scales.get(this.#current);
    if (scales === undefined) throw new RangeError(`block ${this.#current} was not prepared`);
    return scales;
  }

  #compute(index: number): void {
    const slot = this.#slot();
    const { query, codebook, bagStep: step } = this;
    const scales = writePqTables(query.kernel, codebook, this.#currentBlock(), {
      step,
      quads: this.centroidQuery.quadsOffset(index),
      products: this.#products,
      tables: slot.tables,
    });
    slot.rows.prepare(index, scales, this.#bagRows);
    this.#scales.set(index, scales);
    slot.block = index;
    this.#bagRowsBlock = index;
  }
}

/** Allocates; on failure first gives `held` back. */
function allocateFor(held: RegionHolder, memory: KernelMemory, bytes: number): Region {
  try {
    return memory.allocate(bytes, "a query's PQ tables");
  } catch (error) {
    held.release();
    throw error;
  }
}
