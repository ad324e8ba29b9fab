/**
 * Integer dot products of int8 vectors with a block of 32 int16 query rows.
 *
 * @module
 */
import { LANES, LANE_ROW_I32 } from "./lanes";

/**
 * Writes `dots[0][lane]` and `dots[1][lane]` (i32 [2, 32]): the dot products of two int8 vectors with every query row.
 *
 * `pairs` is i16 [dim / 2, 32, 2]: for every two neighbouring dimensions the two query values of each lane, the operand
 * order of `dot_i16x8`. So one load serves both vectors, and no sum runs across lanes. Two vectors by 16 lanes keep eight
 * accumulators in registers (x64 has sixteen).
 */
export function dotTwo(a: usize, b: usize, dim: i32, pairs: usize, dots: usize): void {
  dotHalf(a, b, dim, pairs, dots);
  dotHalf(a, b, dim, pairs + LANE_ROW_I32 / 2, dots + LANE_ROW_I32 / 2);
}

function dotHalf(a: usize, b: usize, dim: i32, pairs: usize, dots: usize): void {
  let a0 = i32x4.splat(0);
  let a1 = a0;
  let a2 = a0;
  let a3 = a0;
  let b0 = a0;
  let b1 = a0;
  let b2 = a0;
  let b3 = a0;
  const end = a + dim;
  for (; a < end; a += 4, b += 4, pairs += 2 * LANE_ROW_I32) {
    const a4 = i16x8.extend_low_i8x16_s(v128.load32_splat(a));
    const b4 = i16x8.extend_low_i8x16_s(v128.load32_splat(b));
    let x = v128.shuffle<i32>(a4, a4, 0, 0, 0, 0);
    let y = v128.shuffle<i32>(b4, b4, 0, 0, 0, 0);
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

    x = v128.shuffle<i32>(a4, a4, 1, 1, 1, 1);
    y = v128.shuffle<i32>(b4, b4, 1, 1, 1, 1);
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
  v128.store(dots, b0, 128);
  v128.store(dots, b1, 144);
  v128.store(dots, b2, 160);
  v128.store(dots, b3, 176);
}
