/**
 * Every centroid against every query token, once per query: what both the bag scan and PQ MaxSim look up.
 *
 * @module
 */
import { dotTwo } from "./dot";
import { LANE_ROW_I16, LANE_ROW_I32, LANE_ROW_I8 } from "./lanes";

/**
 * For `count` int8 `centroids` [count, dim] and the query `pairs` of a block (see dot.ts) writes
 * - `bagRows` i8 [count, 32]: dot product × `bagFactors[lane]` (f32 [32]), and
 * - `pqRows` i16 [count, 32]: dot product × `pqFactors[lane]` (f32 [32]),
 * both rounded to nearest even and saturated. `dots` is scratch of i32 [2, 32].
 */
export function centroidTables(
  centroids: usize,
  count: i32,
  dim: i32,
  pairs: usize,
  bagFactors: usize,
  pqFactors: usize,
  dots: usize,
  bagRows: usize,
  pqRows: usize,
): void {
  for (let i = 0; i < count; i += 2) {
    const a = centroids + <usize>i * dim;
    const paired = i + 1 < count;
    dotTwo(a, paired ? a + dim : a, dim, pairs, dots);
    writeRows(dots, bagFactors, pqFactors, bagRows + <usize>i * LANE_ROW_I8, pqRows + <usize>i * LANE_ROW_I16);
    if (!paired) break;
    const next = <usize>(i + 1);
    writeRows(dots + LANE_ROW_I32, bagFactors, pqFactors, bagRows + next * LANE_ROW_I8, pqRows + next * LANE_ROW_I16);
  }
}

function writeRows(dots: usize, bagFactors: usize, pqFactors: usize, bagRow: usize, pqRow: usize): void {
  for (let half: usize = 0; half < LANE_ROW_I32; half += LANE_ROW_I32 / 2) {
    const d0 = f32x4.convert_i32x4_s(v128.load(dots + half));
    const d1 = f32x4.convert_i32x4_s(v128.load(dots + half, 16));
    const d2 = f32x4.convert_i32x4_s(v128.load(dots + half, 32));
    const d3 = f32x4.convert_i32x4_s(v128.load(dots + half, 48));
    const b = bagFactors + half;
    const bagLow = i16x8.narrow_i32x4_s(rounded(d0, v128.load(b)), rounded(d1, v128.load(b, 16)));
    const bagHigh = i16x8.narrow_i32x4_s(rounded(d2, v128.load(b, 32)), rounded(d3, v128.load(b, 48)));
    v128.store(bagRow + half / 4, i8x16.narrow_i16x8_s(bagLow, bagHigh));
    const p = pqFactors + half;
    v128.store(pqRow + half / 2, i16x8.narrow_i32x4_s(rounded(d0, v128.load(p)), rounded(d1, v128.load(p, 16))));
    v128.store(
      pqRow + half / 2,
      i16x8.narrow_i32x4_s(rounded(d2, v128.load(p, 32)), rounded(d3, v128.load(p, 48))),
      16,
    );
  }
}

function rounded(dots: v128, factors: v128): v128 {
  return i32x4.trunc_sat_f32x4_s(f32x4.nearest(f32x4.mul(dots, factors)));
}
