/**
 * Which vectors of a page come near the best of some query token by their codes: those whose exact vectors are looked at.
 *
 * @module
 */
import { LANE_ROW_I16 } from "./lanes";
import { biasOf } from "./pq-maxsim";

/**
 * `masks` u32 [count]: of every vector the lanes, a bit each, in which it scores at least `floors` i16 [32]. A floor of 32,767
 * keeps a lane out. `scores` are those that {@link pqMax} stored.
 */
export function pqContenders(scores: usize, count: i32, subspaces: i32, lanes: i32, floors: usize, masks: usize): void {
  const bias = biasOf(subspaces);
  const f0 = i16x8.add_sat_s(v128.load(floors), bias);
  const f1 = i16x8.add_sat_s(v128.load(floors, 16), bias);
  const end = masks + ((<usize>count) << 2);
  if (lanes <= 16) {
    for (; masks < end; masks += 4, scores += LANE_ROW_I16 / 2) {
      store<u32>(masks, lanesAbove(i16x8.ge_s(v128.load(scores), f0), i16x8.ge_s(v128.load(scores, 16), f1)));
    }
    return;
  }
  const f2 = i16x8.add_sat_s(v128.load(floors, 32), bias);
  const f3 = i16x8.add_sat_s(v128.load(floors, 48), bias);
  for (; masks < end; masks += 4, scores += LANE_ROW_I16) {
    const first = lanesAbove(i16x8.ge_s(v128.load(scores), f0), i16x8.ge_s(v128.load(scores, 16), f1));
    const second = lanesAbove(i16x8.ge_s(v128.load(scores, 32), f2), i16x8.ge_s(v128.load(scores, 48), f3));
    store<u32>(masks, first | (second << 16));
  }
}

/** A bit for every lane of two comparisons of eight. */
function lanesAbove(low: v128, high: v128): u32 {
  return <u32>i8x16.bitmask(i8x16.narrow_i16x8_s(low, high));
}
