/**
 * Centroids against every query token, once per query: what bag scans, probing and PQ MaxSim look up.
 *
 * @module
 */
import { DOT_LANES, DOT_VECTORS, DOTS_BYTES, DOTS_ROW, dotEight, widen } from "./dot";
import { LANE_ROW_I16, LANE_ROW_I8 } from "./lanes";
import { rounded } from "./rounding";

/**
 * For `count` of the int8 `centroids` [·, dim] and the query `pairs` of a block (see dot.ts) writes
 * - `bagRows` i8 [count, 32], in the order asked for: dot product × `bagFactors[lane]` (f32 [32]), and
 * - `pqRows` i16 [·, 32], at the centroid's own place: dot product × `pqFactors[lane]` (f32 [32]),
 * both rounded to nearest even. A null pointer leaves one of them out. `ids` (u16 [count]) names the centroids; null means
 * 0 … count − 1. `lanes` is a multiple of 8; up to the next multiple of 16 lanes beyond are 0, the others are left alone. `scratch`
 * is i32 [4, 8] and i16 [4, dim].
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
  const wideRow = (<usize>dim) << 1;
  for (let i = 0; i < count; i += DOT_VECTORS) {
    const taken = min(DOT_VECTORS, count - i);
    for (let vector = 0; vector < taken; vector++) {
      widen(centroids + idAt(ids, i + vector) * dim, dim, wide + <usize>vector * wideRow);
    }
    for (let lane = 0; lane < lanes; lane += DOT_LANES) {
      const firstLane = <usize>lane;
      dotEight(wide, dim, pairs + (firstLane << 2), scratch);
      const factors = firstLane << 2;
      if (bagRows != 0) {
        const row = bagRows + <usize>i * LANE_ROW_I8 + firstLane;
        writeBagRows(scratch, taken, bagFactors + factors, row);
      }
      if (pqRows == 0) continue;
      writePqRows(scratch, taken, pqFactors + factors, ids, i, pqRows + (firstLane << 1));
    }
    if ((lanes & DOT_LANES) != 0) clearEight(ids, i, taken, lanes, bagRows, pqRows);
  }
}

/** Eight lanes of `taken` rows, one after the other. */
function writeBagRows(dots: usize, taken: i32, factors: usize, row: usize): void {
  const near = v128.load(factors);
  const far = v128.load(factors, 16);
  for (const end = dots + <usize>taken * DOTS_ROW; dots < end; dots += DOTS_ROW, row += LANE_ROW_I8) {
    const eight = scaledEight(dots, near, far);
    v128.store64_lane(row, i8x16.narrow_i16x8_s(eight, eight), 0);
  }
}

/** Eight lanes of `taken` rows, each at its centroid's place. */
function writePqRows(dots: usize, taken: i32, factors: usize, ids: usize, first: i32, rows: usize): void {
  const near = v128.load(factors);
  const far = v128.load(factors, 16);
  for (let i = first; i < first + taken; i++, dots += DOTS_ROW) {
    v128.store(rows + idAt(ids, i) * LANE_ROW_I16, scaledEight(dots, near, far));
  }
}

/** The eight lanes from `lane` of `taken` rows. */
function clearEight(ids: usize, first: i32, taken: i32, lane: i32, bagRows: usize, pqRows: usize): void {
  for (let i = first; i < first + taken; i++) {
    if (bagRows != 0) store<u64>(bagRows + <usize>i * LANE_ROW_I8 + lane, 0);
    if (pqRows != 0) v128.store(pqRows + idAt(ids, i) * LANE_ROW_I16 + ((<usize>lane) << 1), i16x8.splat(0));
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

/** Eight lanes of one centroid, as int16. */
function scaledEight(dots: usize, near: v128, far: v128): v128 {
  return i16x8.narrow_i32x4_s(
    rounded(f32x4.convert_i32x4_s(v128.load(dots)), near),
    rounded(f32x4.convert_i32x4_s(v128.load(dots, 16)), far),
  );
}
