/**
 * Centroids against every query token, once per query: what bag scans, probing and PQ MaxSim look up.
 *
 * @module
 */
import { DOTS_BYTES, dotSixteen, widen } from "./dot";
import { LANE_ROW_I16, LANE_ROW_I8, SIXTEEN_LANES_I32 } from "./lanes";
import { rounded } from "./rounding";

/**
 * For `count` of the int8 `centroids` [·, dim] and the query `pairs` of a block (see dot.ts) writes
 * - `bagRows` i8 [count, 32], in the order asked for: dot product × `bagFactors[lane]` (f32 [32]), and
 * - `pqRows` i16 [·, 32], at the centroid's own place: dot product × `pqFactors[lane]` (f32 [32]),
 * both rounded to nearest even. A null pointer leaves one of them out. `ids` (u16 [count]) names the centroids; null means
 * 0 … count − 1. `scratch` is i32 [2, 16] and i16 [2, dim].
 */
export function centroidRows(
  centroids: usize,
  ids: usize,
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
    const first = idAt(ids, i);
    const second = i + 1 < count ? idAt(ids, i + 1) : first;
    widen(centroids + first * dim, dim, wide);
    widen(centroids + second * dim, dim, wide + ((<usize>dim) << 1));
    for (let lane: usize = 0; lane < laneEnd; lane += SIXTEEN_LANES_I32) {
      dotSixteen(wide, wide + ((<usize>dim) << 1), dim, pairs + lane, scratch);
      if (bagRows != 0) {
        const row = bagRows + <usize>i * LANE_ROW_I8 + lane / 4;
        v128.store(row, bagRow(scratch, bagFactors + lane));
        if (i + 1 < count) v128.store(row, bagRow(scratch + DOTS_BYTES / 2, bagFactors + lane), LANE_ROW_I8);
      }
      if (pqRows == 0) continue;
      writePqRow(scratch, pqFactors + lane, pqRows + first * LANE_ROW_I16 + lane / 2);
      writePqRow(scratch + DOTS_BYTES / 2, pqFactors + lane, pqRows + second * LANE_ROW_I16 + lane / 2);
    }
  }
}

/**
 * Collects in `missing` (u16, room for `count`) those of `ids` (u16 [count]) whose byte in `present` is 0, each once, and sets
 * the byte. Returns how many.
 */
export function missingCentroids(ids: usize, count: i32, present: usize, missing: usize): i32 {
  let end = missing;
  for (const idEnd = ids + ((<usize>count) << 1); ids < idEnd; ids += 2) {
    const id = <usize>load<u16>(ids);
    if (load<u8>(present + id) != 0) continue;
    store<u8>(present + id, 1);
    store<u16>(end, <u16>id);
    end += 2;
  }
  return <i32>((end - missing) >> 1);
}

function idAt(ids: usize, i: i32): usize {
  return ids == 0 ? <usize>i : <usize>load<u16>(ids + ((<usize>i) << 1));
}

/** Sixteen lanes of one centroid, as int8. */
function bagRow(dots: usize, factors: usize): v128 {
  const low = i16x8.narrow_i32x4_s(scaled(dots, factors), scaled(dots + 16, factors + 16));
  const high = i16x8.narrow_i32x4_s(scaled(dots + 32, factors + 32), scaled(dots + 48, factors + 48));
  return i8x16.narrow_i16x8_s(low, high);
}

/** Sixteen lanes of one centroid, as int16. */
function writePqRow(dots: usize, factors: usize, row: usize): void {
  v128.store(row, i16x8.narrow_i32x4_s(scaled(dots, factors), scaled(dots + 16, factors + 16)));
  v128.store(row, i16x8.narrow_i32x4_s(scaled(dots + 32, factors + 32), scaled(dots + 48, factors + 48)), 16);
}

/** Four lanes. */
function scaled(dots: usize, factors: usize): v128 {
  return rounded(f32x4.convert_i32x4_s(v128.load(dots)), v128.load(factors));
}
