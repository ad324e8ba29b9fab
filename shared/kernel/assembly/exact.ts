/**
 * MaxSim over exact int8 vectors, each with its own scale: the last word on the best pages.
 *
 * @module
 */
import { DOT_LANES, DOT_VECTORS, DOTS_BYTES, dotEight, widen } from "./dot";
import { LANE_ROW_I32 } from "./lanes";

/**
 * Per lane the best score over `count` vectors, to `best` (f32 [32]), and which vector has it, to `winners` (i32 [32]).
 *
 * `vectors` i8 [n, dim] with `scales` f32 [n]; the score is dot product × scale, in units of the lane's query scale. Only the
 * `count` vectors at `positions` (u16, ascending) are scored; a null pointer stands for 0 … `count` − 1. The first of equal
 * vectors wins; without vectors, and beyond `lanes`, every lane is −∞ with vector 0. `lanes` is a
 * multiple of 8; `scratch` is i32 [4, 8] and i16 [4, dim].
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
  const wideRow = (<usize>dim) << 1;
  for (let i = 0; i < count; i += DOT_VECTORS) {
    // The last vector stands in for those that the last four lack: an equal score changes nothing.
    const last = count - 1;
    const a = positionOf(positions, i);
    const b = positionOf(positions, min(i + 1, last));
    const c = positionOf(positions, min(i + 2, last));
    const d = positionOf(positions, min(i + 3, last));
    widen(vectors + <usize>a * dim, dim, wide);
    widen(vectors + <usize>b * dim, dim, wide + wideRow);
    widen(vectors + <usize>c * dim, dim, wide + 2 * wideRow);
    widen(vectors + <usize>d * dim, dim, wide + 3 * wideRow);
    for (let lane = 0; lane < lanes; lane += DOT_LANES) {
      const offset = (<usize>lane) << 2;
      dotEight(wide, dim, pairs + offset, scratch);
      for (let four: usize = 0; four < 32; four += 16) {
        keepBetter(scratch + four, scales, a, b, c, d, best + offset + four, winners + offset + four);
      }
    }
  }
}

/**
 * As {@link exactBest}, but of vector i only the lanes of `masks` (u32 [count]) bit by bit: a vector that one token may be best
 * for is not scored for the others. `rows` is i16 [32, dim], the query's vectors. Lanes that no mask has are −∞ with vector 0.
 *
 * A score takes dim / 8 multiplications with one chain of additions a half: 12 ns at 128 dimensions (Zen 4), where 32 lanes at
 * once take 100.
 */
export function exactContenders(
  vectors: usize,
  scales: usize,
  masks: usize,
  count: i32,
  dim: i32,
  rows: usize,
  best: usize,
  winners: usize,
): void {
  for (let lane: usize = 0; lane < LANE_ROW_I32; lane += 16) {
    v128.store(best + lane, f32x4.splat(-Infinity));
    v128.store(winners + lane, i32x4.splat(0));
  }
  const rowBytes = (<usize>dim) << 1;
  for (let i = 0; i < count; i++) {
    let mask = load<u32>(masks + ((<usize>i) << 2));
    const scale = load<f32>(scales + ((<usize>i) << 2));
    for (; mask != 0; mask &= mask - 1) {
      const lane = <usize>ctz(mask);
      const score = <f32>dotOfRow(vectors, rows + lane * rowBytes, dim) * scale;
      const place = best + (lane << 2);
      if (score <= load<f32>(place)) continue;
      store<f32>(place, score);
      store<i32>(winners + (lane << 2), i);
    }
    vectors += dim;
  }
}

/** Inner product of i8 [dim] with i16 [dim]. */
function dotOfRow(vector: usize, row: usize, dim: i32): i32 {
  let near = i32x4.splat(0);
  let far = near;
  for (const end = vector + dim; vector < end; vector += 16, row += 32) {
    near = i32x4.add(near, i32x4.dot_i16x8_s(v128.load_ext<i8>(vector), v128.load(row)));
    far = i32x4.add(far, i32x4.dot_i16x8_s(v128.load_ext<i8>(vector, 8), v128.load(row, 16)));
  }
  const four = i32x4.add(near, far);
  const two = i32x4.add(four, i32x4.shuffle(four, four, 2, 3, 0, 1));
  return i32x4.extract_lane(two, 0) + i32x4.extract_lane(two, 1);
}

function positionOf(positions: usize, i: i32): i32 {
  return positions == 0 ? i : <i32>load<u16>(positions + ((<usize>i) << 1));
}

/** Four lanes of four vectors, whose products lie 32 bytes apart. */
function keepBetter(dots: usize, scales: usize, a: i32, b: i32, c: i32, d: i32, best: usize, winners: usize): void {
  const ofA = scoresOf(dots, scales, a);
  const ofB = scoresOf(dots + 32, scales, b);
  const ofC = scoresOf(dots + 64, scales, c);
  const ofD = scoresOf(dots + 96, scales, d);
  const ofTwo = f32x4.pmax(ofA, ofB);
  const ofThree = f32x4.pmax(ofTwo, ofC);
  const scores = f32x4.pmax(ofThree, ofD);
  const previous = v128.load(best);
  const better = f32x4.gt(scores, previous);
  // After the first vectors of a page a better one is rare.
  if (!v128.any_true(better)) return;
  let vectors = v128.bitselect(i32x4.splat(b), i32x4.splat(a), f32x4.gt(ofB, ofA));
  vectors = v128.bitselect(i32x4.splat(c), vectors, f32x4.gt(ofC, ofTwo));
  vectors = v128.bitselect(i32x4.splat(d), vectors, f32x4.gt(ofD, ofThree));
  v128.store(best, v128.bitselect(scores, previous, better));
  v128.store(winners, v128.bitselect(vectors, v128.load(winners), better));
}

function scoresOf(dots: usize, scales: usize, vector: i32): v128 {
  const scale = f32x4.splat(load<f32>(scales + ((<usize>vector) << 2)));
  return f32x4.mul(f32x4.convert_i32x4_s(v128.load(dots)), scale);
}
