/**
 * Which centroids a query looks up in the inverted file: two levels, cells first, then the centroids inside them.
 *
 * @module
 */
import { MaxleafError } from "../errors.ts";
import type { QueryTables } from "./query-tables.ts";

/** Cells that may hold a token's best centroids, most useful first. */
export interface RankedCells {
  /** Distinct. */
  cells: Uint16Array;
  /** Of each: Σ over tokens of how far the cell is above the best cell the token does not want, in units of the coarse table. */
  gains: Int32Array;
}

/** What one token looks up. */
export interface TokenProbe {
  /** Best first; of equal scores the lower id first. */
  centroids: Uint16Array;
  /** Of each, in bag units (`QueryTables.bagStep`). */
  scores: Int8Array;
  /** Bag units: what a page on none of these lists gets. One below the best centroid not probed, so lists always add something. */
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

/** The union of every token's `cellsPerToken` best cells by their coarse centroids. Prepares block after block. */
export function rankCells(tables: QueryTables, cellsPerToken: number): RankedCells {
  throw new MaxleafError("internal", `cells of ${tables.blockCount} × ${cellsPerToken} are not ranked yet`);
}

/**
 * Per token the `nprobe` best centroids inside `cells` (any order; cells that other tokens asked for count too, since their
 * lists are read anyway). Prepares block after block; in on-demand mode the rows computed here stay for the rerank.
 */
export function probeCentroids(tables: QueryTables, options: { nprobe: number; cells: Iterable<number> }): Probe {
  throw new MaxleafError("internal", `${options.nprobe} centroids of ${tables.blockCount} are not probed yet`);
}
