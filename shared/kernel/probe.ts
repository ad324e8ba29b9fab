/**
 * Which centroids a query looks up in the inverted file: two levels, cells first, then the centroids inside them.
 *
 * At 65,536 centroids in 2,048 cells the first level scores 2,048 rows instead of 65,536, the second some thousands.
 *
 * @module
 */
import { dotScratchBytes } from "./kernel-query.ts";
import { allocateAfter, releaseAll } from "./kernel.ts";
import { LaneBests } from "./lane-bests.ts";
import { bagStep, rowFactors } from "./lane-scales.ts";
import { LANES, multipliedLanes } from "./query-block.ts";
import type { QueryTables } from "./query-tables.ts";

const FACTOR_BYTES = LANES * 4;

/** Cells that may hold a token's best centroids, most useful first. */
export interface RankedCells {
  /** Distinct; of equal gains the lower cell first. */
  cells: Uint16Array;
  /** Of each, at least 1: Σ over the tokens that want it of how far it is above the best cell they do not want. */
  gains: Int32Array;
}

/** What one token looks up. */
export interface TokenProbe {
  /** Best first; of equal scores the lower id first. */
  centroids: Uint16Array;
  /** Of each, in bag units (`QueryTables.bagStep`). */
  scores: Int8Array;
  /**
   * Bag units: what a page on none of these lists gets. One below the best centroid of the cells that is not probed (below
   * the last probed one when there is none), so that being on a list always counts.
   */
  cutoff: number;
}

/** What a query looks up. */
export interface Probe {
  /** One per query token. */
  tokens: TokenProbe[];
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
  const { query, codebook } = tables;
  const { cells } = codebook;
  const { exports, memory } = query.kernel;
  const wanted = Math.min(cellsPerToken, cells.count);
  const step = bagStep(query.blocks, cells);
  const gains = new Int32Array(cells.count);
  const rows = memory.allocate(cells.count * LANES, "a query's coarse table");
  const work = allocateAfter(memory, [rows], FACTOR_BYTES + dotScratchBytes(query.dim), "a query's coarse table");
  try {
    for (const [index, block] of query.blocks.entries()) {
      memory.float32(work, LANES).set(rowFactors(block, cells, step));
      exports.centroidRows(
        cells.centroids.offset,
        0,
        cells.count,
        query.dim,
        multipliedLanes(block),
        query.pairsOffset(index),
        work.offset,
        0,
        work.offset + FACTOR_BYTES,
        rows.offset,
        0,
      );
      const bests = new LaneBests(query.kernel, wanted + 1);
      bests.merge(rows.offset, 0, cells.count, block.tokenCount);
      for (let lane = 0; lane < block.tokenCount; lane++) addGains(bests.best(lane), wanted, gains);
      bests.release();
    }
  } finally {
    releaseAll(memory, [rows, work]);
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
 * lists are read anyway. Prepares block after block; in on-demand mode the rows computed here serve the rerank too.
 *
 * Errors: `overloaded`.
 */
export function probeCentroids(tables: QueryTables, options: { nprobe: number; cells: Iterable<number> }): Probe {
  const { query, codebook } = tables;
  const { kernel } = query;
  const { offsets } = codebook.cells;
  const cells = Uint16Array.from(options.cells).sort();
  const taken = Math.min(options.nprobe, codebook.centroidCount);
  const largest = cells.reduce((most, cell) => Math.max(most, (offsets[cell + 1] ?? 0) - (offsets[cell] ?? 0)), 0);
  const scratch = kernel.memory.allocate(largest * LANES, "a query's probes");
  const tokens: TokenProbe[] = [];
  try {
    for (const [index, block] of query.blocks.entries()) {
      tables.prepare(index);
      const bests = new LaneBests(kernel, taken + 1);
      for (const cell of cells) {
        const [first = 0, end = 0] = offsets.subarray(cell, cell + 2);
        bests.merge(tables.bagRowsOfRange(first, end, scratch), first, end - first, block.tokenCount);
      }
      for (let lane = 0; lane < block.tokenCount; lane++) {
        const { ids, scores } = bests.best(lane);
        const cutoff = cutoffOf(scores, taken);
        tokens.push({ centroids: ids.slice(0, taken), scores: scores.slice(0, taken), cutoff });
      }
      bests.release();
    }
  } finally {
    kernel.memory.release(scratch);
  }
  const probed = new Set(tokens.flatMap(({ centroids }) => Array.from(centroids, (id) => cellOf(offsets, id))));
  const baseline = tokens.reduce((sum, { cutoff }) => sum + cutoff, 0);
  return { tokens, cells: Uint16Array.from(probed).sort(), baseline };
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
