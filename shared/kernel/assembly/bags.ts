/**
 * Centroid interaction: the score of a page from its bag of centroids alone.
 *
 * @module
 */
import { LANE_ROW_I8 } from "./lanes";

/**
 * Adds to `scores[p]` (i32), for every page of `first` … `end` whose `selected[p]` byte is not 0 and whose bag is not
 * empty, the sum over `lanes` (16 or 32) of the largest `rows[centroid][lane]` (i8) over the page's centroids.
 *
 * `offsets` is u32 [pages + 1] into `ids` (u16). Adding lets queries of more than 32 tokens go block by block.
 */
export function scanBags(
  offsets: usize,
  ids: usize,
  selected: usize,
  first: i32,
  end: i32,
  lanes: i32,
  rows: usize,
  scores: usize,
): void {
  for (let page = first; page < end; page++) {
    if (load<u8>(selected + page) == 0) continue;
    const slot = offsets + ((<usize>page) << 2);
    let id = ids + ((<usize>load<u32>(slot)) << 1);
    const idEnd = ids + ((<usize>load<u32>(slot, 4)) << 1);
    if (id >= idEnd) continue;
    const best = lanes > 16 ? bestOfThirtyTwo(id, idEnd, rows) : bestOfSixteen(id, idEnd, rows);
    const total = scores + ((<usize>page) << 2);
    store<i32>(total, load<i32>(total) + best);
  }
}

/**
 * Four rows at a time: .5 ns a centroid instead of .62 on Cranfield, whose table of 4,096 fits the second cache level (Zen 4); at 16,384 the
 * table's way to the core takes .75 ns either way.
 */
function bestOfThirtyTwo(id: usize, idEnd: usize, rows: usize): i32 {
  let low = i8x16.splat(-128);
  let high = low;
  for (; id + 8 <= idEnd; id += 8) {
    const a = rows + <usize>load<u16>(id) * LANE_ROW_I8;
    const b = rows + <usize>load<u16>(id, 2) * LANE_ROW_I8;
    const c = rows + <usize>load<u16>(id, 4) * LANE_ROW_I8;
    const d = rows + <usize>load<u16>(id, 6) * LANE_ROW_I8;
    const lows = i8x16.max_s(i8x16.max_s(v128.load(a), v128.load(b)), i8x16.max_s(v128.load(c), v128.load(d)));
    const highs = i8x16.max_s(
      i8x16.max_s(v128.load(a, 16), v128.load(b, 16)),
      i8x16.max_s(v128.load(c, 16), v128.load(d, 16)),
    );
    low = i8x16.max_s(low, lows);
    high = i8x16.max_s(high, highs);
  }
  for (; id < idEnd; id += 2) {
    const row = rows + <usize>load<u16>(id) * LANE_ROW_I8;
    low = i8x16.max_s(low, v128.load(row));
    high = i8x16.max_s(high, v128.load(row, 16));
  }
  return sumOfBytes(low) + sumOfBytes(high);
}

function bestOfSixteen(id: usize, idEnd: usize, rows: usize): i32 {
  let best = i8x16.splat(-128);
  for (; id + 8 <= idEnd; id += 8) {
    const a = v128.load(rows + <usize>load<u16>(id) * LANE_ROW_I8);
    const b = v128.load(rows + <usize>load<u16>(id, 2) * LANE_ROW_I8);
    const c = v128.load(rows + <usize>load<u16>(id, 4) * LANE_ROW_I8);
    const d = v128.load(rows + <usize>load<u16>(id, 6) * LANE_ROW_I8);
    best = i8x16.max_s(best, i8x16.max_s(i8x16.max_s(a, b), i8x16.max_s(c, d)));
  }
  for (; id < idEnd; id += 2) best = i8x16.max_s(best, v128.load(rows + <usize>load<u16>(id) * LANE_ROW_I8));
  return sumOfBytes(best);
}

function sumOfBytes(bytes: v128): i32 {
  const sums = i32x4.extadd_pairwise_i16x8_s(i16x8.extadd_pairwise_i8x16_s(bytes));
  return (
    i32x4.extract_lane(sums, 0) +
    i32x4.extract_lane(sums, 1) +
    i32x4.extract_lane(sums, 2) +
    i32x4.extract_lane(sums, 3)
  );
}
