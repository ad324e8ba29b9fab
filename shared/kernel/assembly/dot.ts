/**
 * Integer dot products of int8 vectors with a block of int16 query rows.
 *
 * Plain SIMD on purpose. Relaxed SIMD has 8-bit dot products that are the same on every processor only while the second
 * operand has 7 bits, so a query value of 13 bits takes two of them: 250 µs, before the halves are put together, where the
 * plain ones took 150 (1,030 vectors × 128, 32 tokens, Zen 3 in Node 24). Processors with VNNI were not at hand.
 *
 * @module
 */
import { LANE_ROW_I32 } from "./lanes";

/** Bytes of i32 [2, 16]: what {@link dotSixteen} writes. */
export const DOTS_BYTES: usize = 128;

/** `to` i16 [count] ← `from` i8 [count], a multiple of 16. A value is then spread over a register by its load alone. */
export function widen(from: usize, count: i32, to: usize): void {
  for (const end = from + count; from < end; from += 16, to += 32) {
    v128.store(to, v128.load_ext<i8>(from));
    v128.store(to, v128.load_ext<i8>(from, 8), 16);
  }
}

/**
 * Writes `dots` i32 [2, 16]: the dot products of two widened vectors (i16 [dim]) with 16 query rows.
 *
 * `pairs` points at the first of the 16 lanes in i16 [dim / 2, 32, 2]: for every two neighbouring dimensions the two query
 * values of each lane, the operand order of `dot_i16x8`. So one load serves both vectors, and no sum runs across lanes. Two
 * vectors by 16 lanes keep eight accumulators in registers (x64 has sixteen).
 */
export function dotSixteen(a: usize, b: usize, dim: i32, pairs: usize, dots: usize): void {
  let a0 = i32x4.splat(0);
  let a1 = a0;
  let a2 = a0;
  let a3 = a0;
  let b0 = a0;
  let b1 = a0;
  let b2 = a0;
  let b3 = a0;
  const end = a + ((<usize>dim) << 1);
  for (; a < end; a += 8, b += 8, pairs += 2 * LANE_ROW_I32) {
    let x = v128.load32_splat(a);
    let y = v128.load32_splat(b);
    let q = v128.load(pairs);
    a0 = i32x4.add(a0, i32x4.dot_i16x8_s(x, q));
    b0 = i32x4.add(b0, i32x4.dot_i16x8_s(y, q));
    q = v128.load(pairs, 16);
    a1 = i32x4.add(a1, i32x4.dot_i16x8_s(x, q));
    b1 = i32x4.add(b1, i32x4.dot_i16x8_s(y, q));
    q = v128.load(pairs, 32);
    a2 = i32x4.add(a2, i32x4.dot_i16x8_s(x, q));
    b2 = i32x4.add(b2, i32x4.dot_i16x8_s(y, q));
    q = v128.load(pairs, 48);
    a3 = i32x4.add(a3, i32x4.dot_i16x8_s(x, q));
    b3 = i32x4.add(b3, i32x4.dot_i16x8_s(y, q));

    x = v128.load32_splat(a, 4);
    y = v128.load32_splat(b, 4);
    q = v128.load(pairs, 128);
    a0 = i32x4.add(a0, i32x4.dot_i16x8_s(x, q));
    b0 = i32x4.add(b0, i32x4.dot_i16x8_s(y, q));
    q = v128.load(pairs, 144);
    a1 = i32x4.add(a1, i32x4.dot_i16x8_s(x, q));
    b1 = i32x4.add(b1, i32x4.dot_i16x8_s(y, q));
    q = v128.load(pairs, 160);
    a2 = i32x4.add(a2, i32x4.dot_i16x8_s(x, q));
    b2 = i32x4.add(b2, i32x4.dot_i16x8_s(y, q));
    q = v128.load(pairs, 176);
    a3 = i32x4.add(a3, i32x4.dot_i16x8_s(x, q));
    b3 = i32x4.add(b3, i32x4.dot_i16x8_s(y, q));
  }
  v128.store(dots, a0);
  v128.store(dots, a1, 16);
  v128.store(dots, a2, 32);
  v128.store(dots, a3, 48);
  v128.store(dots, b0, 64);
  v128.store(dots, b1, 80);
  v128.store(dots, b2, 96);
  v128.store(dots, b3, 112);
}
