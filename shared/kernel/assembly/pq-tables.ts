/**
 * Query-major lookup tables of product quantisation (Jégou et al. 2011, asymmetric distance): the row of a codeword holds
 * its dot product with the matching piece of all 32 query tokens.
 *
 * @module
 */
import { LANE_ROW_I32, LANE_ROW_I8 } from "./lanes";

const CODEWORDS = 256;

/**
 * The largest |entry| of each lane over all tables, to `maxima` (f32 [32]).
 *
 * `codewords` is f32 [subspaces, 256, width]; `query` is f32 [dim, 32], dimension-major, dim = subspaces · width.
 */
export function pqEntryMaxima(codewords: usize, subspaces: i32, width: i32, query: usize, maxima: usize): void {
  for (let group: usize = 0; group < LANE_ROW_I32; group += 32) {
    let low = f32x4.splat(0);
    let high = low;
    let codeword = codewords;
    let piece = query + group;
    for (let m = 0; m < subspaces; m++) {
      for (let i = 0; i < CODEWORDS; i++) {
        low = f32x4.max(low, f32x4.abs(dotFour(codeword, width, piece)));
        high = f32x4.max(high, f32x4.abs(dotFour(codeword, width, piece + 16)));
        codeword += (<usize>width) << 2;
      }
      piece += <usize>width * LANE_ROW_I32;
    }
    v128.store(maxima + group, low);
    v128.store(maxima + group, high, 16);
  }
}

/**
 * `tables` i8 [subspaces, 256, 32]: entry × `factors[lane]` (f32 [32]), rounded to nearest even.
 *
 * The caller chooses factors so that |entry| ≤ 31: then four entries sum within int8 (see pq-maxsim.ts).
 */
export function pqTables(
  codewords: usize,
  subspaces: i32,
  width: i32,
  query: usize,
  factors: usize,
  tables: usize,
): void {
  for (let half: usize = 0; half < LANE_ROW_I32; half += LANE_ROW_I32 / 2) {
    const f0 = v128.load(factors + half);
    const f1 = v128.load(factors + half, 16);
    const f2 = v128.load(factors + half, 32);
    const f3 = v128.load(factors + half, 48);
    let codeword = codewords;
    let piece = query + half;
    let row = tables + half / 4;
    for (let m = 0; m < subspaces; m++) {
      for (let i = 0; i < CODEWORDS; i++) {
        const low = i16x8.narrow_i32x4_s(
          rounded(dotFour(codeword, width, piece), f0),
          rounded(dotFour(codeword, width, piece + 16), f1),
        );
        const high = i16x8.narrow_i32x4_s(
          rounded(dotFour(codeword, width, piece + 32), f2),
          rounded(dotFour(codeword, width, piece + 48), f3),
        );
        v128.store(row, i8x16.narrow_i16x8_s(low, high));
        codeword += (<usize>width) << 2;
        row += LANE_ROW_I8;
      }
      piece += <usize>width * LANE_ROW_I32;
    }
  }
}

/** Dot products of one codeword with four lanes of the query; products are added in dimension order, as the reference does. */
function dotFour(codeword: usize, width: i32, piece: usize): v128 {
  let sum = f32x4.splat(0);
  for (let d = 0; d < width; d++) {
    sum = f32x4.add(sum, f32x4.mul(v128.load32_splat(codeword + ((<usize>d) << 2)), v128.load(piece)));
    piece += LANE_ROW_I32;
  }
  return sum;
}

function rounded(entries: v128, factors: v128): v128 {
  return i32x4.trunc_sat_f32x4_s(f32x4.nearest(f32x4.mul(entries, factors)));
}
