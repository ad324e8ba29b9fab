/**
 * Kernels score 32 query tokens at once, one per lane: an int8 row of 32 is two 16-byte registers, an int16 row four.
 *
 * Where the work is per lane they take `lanes`, 16 or 32, and leave the lanes beyond alone: a short query costs half.
 *
 * @module
 */

/** Bytes of one row of 32 lanes, by the width of an entry. */
export const LANE_ROW_I8: usize = 32;
export const LANE_ROW_I16: usize = 64;
export const LANE_ROW_I32: usize = 128;
/** Bytes of 16 lanes of 32-bit entries: the step of the loops over lanes. */
export const SIXTEEN_LANES_I32: usize = 64;
