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
 * `vectors` i8 [n, dim] with `scales` f32 [n]; the score is dot product × scale, in units of the lane's query scale. Only the
 * `count` vectors at `positions` (u16, ascending) are scored; a null pointer stands for 0 … `count` − 1. The first of equal
 * vectors wins; without vectors, and beyond `lanes`, every lane is −∞ with vector 0. `scratch` is i32 [2, 16] and i16 [2, dim].
 */
export function exactBest(
  vectors: usize,
  scales: usize,
  positions: usize,
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
  const vectorBytes = (<usize>dim) << 1;
  for (let i = 0; i < count; i += 2) {
    const paired = i + 1 < count;
    const first = positionOf(positions, i);
    const other = paired ? positionOf(positions, i + 1) : first;
    widen(vectors + <usize>first * dim, dim, wide);
    if (paired) widen(vectors + <usize>other * dim, dim, wide + vectorBytes);
    const second = paired ? wide + vectorBytes : wide;
    const firstScale = f32x4.splat(load<f32>(scales + ((<usize>first) << 2)));
    const secondScale = f32x4.splat(load<f32>(scales + ((<usize>other) << 2)));
    const firstId = i32x4.splat(first);
    const secondId = i32x4.splat(other);
    for (let lane: usize = 0; lane < laneEnd; lane += SIXTEEN_LANES_I32) {
      dotSixteen(wide, second, dim, pairs + lane, scratch);
      for (let four: usize = 0; four < SIXTEEN_LANES_I32; four += 16) {
        const firstScores = f32x4.mul(f32x4.convert_i32x4_s(v128.load(scratch + four)), firstScale);
        const secondScores = f32x4.mul(f32x4.convert_i32x4_s(v128.load(scratch + four, 64)), secondScale);
        keepBetter(firstScores, secondScores, firstId, secondId, best + lane + four, winners + lane + four);
      }
    }
  }
}

function positionOf(positions: usize, i: i32): i32 {
  return positions == 0 ? i : <i32>load<u16>(positions + ((<usize>i) << 1));
}

/** Four lanes of two vectors. */
function keepBetter(
  firstScores: v128,
  secondScores: v128,
  firstId: v128,
  secondId: v128,
  best: usize,
  winners: usize,
): void {
  const scores = f32x4.pmax(firstScores, secondScores);
  const previous = v128.load(best);
  const better = f32x4.gt(scores, previous);
  // After the first vectors of a page a better one is rare.
  if (!v128.any_true(better)) return;
  const secondWins = f32x4.gt(secondScores, firstScores);
  const vectors = v128.bitselect(secondId, firstId, secondWins);
  v128.store(best, v128.bitselect(scores, previous, better));
  v128.store(winners, v128.bitselect(vectors, v128.load(winners), better));
}
