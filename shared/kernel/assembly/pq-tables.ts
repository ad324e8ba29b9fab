/**
 * Query-major lookup tables of product quantisation (Jégou et al. 2011, asymmetric distance): the row of a codeword holds
 * its dot product with the matching piece of all 32 query tokens.
 *
 * From floats: for the codebooks that do not take codewords of 7 bits (short-entries.ts).
 *
 * Eight lanes at a time, the products are kept as floats until the largest of them is known: that takes as much again as the
 * tables, and four fifths of the time of computing them twice.
 *
 * @module
 */
import { LANE_ROW_I32, LANE_ROW_I8 } from "./lanes";
import { ENTRY_BIAS } from "./pq-maxsim";
import { multiplyAdd, rounded } from "./rounding";

const CODEWORDS = 256;
/** Codewords at a time, and lanes: eight sums stay in registers (x64 has sixteen). */
const FOUR_CODEWORDS: i32 = 4;
const EIGHT_LANES_F32: usize = 32;

/**
 * `entries` f32 [subspaces, 256, 8]: the dot product of every codeword with the matching piece of eight lanes; and the largest
 * |entry| of each lane to `maxima` (f32 [8]).
 *
 * `codewords` is f32 [subspaces, 256, width]; `query` points at the first of the lanes in f32 [dim, 32], dimension-major, dim =
 * subspaces · width.
 */
export function pqEntries(
  codewords: usize,
  subspaces: i32,
  width: i32,
  query: usize,
  entries: usize,
  maxima: usize,
): void {
  v128.store(maxima, f32x4.splat(0));
  v128.store(maxima, f32x4.splat(0), 16);
  const codewordBytes = (<usize>width) << 2;
  for (let m = 0; m < subspaces; m++) {
    entriesOfEight(codewords, codewordBytes, query, entries, maxima);
    codewords += CODEWORDS * codewordBytes;
    entries += CODEWORDS * EIGHT_LANES_F32;
    query += <usize>width * LANE_ROW_I32;
  }
}

/**
 * One subspace, eight lanes. A load of the query serves four codewords. Products are added in dimension order, as the reference
 * does; the relaxed build may round them once less.
 */
function entriesOfEight(codewords: usize, codewordBytes: usize, query: usize, entries: usize, maxima: usize): void {
  let near = v128.load(maxima);
  let far = v128.load(maxima, 16);
  for (let i = 0; i < CODEWORDS; i += FOUR_CODEWORDS) {
    let a0 = f32x4.splat(0);
    let a1 = a0;
    let b0 = a0;
    let b1 = a0;
    let c0 = a0;
    let c1 = a0;
    let d0 = a0;
    let d1 = a0;
    let a = codewords;
    let b = a + codewordBytes;
    let c = b + codewordBytes;
    let d = c + codewordBytes;
    let piece = query;
    for (const end = b; a < end; a += 4, b += 4, c += 4, d += 4, piece += LANE_ROW_I32) {
      const q = v128.load(piece);
      const r = v128.load(piece, 16);
      let x = v128.load32_splat(a);
      a0 = multiplyAdd(a0, x, q);
      a1 = multiplyAdd(a1, x, r);
      x = v128.load32_splat(b);
      b0 = multiplyAdd(b0, x, q);
      b1 = multiplyAdd(b1, x, r);
      x = v128.load32_splat(c);
      c0 = multiplyAdd(c0, x, q);
      c1 = multiplyAdd(c1, x, r);
      x = v128.load32_splat(d);
      d0 = multiplyAdd(d0, x, q);
      d1 = multiplyAdd(d1, x, r);
    }
    codewords = d;
    near = f32x4.pmax(near, largest(a0, b0, c0, d0));
    far = f32x4.pmax(far, largest(a1, b1, c1, d1));
    v128.store(entries, a0);
    v128.store(entries, a1, 16);
    v128.store(entries, b0, 32);
    v128.store(entries, b1, 48);
    v128.store(entries, c0, 64);
    v128.store(entries, c1, 80);
    v128.store(entries, d0, 96);
    v128.store(entries, d1, 112);
    entries += FOUR_CODEWORDS * EIGHT_LANES_F32;
  }
  v128.store(maxima, near);
  v128.store(maxima, far, 16);
}

function largest(a: v128, b: v128, c: v128, d: v128): v128 {
  return f32x4.pmax(f32x4.pmax(f32x4.abs(a), f32x4.abs(b)), f32x4.pmax(f32x4.abs(c), f32x4.abs(d)));
}

/**
 * `tables` u8 [rows, 2, 8, 2], a row a codeword: entry × `factors[lane]`, rounded to nearest even, plus {@link ENTRY_BIAS}. The byte
 * pairs of a row are lanes 0 and 8, 1 and 9, … 7 and 15, then 16 and 24, …: see pq-maxsim.ts for what that saves.
 *
 * Writes one group of eight lanes, 0 to 3, from its `entries` of {@link pqEntries}, with its `factors` (f32 [8]). Groups 0 and 2 also
 * make the lanes of the group after them 0: that group comes later, or has no token.
 *
 * The caller chooses factors so that |entry| ≤ 15: then eight biased entries sum within a byte.
 */
export function pqTables(entries: usize, rows: i32, group: i32, factors: usize, tables: usize): void {
  const end = entries + <usize>rows * EIGHT_LANES_F32;
  let row = tables + <usize>(group >> 1) * (LANE_ROW_I8 / 2);
  if ((group & 1) == 0) {
    for (const zeros = i16x8.splat(ENTRY_BIAS << 8); entries < end; entries += EIGHT_LANES_F32, row += LANE_ROW_I8) {
      v128.store(row, i16x8.add(eightEntries(entries, factors), zeros));
    }
    return;
  }
  for (const low = i16x8.splat(0xff); entries < end; entries += EIGHT_LANES_F32, row += LANE_ROW_I8) {
    const high = i16x8.shl(eightEntries(entries, factors), 8);
    v128.store(row, v128.or(v128.and(v128.load(row), low), high));
  }
}

/** Eight biased entries, as i16. */
function eightEntries(entries: usize, factors: usize): v128 {
  const near = rounded(v128.load(entries), v128.load(factors));
  const far = rounded(v128.load(entries, 16), v128.load(factors, 16));
  return i16x8.add(i16x8.narrow_i32x4_s(near, far), i16x8.splat(ENTRY_BIAS));
}
