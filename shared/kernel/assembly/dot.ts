/**
 * Integer dot products of int8 vectors with a block of int16 query rows.
 *
 * Plain SIMD on purpose. Relaxed SIMD has 8-bit dot products that are the same on every processor only while the second
 * operand has 7 bits, so a query value of 13 bits takes two of them: 250 µs, before the halves are put together, where the
 * plain ones took 150 (1,030 vectors × 128, 32 tokens, Zen 3 in Node 24). Centroids make do with one, of 7 bits: short-dot.ts. Processors with VNNI were not at hand.
 *
 * @module
 */
import { LANE_ROW_I32 } from "./lanes";

/** Vectors at a time, and lanes. */
export const DOT_VECTORS: i32 = 4;
export const DOT_LANES: i32 = 8;
/** Bytes of i32 [4, 8]: what {@link dotEight} writes. */
export const DOTS_BYTES: usize = 128;
/** Bytes of one vector's eight products. */
export const DOTS_ROW: usize = 32;

/** `to` i16 [count] ← `from` i8 [count], a multiple of 16. A value is then spread over a register by its load alone. */
export function widen(from: usize, count: i32, to: usize): void {
  for (const end = from + count; from < end; from += 16, to += 32) {
    v128.store(to, v128.load_ext<i8>(from));
    v128.store(to, v128.load_ext<i8>(from, 8), 16);
  }
}

/**
 * Writes `dots` i32 [4, 8]: the dot products of four widened vectors (i16 [4, dim]) with 8 query rows.
 *
 * `pairs` points at the first of the 8 lanes in i16 [dim / 2, 32, 2]: for every two neighbouring dimensions the two query
 * values of each lane, the operand order of `dot_i16x8`. So one load serves four vectors, and no sum runs across lanes. Four
 * vectors by 8 lanes keep eight accumulators in registers (x64 has sixteen), and a query of 20 tokens pays for 24.
 */
export function dotEight(a: usize, dim: i32, pairs: usize, dots: usize): void {
  const step = (<usize>dim) << 1;
  let b = a + step;
  let c = b + step;
  let d = c + step;
  let a0 = i32x4.splat(0);
  let a1 = a0;
  let b0 = a0;
  let b1 = a0;
  let c0 = a0;
  let c1 = a0;
  let d0 = a0;
  let d1 = a0;
  for (const end = b; a < end; a += 8, b += 8, c += 8, d += 8, pairs += 2 * LANE_ROW_I32) {
    let q = v128.load(pairs);
    let r = v128.load(pairs, 16);
    let x = v128.load32_splat(a);
    a0 = i32x4.add(a0, i32x4.dot_i16x8_s(x, q));
    a1 = i32x4.add(a1, i32x4.dot_i16x8_s(x, r));
    x = v128.load32_splat(b);
    b0 = i32x4.add(b0, i32x4.dot_i16x8_s(x, q));
    b1 = i32x4.add(b1, i32x4.dot_i16x8_s(x, r));
    x = v128.load32_splat(c);
    c0 = i32x4.add(c0, i32x4.dot_i16x8_s(x, q));
    c1 = i32x4.add(c1, i32x4.dot_i16x8_s(x, r));
    x = v128.load32_splat(d);
    d0 = i32x4.add(d0, i32x4.dot_i16x8_s(x, q));
    d1 = i32x4.add(d1, i32x4.dot_i16x8_s(x, r));

    q = v128.load(pairs, LANE_ROW_I32);
    r = v128.load(pairs, LANE_ROW_I32 + 16);
    x = v128.load32_splat(a, 4);
    a0 = i32x4.add(a0, i32x4.dot_i16x8_s(x, q));
    a1 = i32x4.add(a1, i32x4.dot_i16x8_s(x, r));
    x = v128.load32_splat(b, 4);
    b0 = i32x4.add(b0, i32x4.dot_i16x8_s(x, q));
    b1 = i32x4.add(b1, i32x4.dot_i16x8_s(x, r));
    x = v128.load32_splat(c, 4);
    c0 = i32x4.add(c0, i32x4.dot_i16x8_s(x, q));
    c1 = i32x4.add(c1, i32x4.dot_i16x8_s(x, r));
    x = v128.load32_splat(d, 4);
    d0 = i32x4.add(d0, i32x4.dot_i16x8_s(x, q));
    d1 = i32x4.add(d1, i32x4.dot_i16x8_s(x, r));
  }
  v128.store(dots, a0);
  v128.store(dots, a1, 16);
  v128.store(dots, b0, 32);
  v128.store(dots, b1, 48);
  v128.store(dots, c0, 64);
  v128.store(dots, c1, 80);
  v128.store(dots, d0, 96);
  v128.store(dots, d1, 112);
}
