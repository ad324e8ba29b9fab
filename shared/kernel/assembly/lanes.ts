/**
 * Kernels score 32 query tokens at once, one per lane: with int8 entries a row of 32 is two 16-byte registers.
 *
 * @module
 */

/** Bytes of an int8 row of 32 lanes; an int16 row has twice as many. */
export const LANE_BYTES: usize = 32;
