/**
 * Query vectors as the kernels take them: blocks of 32 tokens, each token rounded to int16 with its own scale.
 *
 * Kernels multiply in 16 bits whatever the operands were, so rounding queries to 12 bits and a sign instead of 7 costs
 * nothing and leaves the stored side's int8 as the only coarse rounding.
 *
 * @module
 */

/** Query tokens a kernel scores at once. */
export const LANES = 32;

/** PQ and bag kernels work in groups of this many lanes, and skip the second group of a block that has no token there. */
export const LANE_GROUP = 16;

/** Those that multiply vectors, in groups of this many. */
export const DOT_LANE_GROUP = 8;

/** |row value| of a query. At 1,024 dims of int8 vectors sums stay under 2^30. */
export const QUERY_ROW_MAX = 4095;

/** Shorter query vectors count as zero: their direction is noise, and their scales would leave float32. */
const MIN_NORM = 1e-6;

/** Up to 32 query tokens. Lanes beyond `tokenCount` are zero and add nothing to a score. */
export interface QueryBlock {
  /** Position of the first token in the query. */
  firstToken: number;
  tokenCount: number;
  dim: number;
  /** `[32, dim]`. */
  values: Float32Array;
  /** `[32, dim]`; the token is `rows · scales[lane]`. */
  rows: Int16Array;
  /** `[32]`. */
  scales: Float32Array;
  /** `[32]` lengths of the vectors. */
  norms: Float32Array;
}

/** Lanes that the kernels have to compute for `block`: 16 or 32. Those beyond hold no token. */
export function activeLanes(block: QueryBlock): number {
  return Math.ceil(block.tokenCount / LANE_GROUP) * LANE_GROUP;
}

/** The same for kernels that multiply vectors: 8, 16, 24 or 32. */
export function multipliedLanes(block: QueryBlock): number {
  return Math.ceil(block.tokenCount / DOT_LANE_GROUP) * DOT_LANE_GROUP;
}

/** Splits `vectors` `[tokenCount, dim]` into blocks of {@link LANES} tokens. */
export function toQueryBlocks(vectors: Float32Array, tokenCount: number, dim: number): QueryBlock[] {
  const blocks: QueryBlock[] = [];
  for (let first = 0; first < tokenCount; first += LANES) {
    const count = Math.min(LANES, tokenCount - first);
    blocks.push(toQueryBlock(vectors.subarray(first * dim, (first + count) * dim), first, count, dim));
  }
  return blocks;
}

function toQueryBlock(vectors: Float32Array, firstToken: number, tokenCount: number, dim: number): QueryBlock {
  const values = new Float32Array(LANES * dim);
  const rows = new Int16Array(LANES * dim);
  const scales = new Float32Array(LANES);
  const norms = new Float32Array(LANES);
  for (let lane = 0; lane < tokenCount; lane++) {
    const start = lane * dim;
    let squares = 0;
    let largest = 0;
    for (let d = start; d < start + dim; d++) {
      const value = vectors[d] ?? 0;
      squares += value * value;
      largest = Math.max(largest, Math.abs(value));
    }
    const norm = Math.sqrt(squares);
    if (norm < MIN_NORM) continue;
    const scale = Math.fround(largest / QUERY_ROW_MAX);
    norms[lane] = norm;
    scales[lane] = scale;
    for (let d = start; d < start + dim; d++) {
      const value = vectors[d] ?? 0;
      values[d] = value;
      // `Math.round`, which V8 does not compile to one instruction.
      rows[d] = Math.floor(value / scale + 0.5);
    }
  }
  return { firstToken, tokenCount, dim, values, rows, scales, norms };
}
