/**
 * Centroids against every query token, once per query: what bag scans, probing and PQ MaxSim look up.
 *
 * @module
 */
import { DOT_LANES, DOT_VECTORS, DOTS_BYTES, DOTS_ROW, dotEight, widen } from "./dot";
import { LANE_ROW_I16, LANE_ROW_I8 } from "./lanes";
import { rounded } from "./rounding";
import { shortDotEight } from "./short-dot";

/**
 * For `count` of the int8 `centroids` [·, dim] and the `query` of a block writes
 * - `bagRows` i8 [count, 32], in the order asked for: dot product × `bagFactors[lane]` (f32 [32]), and
 * - `pqRows` i16 [·, 32], at the centroid's own place: dot product × `pqFactors[lane]` (f32 [32]),
 * both rounded to nearest even. A null pointer leaves one of them out. `ids` (u16 [count]) names the centroids; null means
 * 0 … count − 1. The query is in 7 bits, with `starts` (i16 [·]) of the centroids (short-dot.ts); with a null pointer for them in 16 bits
 * (dot.ts). `lanes` is a multiple of 8; up to the next multiple of 16 lanes beyond are 0, the others are left alone. `scratch`
 * is i32 [4, 8] and i16 [4, dim].
 */
export function centroidRows(
  centroids: usize,
  starts: usize,
  ids: usize,
  count: i32,
  dim: i32,
  lanes: i32,
  query: usize,
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
    // The last centroid stands in for those that the last four lack: their products are not used.
    const last = i + taken - 1;
    const a = idAt(ids, i);
    const b = idAt(ids, min(i + 1, last));
    const c = idAt(ids, min(i + 2, last));
    const d = idAt(ids, min(i + 3, last));
    if (starts == 0) {
      widen(centroids + a * dim, dim, wide);
      widen(centroids + b * dim, dim, wide + wideRow);
      widen(centroids + c * dim, dim, wide + 2 * wideRow);
      widen(centroids + d * dim, dim, wide + 3 * wideRow);
    }
    for (let lane = 0; lane < lanes; lane += DOT_LANES) {
      const firstLane = <usize>lane;
      const lanesOfQuery = query + (firstLane << 2);
      if (starts == 0) {
        dotEight(wide, dim, lanesOfQuery, scratch);
      } else {
        shortDotEight(
          centroids + a * dim,
          centroids + b * dim,
          centroids + c * dim,
          centroids + d * dim,
          dim,
          lanesOfQuery,
          startAt(starts, a),
          startAt(starts, b),
          startAt(starts, c),
          startAt(starts, d),
          scratch,
        );
      }
      const factors = firstLane << 2;
      const bag = bagRows == 0 ? 0 : bagRows + <usize>i * LANE_ROW_I8 + firstLane;
      const pq = pqRows == 0 ? 0 : pqRows + (firstLane << 1);
      writeEight(scratch, taken, bagFactors + factors, pqFactors + factors, ids, i, bag, pq);
    }
    if ((lanes & DOT_LANES) != 0) clearEight(ids, i, taken, lanes, bagRows, pqRows);
  }
}

/** Eight lanes of `taken` rows of either kind. */
function writeEight(
  dots: usize,
  taken: i32,
  bagFactors: usize,
  pqFactors: usize,
  ids: usize,
  first: i32,
  bagRow: usize,
  pqRows: usize,
): void {
  const bagNear = v128.load(bagFactors);
  const bagFar = v128.load(bagFactors, 16);
  const pqNear = v128.load(pqFactors);
  const pqFar = v128.load(pqFactors, 16);
  for (let i = first; i < first + taken; i++, dots += DOTS_ROW) {
    const near = f32x4.convert_i32x4_s(v128.load(dots));
    const far = f32x4.convert_i32x4_s(v128.load(dots, 16));
    if (bagRow != 0) {
      const eight = i16x8.narrow_i32x4_s(rounded(near, bagNear), rounded(far, bagFar));
      v128.store64_lane(bagRow, i8x16.narrow_i16x8_s(eight, eight), 0);
      bagRow += LANE_ROW_I8;
    }
    if (pqRows == 0) continue;
    const eight = i16x8.narrow_i32x4_s(rounded(near, pqNear), rounded(far, pqFar));
    v128.store(pqRows + idAt(ids, i) * LANE_ROW_I16, eight);
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

function startAt(starts: usize, id: usize): i32 {
  return <i32>load<i16>(starts + (id << 1));
}
