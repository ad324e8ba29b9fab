/**
 * Query vectors in 7 bits, for what multiplies them with centroids: as rough as int8 centroids are themselves, and twice as fast.
 *
 * A product of 8 by 7 bits takes 16 values an instruction (`relaxed_dot`) where 16 bits take 8, and its sums stay in 16 bits: so no dot
 * product may leave them, whatever the centroid. Rounding errs by 0.29 / length of what the lengths of query and centroid multiply to
 * (standard deviation; the length is the row's, in units): .0032 at a length of 90, which the filings' codebook allows, where a unit of a bag
 * row is .0079.
 *
 * @module
 */
import { LANES, type QueryBlock } from "./query-block.ts";

/** |row value|. */
export const SHORT_ROW_MAX = 63;
/** Added to the values for the kernels, which take none below 0. */
export const SHORT_BIAS = 64;
/** The longest codeword of short-codewords.ts, in its units: no longer than the longest centroid, which has a value of 127. */
export const SHORT_CODEWORD_LENGTH = 127;
/** |dot product|: int16. */
const SHORT_DOT_MAX = 32_767;
/** Of a codebook that allows no longer rows than this, queries are multiplied in 16 bits: the error would be .006. */
const MIN_SHORT_LENGTH = 48;
/** Rounding makes a row longer than it should be: by this share less is aimed at. */
const LENGTH_MARGIN = 0.99;

/**
 * How long rows in 7 bits may be, in units, for centroids of at most `centroidLength` (int8 units), and for codewords. Undefined where they would be too
 * rough.
 */
export function shortLength(centroidLength: number): number | undefined {
  const length = SHORT_DOT_MAX / Math.max(centroidLength, SHORT_CODEWORD_LENGTH);
  return length >= MIN_SHORT_LENGTH ? length : undefined;
}

/** `block` with rows of at most `length` units ({@link shortLength}), and their scales. */
export function shortBlock(block: QueryBlock, length: number): QueryBlock {
  const { dim, values, tokenCount } = block;
  const rows = new Int16Array(LANES * dim);
  const scales = new Float32Array(LANES);
  const aimed = LENGTH_MARGIN * Math.sqrt(Math.max(length * length - dim / 12, length));
  for (let lane = 0; lane < tokenCount; lane++) {
    const norm = block.norms[lane] ?? 0;
    if (norm === 0) continue;
    const token = values.subarray(lane * dim, (lane + 1) * dim);
    const row = rows.subarray(lane * dim, (lane + 1) * dim);
    let scale = Math.fround(Math.max(norm / aimed, largest(token) / SHORT_ROW_MAX));
    for (;;) {
      const rounded = round(token, scale, row);
      if (rounded <= length) break;
      scale = Math.fround(scale * Math.max(rounded / length, 2 - LENGTH_MARGIN));
    }
    scales[lane] = scale;
  }
  return { ...block, rows, scales };
}

/** Writes `row`, and returns its length in units. */
function round(token: Float32Array, scale: number, row: Int16Array): number {
  const perUnit = 1 / scale;
  let squares = 0;
  for (let d = 0; d < row.length; d++) {
    const value = Math.floor((token[d] ?? 0) * perUnit + 0.5);
    row[d] = value;
    squares += value * value;
  }
  return Math.sqrt(squares);
}

function largest(values: Float32Array): number {
  let most = 0;
  for (let i = 0; i < values.length; i++) most = Math.max(most, Math.abs(values[i] ?? 0));
  return most;
}
