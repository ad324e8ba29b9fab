/**
 * MaxSim over exact int8 vectors, each with its own scale: the last word on the best pages.
 *
 * @module
 */
import { DOTS_BYTES, dotSixteen, widen } from "./dot";
import { LANE_ROW_I32, SIXTEEN_LANES_I32 } from "./lanes";

/**
 * Per lane the best score over `count` vectors, to `best` (f32 [32]), and which vector has it, to `winners` (i32 [32]).
 *
 * `vectors` i8 [count, dim] with `scales` f32 [count]; the score is dot product × scale, in units of the lane's query scale.
 * The first of equal vectors wins; without vectors, and beyond `lanes`, every lane is −∞ with vector 0. `scratch` is
 * i32 [2, 16] and i16 [2, dim].
 */
export function exactBest(
  vectors: usize,
  scales: usize,
  count: i32,
  dim: i32,
  lanes: i32,
  pairs: usize,
  scratch: usize,
  best: usize,
  winners: usize,
): void {
  for (let lane: usize = 0; lane < LANE_ROW_I32; lane += 16) {
    v128.store(best + lane, f32x4.splat(-Infinity));
    v128.store(winners + lane, i32x4.splat(0));
  }
  const wide = scratch + DOTS_BYTES;
  const laneEnd = (<usize>lanes) << 2;
  for (let i = 0; i < count; i += 2) {
    const paired = i + 1 < count;
    widen(vectors + <usize>i * dim, paired ? 2 * dim : dim, wide);
    const second = paired ? wide + ((<usize>dim) << 1) : wide;
    const scale = scales + ((<usize>i) << 2);
    const firstScale = f32x4.splat(load<f32>(scale));
    const secondScale = paired ? f32x4.splat(load<f32>(scale, 4)) : firstScale;
    for (let lane: usize = 0; lane < laneEnd; lane += SIXTEEN_LANES_I32) {
      dotSixteen(wide, second, dim, pairs + lane, scratch);
      keepBetter(scratch, firstScale, secondScale, i, best + lane, winners + lane);
      keepBetter(scratch + 16, firstScale, secondScale, i, best + lane + 16, winners + lane + 16);
      keepBetter(scratch + 32, firstScale, secondScale, i, best + lane + 32, winners + lane + 32);
      keepBetter(scratch + 48, firstScale, secondScale, i, best + lane + 48, winners + lane + 48);
    }
  }
}

/** Four lanes of two vectors, `first` and the next. */
function keepBetter(dots: usize, firstScale: v128, secondScale: v128, first: i32, best: usize, winners: usize): void {
  const firstScores = f32x4.mul(f32x4.convert_i32x4_s(v128.load(dots)), firstScale);
  const secondScores = f32x4.mul(f32x4.convert_i32x4_s(v128.load(dots, 64)), secondScale);
  const scores = f32x4.pmax(firstScores, secondScores);
  const previous = v128.load(best);
  const better = f32x4.gt(scores, previous);
  // After the first vectors of a page a better one is rare.
  if (!v128.any_true(better)) return;
  const secondWins = f32x4.gt(secondScores, firstScores);
  const vectors = v128.bitselect(i32x4.splat(first + 1), i32x4.splat(first), secondWins);
  v128.store(best, v128.bitselect(scores, previous, better));
  v128.store(winners, v128.bitselect(vectors, v128.load(winners), better));
}

/**
 * Every token with vectors of its own: for each of `tokens` query rows (i16 [tokens, dim]) the best of its `depth` vectors (i8
 * [tokens, depth, dim] with `scales` f32 [tokens, depth]), to `best` (f32 [tokens]), and which of them it is, to `places` (i32
 * [tokens]). Scores and ties as in {@link exactBest}. No query row meets two vectors here, so sums run across lanes.
 */
export function exactWinners(
  vectors: usize,
  scales: usize,
  dim: i32,
  rows: usize,
  tokens: i32,
  depth: i32,
  best: usize,
  places: usize,
): void {
  for (let token = 0; token < tokens; token++) {
    let highest: f32 = -Infinity;
    let winner = 0;
    for (let place = 0; place < depth; place++) {
      const score = <f32>dot(vectors, rows, dim) * load<f32>(scales);
      vectors += dim;
      scales += 4;
      if (score <= highest) continue;
      highest = score;
      winner = place;
    }
    rows += (<usize>dim) << 1;
    const at = (<usize>token) << 2;
    store<f32>(best + at, highest);
    store<i32>(places + at, winner);
  }
}

/** Of an int8 vector and an int16 row. */
function dot(vector: usize, row: usize, dim: i32): i32 {
  let low = i32x4.splat(0);
  let high = low;
  for (const end = vector + dim; vector < end; vector += 16, row += 32) {
    low = i32x4.add(low, i32x4.dot_i16x8_s(v128.load_ext<i8>(vector), v128.load(row)));
    high = i32x4.add(high, i32x4.dot_i16x8_s(v128.load_ext<i8>(vector, 8), v128.load(row, 16)));
  }
  const sums = i32x4.add(low, high);
  return (
    i32x4.extract_lane(sums, 0) +
    i32x4.extract_lane(sums, 1) +
    i32x4.extract_lane(sums, 2) +
    i32x4.extract_lane(sums, 3)
  );
}
