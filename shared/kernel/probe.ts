/**
 * Which centroids a query looks up in the inverted file: two levels, cells first, then the centroids inside them.
 *
 * At 65,536 centroids in 2,048 cells the first level scores 2,048 rows instead of 65,536, the second some thousands.
 *
 * @module
 */
import { allocateAfter, releaseAll } from "./kernel.ts";
import { LaneBests } from "./lane-bests.ts";
import { bagStep, rowFactors } from "./lane-scales.ts";
import { LANES } from "./query-block.ts";
import type { QueryTables } from "./query-tables.ts";

const FACTOR_BYTES = LANES * 4;
/** Counters of the 256 scores. */
const SCORE_COUNT_BYTES = 256 * 4;

/** Cells that may hold a token's best centroids, most useful first. */
export interface RankedCells {
  /** Distinct; of equal gains the lower cell first. */
  cells: Uint16Array;
  /** Of each, at least 1: Σ over the tokens that want it of how far it is above the best cell they do not want. */
  gains: Int32Array;
}

/** What a query looks up. */
export interface Probe {
  tokenCount: number;
  /** Those that gain for some token, ascending. */
  centroids: Uint16Array;
  /**
   * Of each block of tokens, `[centroids, 32]`: what a centroid's list gives to a page, in bag units (`QueryTables.bagStep`): its
   * score above the token's cut-off, 0 when the token does not look it up.
   */
  gains: Uint8Array[];
  /**
   * `[tokenCount]`, bag units: what a page on none of a token's lists gets. One below the best centroid of the cells that is not
   * probed (below the last probed one when there is none), so that being on a list always counts.
   */
  cutoffs: Int16Array;
  /** Cells of all probed centroids, distinct and ascending. */
  cells: Uint16Array;
  /** Σ cutoffs: list scores plus this compare with bag scores. */
  baseline: number;
}

/**
 * The union of every token's `cellsPerToken` best cells by their coarse centroids, for all blocks of the query.
 *
 * Errors: `overloaded`.
 */
export function rankCells(tables: QueryTables, cellsPerToken: number): RankedCells {
  const { query, codebook, centroidQuery } = tables;
  const { cells } = codebook;
  const { memory } = query.kernel;
  const wanted = Math.min(cellsPerToken, cells.count);
  const step = bagStep(query.blocks, cells);
  const gains = new Int32Array(cells.count);
  const rows = memory.allocate(cells.count * LANES, "a query's coarse table");
  try {
    for (const [index, block] of centroidQuery.blocks.entries()) {
      const all = { ids: 0, count: cells.count };
      const into = { bagRows: rows.offset, pqRows: 0 };
      centroidQuery.writeRows(index, cells, all, { bag: rowFactors(block, cells, step) }, into);
      const bests = new LaneBests(query.kernel, wanted + 1);
      bests.merge(rows.offset, 0, cells.count, block.tokenCount);
      for (let lane = 0; lane < block.tokenCount; lane++) addGains(bests.best(lane), wanted, gains);
      bests.release();
    }
  } finally {
    memory.release(rows);
  }
  return byGain(gains);
}

function addGains({ ids, scores }: { ids: Uint16Array; scores: Int8Array }, wanted: number, gains: Int32Array): void {
  const floor = cutoffOf(scores, wanted);
  for (let i = 0; i < Math.min(wanted, ids.length); i++) {
    const cell = ids[i] ?? 0;
    gains[cell] = (gains[cell] ?? 0) + (scores[i] ?? 0) - floor;
  }
}

function byGain(gains: Int32Array): RankedCells {
  const ranked: number[] = [];
  for (let cell = 0; cell < gains.length; cell++) if (gains[cell] !== 0) ranked.push(cell);
  ranked.sort((a, b) => (gains[b] ?? 0) - (gains[a] ?? 0) || a - b);
  return { cells: Uint16Array.from(ranked), gains: Int32Array.from(ranked, (cell) => gains[cell] ?? 0) };
}

/** One below the first score that was not taken, or below the last when all were. `scores` descend. */
function cutoffOf(scores: Int8Array, taken: number): number {
  return (scores[taken] ?? scores.at(-1) ?? 0) - 1;
}

/**
 * Per token the `nprobe` best centroids inside `cells` (distinct, any order), whichever token the cells were ranked for: their
 * lists are read anyway. Those that score as the next best one count too. Prepares block after block; in on-demand mode the rows
 * computed here serve the rerank too.
 *
 * Errors: `overloaded`.
 */
export function probeCentroids(tables: QueryTables, options: { nprobe: number; cells: Iterable<number> }): Probe {
  const { query, codebook } = tables;
  const { exports, memory } = query.kernel;
  const { offsets } = codebook.cells;
  const ids = centroidsOf(Uint16Array.from(options.cells).sort(), offsets);
  const rows = memory.allocate(ids.length * LANES, "a query's probes");
  const work = allocateAfter(memory, [rows], FACTOR_BYTES + SCORE_COUNT_BYTES, "a query's probes");
  const gains: Uint8Array[] = [];
  const cutoffs = new Int16Array(query.tokenCount);
  try {
    for (const [index, { firstToken, tokenCount }] of query.blocks.entries()) {
      tables.prepare(index);
      tables.writeBagRows(ids, rows);
      const counts = work.offset + FACTOR_BYTES;
      exports.probeGains(rows.offset, ids.length, tokenCount, options.nprobe, counts, work.offset);
      gains.push(memory.uint8(rows, ids.length * LANES).slice());
      cutoffs.set(memory.int32(work, tokenCount), firstToken);
    }
  } finally {
    releaseAll(memory, [rows, work]);
  }
  const probed = probedOnly(ids, gains);
  return {
    tokenCount: query.tokenCount,
    ...probed,
    cutoffs,
    cells: cellsOf(probed.centroids, offsets),
    baseline: cutoffs.reduce((sum, cutoff) => sum + cutoff, 0),
  };
}

/** Those of `cells` (ascending), ascending. */
function centroidsOf(cells: Uint16Array, offsets: Uint32Array): Uint16Array {
  const count = cells.reduce((sum, cell) => sum + (offsets[cell + 1] ?? 0) - (offsets[cell] ?? 0), 0);
  const ids = new Uint16Array(count);
  let filled = 0;
  for (const cell of cells) {
    const end = offsets[cell + 1] ?? 0;
    for (let id = offsets[cell] ?? 0; id < end; id++) ids[filled++] = id;
  }
  return ids;
}

/** The centroids that gain for some token of some block, and their rows. */
function probedOnly(ids: Uint16Array, gains: readonly Uint8Array[]): Pick<Probe, "centroids" | "gains"> {
  const words = gains.map((rows) => new Uint32Array(rows.buffer, rows.byteOffset, rows.length / 4));
  const centroids = new Uint16Array(ids.length);
  let count = 0;
  for (let i = 0; i < ids.length; i++) {
    if (!words.some((rows) => isGain(rows, i))) continue;
    centroids[count] = ids[i] ?? 0;
    if (count < i) for (const rows of gains) rows.copyWithin(count * LANES, i * LANES, (i + 1) * LANES);
    count += 1;
  }
  return { centroids: centroids.subarray(0, count), gains: gains.map((rows) => rows.subarray(0, count * LANES)) };
}

/** Whether row `i` of `rows`, eight words each, is not all 0. */
export function isGain(rows: Uint32Array, i: number): boolean {
  for (let word = i * 8; word < i * 8 + 8; word++) if (rows[word] !== 0) return true;
  return false;
}

/** Of ascending centroids, ascending. */
function cellsOf(centroids: Uint16Array, offsets: Uint32Array): Uint16Array {
  const cells: number[] = [];
  let end = 0;
  for (const id of centroids) {
    if (id < end) continue;
    const cell = cellOf(offsets, id);
    cells.push(cell);
    end = offsets[cell + 1] ?? 0;
  }
  return Uint16Array.from(cells);
}

/** The cell that centroid `id` is in, for `offsets` `[cells + 1]`. */
export function cellOf(offsets: Uint32Array, id: number): number {
  let low = 0;
  let high = offsets.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((offsets[middle] ?? 0) <= id) low = middle;
    else high = middle;
  }
  return low;
}
