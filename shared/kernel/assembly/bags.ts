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

function bestOfThirtyTwo(id: usize, idEnd: usize, rows: usize): i32 {
  let low = i8x16.splat(-128);
  let high = low;
  for (; id < idEnd; id += 2) {
    const row = rows + <usize>load<u16>(id) * LANE_ROW_I8;
    low = i8x16.max_s(low, v128.load(row));
    high = i8x16.max_s(high, v128.load(row, 16));
  }
  return sumOfBytes(low) + sumOfBytes(high);
}

function bestOfSixteen(id: usize, idEnd: usize, rows: usize): i32 {
  let best = i8x16.splat(-128);
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
