/**
 * From real numbers to the integers of the tables.
 *
 * @module
 */

/**
 * `sum` + `a` × `b` (f32x4). The relaxed build lets processors that can do so fuse the two and round once: tables of a query in
 * 123 µs instead of 157 (128 dimensions, 16 B, 32 tokens, Zen 4). So an entry may differ by one unit between processors.
 */
export function multiplyAdd(sum: v128, a: v128, b: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, sum);
  return f32x4.add(sum, f32x4.mul(a, b));
}

/** 1.5 · 2^23: float32 has steps of 1 here, so adding it rounds to an integer, halves to the even one. */
const ROUNDER: f32 = 12_582_912;
/** The bits of {@link ROUNDER}. */
const ROUNDER_BITS: i32 = 0x4b40_0000;

/**
 * `values` × `factors` (f32x4) rounded to i32x4, to nearest even. |product| must stay below 2^22, which the scales of a
 * query see to (../lane-scales.ts). Two instructions, where `nearest` and `trunc_sat`
 * are about eight on x64.
 */
export function rounded(values: v128, factors: v128): v128 {
  return i32x4.sub(f32x4.add(f32x4.mul(values, factors), f32x4.splat(ROUNDER)), i32x4.splat(ROUNDER_BITS));
}
