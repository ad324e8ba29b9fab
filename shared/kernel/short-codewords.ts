/**
 * Codewords in 7 bits, as they are multiplied with query rows of 7 bits (short-rows.ts): the tables of 16 bytes a vector and 32 tokens take 28 µs,
 * of floats 100 (128 dimensions, Zen 4); without relaxed SIMD 54 and 113.
 *
 * An entry of a table is an integer of −15 to 15, rounded by .29 of a unit (standard deviation). Of codewords and query in 7 bits it errs by .09
 * before that (filings; Cranfield .08).
 *
 * @module
 */
import { SHORT_BIAS, SHORT_CODEWORD_LENGTH, SHORT_ROW_MAX, shortLength } from "./short-rows.ts";

/** Dimensions that the kernels take at once. */
const QUAD = 4;

/** |value|: of 8 bits the other factor takes one. */
const CODEWORD_MAX = SHORT_ROW_MAX;

/** `[subspaces, 256, width]`, plus 64. */
export interface ShortCodewords {
  values: Uint8Array;
  /** Value of one unit. */
  scale: number;
}

/** Whether a codebook with subspaces of `width` dimensions and centroids of at most `centroidLength` (int8 units) takes codewords of 7 bits. */
export function hasShortCodewords(width: number, centroidLength: number): boolean {
  return width % QUAD === 0 && shortLength(centroidLength) !== undefined;
}

/** `codewords` `[·, width]`, none longer than {@link SHORT_CODEWORD_LENGTH} units. */
export function shortCodewords(codewords: Float32Array, width: number): ShortCodewords {
  let largest = 0;
  let longest = 0;
  for (let start = 0; start < codewords.length; start += width) {
    let squares = 0;
    for (let d = start; d < start + width; d++) {
      const value = codewords[d] ?? 0;
      squares += value * value;
      largest = Math.max(largest, Math.abs(value));
    }
    longest = Math.max(longest, Math.sqrt(squares));
  }
  // Rounding makes a codeword longer by at most half a unit in every dimension.
  const scale = Math.max(largest / CODEWORD_MAX, longest / (SHORT_CODEWORD_LENGTH - Math.sqrt(width) / 2));
  if (scale === 0) return { values: new Uint8Array(codewords.length).fill(SHORT_BIAS), scale };
  return { values: Uint8Array.from(codewords, (value) => Math.round(value / scale) + SHORT_BIAS), scale };
}
