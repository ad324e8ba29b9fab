/**
 * MaxSim over product-quantised vectors (late interaction, Khattab & Zaharia 2020), 32 query tokens at a time.
 *
 * A vector's partial scores with all 32 tokens are its centroid's row plus one table row per code. Four int8 rows are added
 * before they are widened: 17 µs a page instead of 25 when every row is widened (1,030 vectors at 16 codes, Zen 2).
 *
 * All kernels take `ids` u16 [count], `codes` u8 [count, subspaces] (a multiple of 4), `pqRows` i16 [centroids, 32] and
 * `tables` i8 [subspaces, 256, 32] with |entry| ≤ 31; rows are scaled so that no sum leaves int16.
 *
 * @module
 */
import { LANE_ROW_I16, LANE_ROW_I8 } from "./lanes";

/** Bytes of one subspace's table: 256 rows. */
const TABLE: usize = 256 * LANE_ROW_I8;

/** `maxima` i16 [32]: per lane the best score of `count` vectors; −32,768 when there are none. */
export function pqMax(
  ids: usize,
  codes: usize,
  count: i32,
  subspaces: i32,
  pqRows: usize,
  tables: usize,
  maxima: usize,
): void {
  let m0 = i16x8.splat(i16.MIN_VALUE);
  let m1 = m0;
  let m2 = m0;
  let m3 = m0;
  for (const idEnd = ids + ((<usize>count) << 1); ids < idEnd; ids += 2) {
    const row = pqRows + <usize>load<u16>(ids) * LANE_ROW_I16;
    let s0 = v128.load(row);
    let s1 = v128.load(row, 16);
    let s2 = v128.load(row, 32);
    let s3 = v128.load(row, 48);
    let table = tables;
    for (const codeEnd = codes + subspaces; codes < codeEnd; codes += 4) {
      const first = table + ((<usize>load<u8>(codes)) << 5);
      const second = table + ((<usize>load<u8>(codes, 1)) << 5);
      const third = table + ((<usize>load<u8>(codes, 2)) << 5);
      const fourth = table + ((<usize>load<u8>(codes, 3)) << 5);
      const low = sumOfLow(first, second, third, fourth);
      const high = sumOfHigh(first, second, third, fourth);
      s0 = i16x8.add(s0, i16x8.extend_low_i8x16_s(low));
      s1 = i16x8.add(s1, i16x8.extend_high_i8x16_s(low));
      s2 = i16x8.add(s2, i16x8.extend_low_i8x16_s(high));
      s3 = i16x8.add(s3, i16x8.extend_high_i8x16_s(high));
      table += 4 * TABLE;
    }
    m0 = i16x8.max_s(m0, s0);
    m1 = i16x8.max_s(m1, s1);
    m2 = i16x8.max_s(m2, s2);
    m3 = i16x8.max_s(m3, s3);
  }
  v128.store(maxima, m0);
  v128.store(maxima, m1, 16);
  v128.store(maxima, m2, 32);
  v128.store(maxima, m3, 48);
}

/** `scores` i16 [count, 32]: every vector's score with every lane. For heat maps. */
export function pqVectorScores(
  ids: usize,
  codes: usize,
  count: i32,
  subspaces: i32,
  pqRows: usize,
  tables: usize,
  scores: usize,
): void {
  for (let i = 0; i < count; i++) {
    scoreVector(ids, codes, subspaces, pqRows, tables, scores);
    ids += 2;
    codes += subspaces;
    scores += LANE_ROW_I16;
  }
}

/**
 * As {@link pqMax}, and `winners` u16 [32]: which vector has the lane's best score, the first of equal ones; 0 when there
 * are none. `row` is scratch of i16 [32]. For highlights, on the few pages that are shown.
 */
export function pqBest(
  ids: usize,
  codes: usize,
  count: i32,
  subspaces: i32,
  pqRows: usize,
  tables: usize,
  row: usize,
  maxima: usize,
  winners: usize,
): void {
  for (let lane: usize = 0; lane < LANE_ROW_I16; lane += 16) {
    v128.store(maxima + lane, i16x8.splat(i16.MIN_VALUE));
    v128.store(winners + lane, i16x8.splat(0));
  }
  for (let i = 0; i < count; i++) {
    scoreVector(ids, codes, subspaces, pqRows, tables, row);
    for (let lane: usize = 0; lane < LANE_ROW_I16; lane += 16) {
      const scores = v128.load(row + lane);
      const previous = v128.load(maxima + lane);
      const better = i16x8.gt_s(scores, previous);
      v128.store(maxima + lane, i16x8.max_s(scores, previous));
      v128.store(winners + lane, v128.bitselect(i16x8.splat(<i16>i), v128.load(winners + lane), better));
    }
    ids += 2;
    codes += subspaces;
  }
}

/** `out` i16 [32]: the scores of one vector. */
function scoreVector(id: usize, codes: usize, subspaces: i32, pqRows: usize, tables: usize, out: usize): void {
  const row = pqRows + <usize>load<u16>(id) * LANE_ROW_I16;
  let s0 = v128.load(row);
  let s1 = v128.load(row, 16);
  let s2 = v128.load(row, 32);
  let s3 = v128.load(row, 48);
  for (const codeEnd = codes + subspaces; codes < codeEnd; codes += 4) {
    const first = tables + ((<usize>load<u8>(codes)) << 5);
    const second = tables + ((<usize>load<u8>(codes, 1)) << 5);
    const third = tables + ((<usize>load<u8>(codes, 2)) << 5);
    const fourth = tables + ((<usize>load<u8>(codes, 3)) << 5);
    const low = sumOfLow(first, second, third, fourth);
    const high = sumOfHigh(first, second, third, fourth);
    s0 = i16x8.add(s0, i16x8.extend_low_i8x16_s(low));
    s1 = i16x8.add(s1, i16x8.extend_high_i8x16_s(low));
    s2 = i16x8.add(s2, i16x8.extend_low_i8x16_s(high));
    s3 = i16x8.add(s3, i16x8.extend_high_i8x16_s(high));
    tables += 4 * TABLE;
  }
  v128.store(out, s0);
  v128.store(out, s1, 16);
  v128.store(out, s2, 32);
  v128.store(out, s3, 48);
}

/**
 * The first 16 lanes of four table rows, added in int8: 4 · 31 = 124 fits. The pointers are as if all four were rows of the
 * first one's table: the step to the next tables is part of the loads, at no cost.
 */
function sumOfLow(first: usize, second: usize, third: usize, fourth: usize): v128 {
  return i8x16.add(
    i8x16.add(v128.load(first), v128.load(second, TABLE)),
    i8x16.add(v128.load(third, 2 * TABLE), v128.load(fourth, 3 * TABLE)),
  );
}

/** As {@link sumOfLow}, the other 16 lanes. */
function sumOfHigh(first: usize, second: usize, third: usize, fourth: usize): v128 {
  return i8x16.add(
    i8x16.add(v128.load(first, 16), v128.load(second, TABLE + 16)),
    i8x16.add(v128.load(third, 2 * TABLE + 16), v128.load(fourth, 3 * TABLE + 16)),
  );
}
