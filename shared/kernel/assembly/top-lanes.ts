/**
 * The best rows of every lane: which cells, and which centroids inside them, a query token looks up.
 *
 * @module
 */
import { LANE_ROW_I8 } from "./lanes";

/**
 * Merges `count` int8 rows [count, 32], of the ids `firstId` …, into the lists of the first `tokens` lanes: `scores` i8
 * [32, limit] and `ids` u16 [32, limit], best first. Of equal scores the one merged earlier comes first. `last` i8 [32] holds
 * every lane's lowest score. Before the first call scores and `last` are −128, the mark of an empty place: a row of −128
 * enters no list.
 */
export function keepBestRows(
  rows: usize,
  firstId: i32,
  count: i32,
  tokens: i32,
  limit: i32,
  scores: usize,
  ids: usize,
  last: usize,
): void {
  const wanted: u32 = tokens < 32 ? (1 << tokens) - 1 : 0xffff_ffff;
  for (let i = 0; i < count; i++) {
    const low = i8x16.bitmask(i8x16.gt_s(v128.load(rows), v128.load(last)));
    const high = i8x16.bitmask(i8x16.gt_s(v128.load(rows, 16), v128.load(last, 16)));
    let better = (((<u32>high) << 16) | <u32>low) & wanted;
    while (better != 0) {
      const lane = ctz(better);
      better &= better - 1;
      const list = lane * limit;
      insertRow(load<i8>(rows + lane), firstId + i, limit, scores + list, ids + ((<usize>list) << 1));
      store<i8>(last + lane, load<i8>(scores + list + limit - 1));
    }
    rows += LANE_ROW_I8;
  }
}

function insertRow(score: i8, id: i32, limit: i32, scores: usize, ids: usize): void {
  let place = <usize>(limit - 1);
  for (; place > 0 && load<i8>(scores + place - 1) < score; place--) {
    store<i8>(scores + place, load<i8>(scores + place - 1));
    store<u16>(ids + (place << 1), load<u16>(ids + ((place - 1) << 1)));
  }
  store<i8>(scores + place, score);
  store<u16>(ids + (place << 1), <u16>id);
}
