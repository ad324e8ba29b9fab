/**
 * Every centroid against every query token, once per query: what both the bag scan and PQ MaxSim look up.
 *
 * @module
 */
import { DOTS_BYTES, dotSixteen, widen } from "./dot";
import { LANE_ROW_I16, LANE_ROW_I8, SIXTEEN_LANES_I32 } from "./lanes";
import { rounded } from "./rounding";

/**
 * For `count` int8 `centroids` [count, dim] and the query `pairs` of a block (see dot.ts) writes
 * - `bagRows` i8 [count, 32]: dot product × `bagFactors[lane]` (f32 [32]), and
 * - `pqRows` i16 [count, 32]: dot product × `pqFactors[lane]` (f32 [32]),
 * both rounded to nearest even. `scratch` is i32 [2, 16] and i16 [2, dim].
 */
export function centroidTables(
  centroids: usize,
  count: i32,
  dim: i32,
  lanes: i32,
  pairs: usize,
  bagFactors: usize,
  pqFactors: usize,
  scratch: usize,
  bagRows: usize,
  pqRows: usize,
): void {
  const wide = scratch + DOTS_BYTES;
  const laneEnd = (<usize>lanes) << 2;
  for (let i = 0; i < count; i += 2) {
    const paired = i + 1 < count;
    widen(centroids + <usize>i * dim, paired ? 2 * dim : dim, wide);
    const second = paired ? wide + ((<usize>dim) << 1) : wide;
    for (let lane: usize = 0; lane < laneEnd; lane += SIXTEEN_LANES_I32) {
      dotSixteen(wide, second, dim, pairs + lane, scratch);
      const bagRow = bagRows + <usize>i * LANE_ROW_I8 + lane / 4;
      const pqRow = pqRows + <usize>i * LANE_ROW_I16 + lane / 2;
      writeRows(scratch, bagFactors + lane, pqFactors + lane, bagRow, pqRow);
      if (!paired) continue;
      writeRows(
        scratch + DOTS_BYTES / 2,
        bagFactors + lane,
        pqFactors + lane,
        bagRow + LANE_ROW_I8,
        pqRow + LANE_ROW_I16,
      );
    }
  }
}

/** Sixteen lanes of one centroid. */
function writeRows(dots: usize, bagFactors: usize, pqFactors: usize, bagRow: usize, pqRow: usize): void {
  const d0 = f32x4.convert_i32x4_s(v128.load(dots));
  const d1 = f32x4.convert_i32x4_s(v128.load(dots, 16));
  const d2 = f32x4.convert_i32x4_s(v128.load(dots, 32));
  const d3 = f32x4.convert_i32x4_s(v128.load(dots, 48));
  const b = bagFactors;
  const bagLow = i16x8.narrow_i32x4_s(rounded(d0, v128.load(b)), rounded(d1, v128.load(b, 16)));
  const bagHigh = i16x8.narrow_i32x4_s(rounded(d2, v128.load(b, 32)), rounded(d3, v128.load(b, 48)));
  v128.store(bagRow, i8x16.narrow_i16x8_s(bagLow, bagHigh));
  const p = pqFactors;
  v128.store(pqRow, i16x8.narrow_i32x4_s(rounded(d0, v128.load(p)), rounded(d1, v128.load(p, 16))));
  v128.store(pqRow, i16x8.narrow_i32x4_s(rounded(d2, v128.load(p, 32)), rounded(d3, v128.load(p, 48))), 16);
}
