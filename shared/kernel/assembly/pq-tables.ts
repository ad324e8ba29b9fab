/**
 * Query-major lookup tables of product quantisation (Jégou et al. 2011, asymmetric distance): the row of a codeword holds
 * its dot product with the matching piece of all 32 query tokens.
 *
 * The products are computed twice, for the maxima and for the tables, since keeping them would take four times the tables.
 *
 * @module
 */
import { LANE_ROW_I32, LANE_ROW_I8, SIXTEEN_LANES_I32 } from "./lanes";
import { ENTRY_BIAS } from "./pq-maxsim";
import { multiplyAdd, rounded } from "./rounding";

const CODEWORDS = 256;

/**
 * The largest |entry| of each lane over all tables, to `maxima` (f32 [32]); 0 beyond `lanes`.
 *
 * `codewords` is f32 [subspaces, 256, width]; `query` is f32 [dim, 32], dimension-major, dim = subspaces · width.
 * `entries` is scratch of f32 [2, 16].
 */
export function pqEntryMaxima(
  codewords: usize,
  subspaces: i32,
  width: i32,
  lanes: i32,
  query: usize,
  entries: usize,
  maxima: usize,
): void {
  for (let lane: usize = 0; lane < LANE_ROW_I32; lane += 16) v128.store(maxima + lane, f32x4.splat(0));
  const codewordBytes = (<usize>width) << 2;
  const laneEnd = (<usize>lanes) << 2;
  for (let m = 0; m < subspaces; m++) {
    for (let i = 0; i < CODEWORDS; i += 2) {
      for (let lane: usize = 0; lane < laneEnd; lane += SIXTEEN_LANES_I32) {
        entriesOfTwo(codewords, codewordBytes, query + lane, entries);
        keepLarger(entries, maxima + lane);
        keepLarger(entries + 16, maxima + lane + 16);
        keepLarger(entries + 32, maxima + lane + 32);
        keepLarger(entries + 48, maxima + lane + 48);
      }
      codewords += 2 * codewordBytes;
    }
    query += <usize>width * LANE_ROW_I32;
  }
}

/**
 * `tables` u8 [subspaces, 256, 2, 8, 2]: entry × `factors[lane]` (f32 [32]), rounded to nearest even, plus {@link ENTRY_BIAS}.
 * The byte pairs of a row are lanes 0 and 8, 1 and 9, … 7 and 15, then 16 and 24, …: see pq-maxsim.ts for what that saves.
 *
 * The caller chooses factors so that |entry| ≤ 31: then four biased entries sum within a byte. `codewords`, `query` and
 * `entries` as for {@link pqEntryMaxima}.
 */
export function pqTables(
  codewords: usize,
  subspaces: i32,
  width: i32,
  lanes: i32,
  query: usize,
  entries: usize,
  factors: usize,
  tables: usize,
): void {
  const codewordBytes = (<usize>width) << 2;
  const laneEnd = (<usize>lanes) << 2;
  for (let m = 0; m < subspaces; m++) {
    for (let i = 0; i < CODEWORDS; i += 2) {
      for (let lane: usize = 0; lane < laneEnd; lane += SIXTEEN_LANES_I32) {
        entriesOfTwo(codewords, codewordBytes, query + lane, entries);
        const row = tables + lane / 4;
        v128.store(row, entryRow(entries, factors + lane));
        v128.store(row, entryRow(entries + 64, factors + lane), LANE_ROW_I8);
      }
      codewords += 2 * codewordBytes;
      tables += 2 * LANE_ROW_I8;
    }
    query += <usize>width * LANE_ROW_I32;
  }
}

/**
 * `entries` f32 [2, 16]: dot products of two neighbouring codewords with 16 lanes of the query. One load of the query
 * serves both. Products are added in dimension order, as the reference does; the relaxed build may round them once less.
 */
function entriesOfTwo(a: usize, codewordBytes: usize, query: usize, entries: usize): void {
  let a0 = f32x4.splat(0);
  let a1 = a0;
  let a2 = a0;
  let a3 = a0;
  let b0 = a0;
  let b1 = a0;
  let b2 = a0;
  let b3 = a0;
  let b = a + codewordBytes;
  for (const end = b; a < end; a += 4, b += 4, query += LANE_ROW_I32) {
    const x = v128.load32_splat(a);
    const y = v128.load32_splat(b);
    let q = v128.load(query);
    a0 = multiplyAdd(a0, x, q);
    b0 = multiplyAdd(b0, y, q);
    q = v128.load(query, 16);
    a1 = multiplyAdd(a1, x, q);
    b1 = multiplyAdd(b1, y, q);
    q = v128.load(query, 32);
    a2 = multiplyAdd(a2, x, q);
    b2 = multiplyAdd(b2, y, q);
    q = v128.load(query, 48);
    a3 = multiplyAdd(a3, x, q);
    b3 = multiplyAdd(b3, y, q);
  }
  v128.store(entries, a0);
  v128.store(entries, a1, 16);
  v128.store(entries, a2, 32);
  v128.store(entries, a3, 48);
  v128.store(entries, b0, 64);
  v128.store(entries, b1, 80);
  v128.store(entries, b2, 96);
  v128.store(entries, b3, 112);
}

/** Four lanes of two codewords. */
function keepLarger(entries: usize, maxima: usize): void {
  const larger = f32x4.pmax(f32x4.abs(v128.load(entries)), f32x4.abs(v128.load(entries, 64)));
  v128.store(maxima, f32x4.pmax(v128.load(maxima), larger));
}

/** Sixteen lanes of one codeword: lanes 0 to 7 in the low bytes of eight words, lanes 8 to 15 in the high ones. */
function entryRow(entries: usize, factors: usize): v128 {
  const low = eightEntries(entries, factors);
  const high = eightEntries(entries + 32, factors + 32);
  return i16x8.add(low, i16x8.shl(high, 8));
}

/** Eight biased entries, as i16. */
function eightEntries(entries: usize, factors: usize): v128 {
  const near = rounded(v128.load(entries), v128.load(factors));
  const far = rounded(v128.load(entries, 16), v128.load(factors, 16));
  return i16x8.add(i16x8.narrow_i32x4_s(near, far), i16x8.splat(ENTRY_BIAS));
}
