/**
 * The lookup tables of one query against one codebook, and PQ MaxSim with them.
 *
 * @module
 */
import type { PageCodes } from "../format/contract.ts";
import { MaxleafError } from "../errors.ts";
import { CODEWORDS_PER_SUBSPACE } from "../limits.ts";
import { dotScratchBytes, type KernelQuery, type TokenBest } from "./kernel-query.ts";
import { allocateAfter, releaseAll, type Kernel, type KernelCodebook } from "./kernel.ts";
import { bagStep, laneScales, type LaneScales } from "./lane-scales.ts";
import type { Region, RegionHolder } from "./memory.ts";
import { activeLanes, LANES, type QueryBlock } from "./query-block.ts";
import type { Winners } from "./winners.ts";

/**
 * Tables of queries longer than 32 tokens are kept from the candidates to the rerank up to this size, beyond it they are
 * made twice (0.6 ms per 4,096 centroids). 8 MiB keep 5 blocks at 16,384 centroids and 16 bytes a vector. Ours.
 */
const KEPT_TABLE_BYTES = 8 * 1024 * 1024;

/** Where the tables of one block lie: i16 `[centroids, 32]` and i8 `[subspaces, 256, 32]`. */
interface Slot {
  readonly pqRows: Region;
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
  /** Value of one unit of a bag score. */
  readonly bagStep: number;
  readonly #slots: Slot[] = [];
  readonly #scales = new Map<number, LaneScales>();
  readonly #bagRows: Region;
  #bagRowsBlock: number | undefined;
  #current = 0;

  /** Every centroid's row, as the bag scan needs. Errors: `overloaded` when kernel memory has no room for one block. */
  static forAll(query: KernelQuery, codebook: KernelCodebook): QueryTables {
    return new QueryTables(query, codebook);
  }

  /** Rows of the centroids that are asked for: large codebooks, few pages. No bag scans. Errors: as {@link forAll}. */
  static onDemand(query: KernelQuery, codebook: KernelCodebook): QueryTables {
    return new QueryTables(query, codebook);
  }

  private constructor(query: KernelQuery, codebook: KernelCodebook) {
    this.query = query;
    this.codebook = codebook;
    this.bagStep = bagStep(query.blocks, codebook);
    const { memory } = query.kernel;
    const rowBytes = codebook.centroidCount * LANES;
    const tableBytes = codebook.subspaces * CODEWORDS_PER_SUBSPACE * LANES;
    const keepsAll = query.blocks.length * (2 * rowBytes + tableBytes) <= KEPT_TABLE_BYTES;
    const slotCount = keepsAll ? query.blocks.length : 1;
    this.#bagRows = memory.allocate(rowBytes, "a query's centroid table");
    const held = [this.#bagRows];
    for (let i = 0; i < slotCount; i++) {
      const pqRows = allocateAfter(memory, held, 2 * rowBytes, "a query's centroid table");
      held.push(pqRows);
      const tables = allocateAfter(memory, held, tableBytes, "a query's PQ tables");
      held.push(tables);
      this.#slots.push({ pqRows, tables, block: undefined });
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

  /** Pointer to the current block's i8 `[centroids, 32]`. */
  bagRowsOffset(): number {
    if (this.#bagRowsBlock !== this.#current) this.#compute(this.#current);
    return this.#bagRows.offset;
  }

  /**
   * Adds the current block's PQ MaxSim of every page to `totals` (`[pages]`, cosines). A page without vectors becomes −∞.
   * Centroid ids must have been checked (`checkCentroidIds`).
   */
  addPqScores(pages: readonly PageCodes[], totals: Float64Array): void {
    const { kernel } = this.query;
    const { subspaces } = this.codebook;
    const slot = this.#slot();
    const steps = this.#currentScales().pqSteps;
    const desk = new CodesDesk(kernel, pages, subspaces, LANES * 2);
    try {
      const maxima = kernel.memory.int16(desk.output, LANES);
      for (const [i, page] of pages.entries()) {
        desk.place(page);
        const count = page.centroidIds.length;
        const { offset } = desk.output;
        kernel.exports.pqMax(
          desk.ids.offset,
          desk.codes.offset,
          count,
          subspaces,
          slot.pqRows.offset,
          slot.tables.offset,
          offset,
        );
        totals[i] = count === 0 ? Number.NEGATIVE_INFINITY : (totals[i] ?? 0) + weightedSum(maxima, steps);
      }
    } finally {
      desk.release();
    }
  }

  /** Fills the current block's tokens of `best` for one page that has vectors. */
  fillPqBest(page: PageCodes, best: TokenBest): void {
    const { kernel } = this.query;
    const slot = this.#slot();
    const scales = this.#currentScales();
    // Scratch row, maxima, winners: three rows of 32 16-bit values.
    const rowBytes = LANES * 2;
    const desk = new CodesDesk(kernel, [page], this.codebook.subspaces, 3 * rowBytes);
    try {
      desk.place(page);
      const { offset } = desk.output;
      kernel.exports.pqBest(
        desk.ids.offset,
        desk.codes.offset,
        page.centroidIds.length,
        this.codebook.subspaces,
        slot.pqRows.offset,
        slot.tables.offset,
        offset,
        offset + rowBytes,
        offset + 2 * rowBytes,
      );
      const rows = kernel.memory.int16(desk.output, 3 * LANES);
      const { firstToken, tokenCount } = this.#currentBlock();
      for (let lane = 0; lane < tokenCount; lane++) {
        best.scores[firstToken + lane] = (rows[LANES + lane] ?? 0) * (scales.pqSteps[lane] ?? 0);
        best.vectors[firstToken + lane] = rows[2 * LANES + lane] ?? 0;
      }
    } finally {
      desk.release();
    }
  }

  /** Fills the current block's tokens of `winners` for one page (see winners.ts). */
  fillWinners(page: PageCodes, winners: Winners): void {
    throw new MaxleafError("internal", `${page.codes.length} ${winners.depth}`);
  }

  /** Cosines of every vector of a page with the current block's tokens: `[vectors, 32]`. */
  pqVectorScores(page: PageCodes): Float32Array {
    const { kernel } = this.query;
    const slot = this.#slot();
    const { pqSteps } = this.#currentScales();
    const count = page.centroidIds.length;
    const desk = new CodesDesk(kernel, [page], this.codebook.subspaces, count * LANES * 2);
    try {
      desk.place(page);
      kernel.exports.pqVectorScores(
        desk.ids.offset,
        desk.codes.offset,
        count,
        this.codebook.subspaces,
        slot.pqRows.offset,
        slot.tables.offset,
        desk.output.offset,
      );
      const units = kernel.memory.int16(desk.output, count * LANES);
      const scores = new Float32Array(count * LANES);
      for (let i = 0; i < scores.length; i++) scores[i] = (units[i] ?? 0) * (pqSteps[i % LANES] ?? 0);
      return scores;
    } finally {
      desk.release();
    }
  }

  release(): void {
    const regions = this.#slots.flatMap((slot) => [slot.pqRows, slot.tables]);
    releaseAll(this.query.kernel.memory, [this.#bagRows, ...regions]);
  }

  #slot(): Slot {
    const slot = this.#slots[this.#current] ?? this.#slots[0];
    if (slot === undefined) throw new RangeError("a query without tokens has no tables");
    return slot;
  }

  #currentBlock(): QueryBlock {
    const block = this.query.blocks[this.#current];
    if (block === undefined) throw new RangeError(`the query has no block ${this.#current}`);
    return block;
  }

  #currentScales(): LaneScales {
    const scales = this.#scales.get(this.#current);
    if (scales === undefined) throw new RangeError(`block ${this.#current} was not prepared`);
    return scales;
  }

  #compute(index: number): void {
    const { kernel } = this.query;
    const { exports, memory } = kernel;
    const { codebook } = this;
    const { subspaces, dim } = codebook;
    const width = dim / subspaces;
    const block = this.#currentBlock();
    const slot = this.#slot();
    const active = activeLanes(block);
    const laneBytes = LANES * 4;
    const scratch = memory.allocate(dim * laneBytes + 4 * laneBytes + dotScratchBytes(dim), "a query's vectors");
    try {
      const query = scratch.offset;
      const maxima = query + dim * laneBytes;
      const products = maxima + 4 * laneBytes;
      // The kernels leave lanes without tokens alone; whatever the memory last held must not count.
      if (active < LANES) {
        for (const region of [this.#bagRows, slot.pqRows, slot.tables]) memory.uint8(region).fill(0);
      }
      transpose(block.values, dim, memory.float32(scratch, dim * LANES));
      exports.pqEntryMaxima(codebook.codewords.offset, subspaces, width, active, query, products, maxima);
      const lanes = memory.float32(scratch).subarray(dim * LANES);
      const scales = laneScales(block, codebook, this.bagStep, lanes.slice(0, LANES));
      lanes.set(scales.entryFactors, LANES);
      lanes.set(scales.bagFactors, 2 * LANES);
      lanes.set(scales.pqFactors, 3 * LANES);
      exports.pqTables(
        codebook.codewords.offset,
        subspaces,
        width,
        active,
        query,
        products,
        maxima + laneBytes,
        slot.tables.offset,
      );
      exports.centroidTables(
        codebook.centroids.offset,
        codebook.centroidCount,
        dim,
        active,
        this.query.pairsOffset(index),
        maxima + 2 * laneBytes,
        maxima + 3 * laneBytes,
        products,
        this.#bagRows.offset,
        slot.pqRows.offset,
      );
      this.#scales.set(index, scales);
      slot.block = index;
      this.#bagRowsBlock = index;
    } finally {
      memory.release(scratch);
    }
  }
}

/** Room for the codes of the largest of some pages, and for a kernel's output. */
class CodesDesk implements RegionHolder {
  readonly ids: Region;
  readonly codes: Region;
  readonly output: Region;
  readonly #kernel: Kernel;

  constructor(kernel: Kernel, pages: readonly PageCodes[], subspaces: number, outputBytes: number) {
    const { memory } = kernel;
    const count = pages.reduce((most, page) => Math.max(most, page.centroidIds.length), 0);
    this.#kernel = kernel;
    this.ids = memory.allocate(count * 2, "a page's centroid ids");
    this.codes = allocateAfter(memory, [this.ids], count * subspaces, "a page's codes");
    this.output = allocateAfter(memory, [this.ids, this.codes], outputBytes, "a page's scores");
  }

  place(page: PageCodes): void {
    this.#kernel.memory.uint16(this.ids).set(page.centroidIds);
    this.#kernel.memory.uint8(this.codes).set(page.codes);
  }

  release(): void {
    releaseAll(this.#kernel.memory, [this.ids, this.codes, this.output]);
  }
}

/** `[32, dim]` → `[dim, 32]`. */
function transpose(values: Float32Array, dim: number, into: Float32Array): void {
  for (let lane = 0; lane < LANES; lane++) {
    for (let d = 0; d < dim; d++) into[d * LANES + lane] = values[lane * dim + d] ?? 0;
  }
}

function weightedSum(units: Int16Array, steps: Float32Array): number {
  let sum = 0;
  for (let lane = 0; lane < LANES; lane++) sum += (units[lane] ?? 0) * (steps[lane] ?? 0);
  return sum;
}
