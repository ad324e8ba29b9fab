/**
 * What centroids give to a query's tokens: by how much each scores above what a page gets that is on none of their lists.
 *
 * @module
 */
import { LANE_ROW_I8 } from "./lanes";

/** Scores are counted by their value: −128 … 127, −128 at place 0. */
const SCORE_VALUES: usize = 256;
const LOWEST: i32 = -128;

/**
 * Turns `count` int8 `rows` [count, 32] into gains, u8 [count, 32]: score − cut-off, 0 below it and beyond `tokens` lanes. A token's
 * cut-off is one below its score of rank `nprobe` (from 0), so that `nprobe` rows at least gain, and others of the same score as the
 * next one; with fewer rows one below its lowest, −1 without any. Scores of −128 count as none.
 *
 * Cut-offs go to `cutoffs` (i32 [32]). `counts` is scratch of u32 [256].
 */
export function probeGains(rows: usize, count: i32, tokens: i32, nprobe: i32, counts: usize, cutoffs: usize): void {
  for (let lane = 0; lane < tokens; lane++) {
    const cutoff = cutoffOf(rows + lane, count, nprobe, counts);
    store<i32>(cutoffs + ((<usize>lane) << 2), cutoff);
  }
  // As unsigned bytes, from −128 on.
  const floors = counts;
  v128.store(floors, i8x16.splat(-1));
  v128.store(floors, i8x16.splat(-1), 16);
  for (let lane = 0; lane < tokens; lane++) {
    store<u8>(floors + lane, <u8>(load<i32>(cutoffs + ((<usize>lane) << 2)) - LOWEST));
  }
  const low = v128.load(floors);
  const high = v128.load(floors, 16);
  const signs = i8x16.splat(-128);
  for (const end = rows + <usize>count * LANE_ROW_I8; rows < end; rows += LANE_ROW_I8) {
    v128.store(rows, i8x16.sub_sat_u(v128.xor(v128.load(rows), signs), low));
    v128.store(rows, i8x16.sub_sat_u(v128.xor(v128.load(rows, 16), signs), high), 16);
  }
}

/** Of the lane whose first score is at `score`. */
function cutoffOf(score: usize, count: i32, nprobe: i32, counts: usize): i32 {
  memory.fill(counts, 0, SCORE_VALUES << 2);
  for (const end = score + <usize>count * LANE_ROW_I8; score < end; score += LANE_ROW_I8) {
    const place = counts + ((<usize>(<i32>load<i8>(score) - LOWEST)) << 2);
    store<u32>(place, load<u32>(place) + 1);
  }
  let cutoff = -1;
  let above = 0;
  for (let value = <i32>SCORE_VALUES - 1; value > 0; value--) {
    const held = load<u32>(counts + ((<usize>value) << 2));
    if (held == 0) continue;
    above += held;
    cutoff = value + LOWEST - 1;
    if (above > nprobe) break;
  }
  return cutoff;
}
