/**
 * The fixed-point steps of a query: how much one unit of each integer table is worth, per lane.
 *
 * @module
 */
import { LANES, type QueryBlock } from "./query-block.ts";

/**
 * |entry| of the PQ tables. Stored as entry + 15, eight of them add up to at most 240, inside a byte. Steps half as wide, of which
 * four fit, find no more: recall@10 of codes alone is .900 with them and .898 without on Cranfield, .867 and .876 on the filings.
 */
export const PQ_ENTRY_MAX = 15;

/**
 * |row| of the int16 centroid table. A page vector's sum is one row and up to 128 stored entries (128 · 30 = 3,840), which
 * leaves 28,927 of int16; the rest is head room for the rounding of the query (under 1 % of its length at 1,024 dims).
 */
export const PQ_ROW_MAX = 24_000;

/** What the kernel divides by after multiplying an entry with its factor (assembly/short-entries.ts). */
const FACTOR_ONE = 2 ** 15;
/** An int16 factor. */
const FACTOR_MAX = FACTOR_ONE - 1;
/** |entry × factor|: rounds to {@link PQ_ENTRY_MAX}, whatever its sign. */
const SCALED_MAX = PQ_ENTRY_MAX * FACTOR_ONE + FACTOR_ONE / 2 - 1;

/** |row| of the int8 centroid table. */
export const BAG_ROW_MAX = 127;

/** What a query needs to know about a codebook to choose its steps. */
export interface CentroidScale {
  /** Value of one int8 unit of a centroid. */
  centroidScale: number;
  /** Largest length of a centroid, in real units. */
  centroidNormMax: number;
}

/** Multipliers, `[32]` each. A lane without a token has zeros everywhere. */
export interface LaneScales {
  /** Integer dot product of query row and centroid → int8 bag row. */
  bagFactors: Float32Array;
  /** The same → int16 PQ row. */
  pqFactors: Float32Array;
  /** Real dot product of query and codeword → int8 table entry; of {@link addShortScales} the integer one, an int16 of 2^−15. */
  entryFactors: Float32Array;
  /** PQ score → cosine. */
  pqSteps: Float32Array;
}

/**
 * Value of one unit of a bag row. One step for all tokens of a query, so that rows of different lanes add up as integers.
 * No dot product is longer than the product of the lengths, so no row saturates.
 */
export function bagStep(blocks: readonly QueryBlock[], centroids: CentroidScale): number {
  let norm = 0;
  for (const block of blocks) for (const length of block.norms) norm = Math.max(norm, length);
  return (norm * centroids.centroidNormMax) / BAG_ROW_MAX;
}

/** `[32]`: integer dot product of query row and `centroids` → int8 row in units of `step`. */
export function rowFactors(block: QueryBlock, centroids: CentroidScale, step: number): Float32Array {
  return block.scales.map((scale) => (step > 0 ? (scale * centroids.centroidScale) / step : 0));
}

/** Steps for `block`, given the largest |entry| of each lane over all PQ tables (`entryMaxima` `[32]`). */
export function laneScales(
  block: QueryBlock,
  centroids: CentroidScale,
  step: number,
  entryMaxima: Float32Array,
): LaneScales {
  const scales = scalesOfRows(block, centroids, step);
  for (let lane = 0; lane < LANES; lane++) {
    const dotUnit = (block.scales[lane] ?? 0) * centroids.centroidScale;
    const longest = (block.norms[lane] ?? 0) * centroids.centroidNormMax;
    const pqStep = Math.max((entryMaxima[lane] ?? 0) / PQ_ENTRY_MAX, longest / PQ_ROW_MAX);
    if (pqStep === 0) continue;
    scales.pqFactors[lane] = dotUnit / pqStep;
    scales.entryFactors[lane] = 1 / pqStep;
    scales.pqSteps[lane] = pqStep;
  }
  return scales;
}

/** Bag factors; the rest is 0 until lanes have entries ({@link addShortScales}). */
export function scalesOfRows(block: QueryBlock, centroids: CentroidScale, step: number): LaneScales {
  return {
    bagFactors: rowFactors(block, centroids, step),
    pqFactors: new Float32Array(LANES),
    entryFactors: new Float32Array(LANES),
    pqSteps: new Float32Array(LANES),
  };
}

/** What integer entries are made of. */
export interface ShortScale extends CentroidScale {
  /** Value of one unit of a codeword of 7 bits. */
  codewordScale: number;
}

/**
 * Adds to `scales` those of some lanes, from `first` on, where entries are made of integers (short-codewords.ts): factors of 16 bits, and steps
 * that are just what these make of a unit of an integer entry.
 *
 * @param block as it is multiplied with codewords.
 * @param maxima the largest |integer entry| of each of the lanes.
 */
export function addShortScales(
  scales: LaneScales,
  block: QueryBlock,
  { centroidScale, centroidNormMax, codewordScale }: ShortScale,
  maxima: Int16Array,
  first: number,
): void {
  for (let i = 0; i < maxima.length; i++) {
    const lane = first + i;
    const scale = block.scales[lane] ?? 0;
    const largest = maxima[i] ?? 0;
    const entryUnit = scale * codewordScale;
    const rowStep = ((block.norms[lane] ?? 0) * centroidNormMax) / PQ_ROW_MAX;
    const byEntries = largest === 0 ? 0 : Math.floor(SCALED_MAX / largest);
    const byRows = rowStep === 0 ? FACTOR_MAX : Math.floor((entryUnit * FACTOR_ONE) / rowStep);
    const factor = Math.min(byEntries, byRows, FACTOR_MAX);
    const pqStep = factor === 0 ? rowStep : (entryUnit * FACTOR_ONE) / factor;
    if (pqStep === 0) continue;
    scales.pqFactors[lane] = (scale * centroidScale) / pqStep;
    scales.entryFactors[lane] = factor;
    scales.pqSteps[lane] = pqStep;
  }
}
