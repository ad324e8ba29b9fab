/**
 * Kernels score 32 query tokens at once, one per lane: an int8 row of 32 is two 16-byte registers, an int16 row four.
 *
 * @module
 */

export const LANES = 32;
/** Bytes of one row of 32 lanes, by the width of an entry. */
export const LANE_ROW_I8: usize = 32;
export const LANE_ROW_I16: usize = 64;
export const LANE_ROW_I32: usize = 128;
