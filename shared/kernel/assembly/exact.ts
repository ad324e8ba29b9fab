/**
 * MaxSim over exact int8 vectors, each with its own scale: the last word on the best pages.
 *
 * @module
 */
import { dotTwo } from "./dot";
import { LANE_ROW_I32 } from "./lanes";

/**
 * Per lane the best score over `count` vectors, to `best` (f32 [32]), and which vector has it, to `winners` (i32 [32]).
 *
 * `vectors` i8 [count, dim] with `scales` f32 [count]; the score is dot product × scale, in units of the lane's query scale.
 * The first of equal vectors wins; without vectors every lane is −∞ with vector 0. `dots` is scratch of i32 [2, 32].
 */
export function exactBest(
  vectors: usize,
  scales: usize,
  count: i32,
  dim: i32,
  pairs: usize,
  dots: usize,
  best: usize,
  winners: usize,
): void {
  for (let lane: usize = 0; lane < LANE_ROW_I32; lane += 16) {
    v128.store(best + lane, f32x4.splat(-Infinity));
    v128.store(winners + lane, i32x4.splat(0));
  }
  for (let i = 0; i < count; i += 2) {
    const a = vectors + <usize>i * dim;
    const scale = scales + ((<usize>i) << 2);
    const paired = i + 1 < count;
    dotTwo(a, paired ? a + dim : a, dim, pairs, dots);
    keepBetter(dots, load<f32>(scale), i, best, winners);
    if (!paired) break;
    keepBetter(dots + LANE_ROW_I32, load<f32>(scale, 4), i + 1, best, winners);
  }
}

function keepBetter(dots: usize, scale: f32, vector: i32, best: usize, winners: usize): void {
  const scales = f32x4.splat(scale);
  const vectors = i32x4.splat(vector);
  for (let lane: usize = 0; lane < LANE_ROW_I32; lane += 16) {
    const scores = f32x4.mul(f32x4.convert_i32x4_s(v128.load(dots + lane)), scales);
    const previous = v128.load(best + lane);
    const better = f32x4.gt(scores, previous);
    v128.store(best + lane, v128.bitselect(scores, previous, better));
    v128.store(winners + lane, v128.bitselect(vectors, v128.load(winners + lane), better));
  }
}
