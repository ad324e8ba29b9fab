/**
 * MaxSim over product-quantised vectors (late interaction, Khattab & Zaharia 2020), up to 32 query tokens at a time.
 *
 * A vector's partial scores with all 32 tokens are its centroid's row plus one table row per code. Eight byte rows are added
 * before they are widened, and widening is one shift: entries are not negative (they carry {@link ENTRY_BIAS}), so a sum of
 * byte rows, read as 16-bit words, is `low + 256 · high`; the words are added as they are, the high bytes once more by
 * themselves, and the low sum falls out at the end of the vector.
 *
 * What bounds it, at 1,030 vectors × 16 codes × 32 tokens on a Zen 4 core at 3.7 GHz, page in place: a vector takes 36 register
 * loads, two a code and four of its centroid's row; at two a cycle, which this core reaches, that is 5.0 µs. It took 10.3 µs, 2.1
 * times as long, when four byte rows were added; eight take 6 % less. The compiled loops are about 190 instructions a vector, 5 a
 * cycle of at most 6, and the tables (128 KiB) leave the first cache level (32 KiB). Each alone costs little: codes that stay in
 * the first level take 9.7, unrolling over 8 or 16 codes and tables at a fixed address 10.2 to 11.0; only both together came to
 * 8.8. Slower: going through the page once per four subspaces, whose tables fit the first level (11.9 to 13.1, sums kept between
 * passes); addresses made with SIMD (14.5).
 *
 * Nor does it pay to leave out vectors whose centroid is far from every token. Whether a row comes within a reach of the page's
 * best in any lane takes 2.5 ns a vector to tell (4 with the codes of those that do copied together), a quarter of what scoring it
 * takes, and a question has a token or two that most of a page is about as close to: within .2 (a cosine) lie 78 % of the vectors
 * of abstracts (Cranfield) and 55 % of those of filings, at a recall@10 of .993 and .994 (.994 of both with all vectors); within
 * .15, 68 % and 40 %, at .992 and .976. Floors made of what the nearest vectors score, or of how far the best row is above the
 * average one, found less for the same share.
 *
 * All kernels take `ids` u16 [count], `codes` u8 [count, subspaces] (a multiple of 4), `pqRows` i16 [centroids, 32] and
 * `tables` u8 [subspaces, 256, 32] in the lane order of pq-tables.ts; rows are scaled so that no sum leaves int16. With
 * `lanes` 16 the second half of every row is neither read nor, unless said otherwise, written.
 *
 * @module
 */
import { LANE_ROW_I16, LANE_ROW_I8 } from "./lanes";

/** Added to every table entry, which is −15 to 15 without. */
export const ENTRY_BIAS: i16 = 15;

/** Bytes of one subspace's table: 256 rows. */
export const TABLE: usize = 256 * LANE_ROW_I8;
/** From the first 16 lanes of a row to the others, by the width of an entry. */
const SECOND_HALF_I8: usize = LANE_ROW_I8 / 2;
const SECOND_HALF_I16: usize = LANE_ROW_I16 / 2;

/**
 * `maxima` i16 [32]: per lane the best score of `count` vectors; −32,768 when there are none, and beyond `lanes`. `scores` i16
 * [count, `lanes`]: the score of every vector, still with the bias of `subspaces` entries, for {@link pqContenders}; a null
 * pointer leaves them out. Storing them takes 7 % longer, adding them up again as long as the first time.
 */
export function pqMax(
  ids: usize,
  codes: usize,
  count: i32,
  subspaces: i32,
  lanes: i32,
  pqRows: usize,
  tables: usize,
  maxima: usize,
  scores: usize,
): void {
  for (let lane: usize = 0; lane < LANE_ROW_I16; lane += 16) v128.store(maxima + lane, i16x8.splat(i16.MIN_VALUE));
  if (count == 0) return;
  if (lanes > 16) maxOfThirtyTwo(ids, codes, count, subspaces, pqRows, tables, maxima, scores);
  else maxOfSixteen(ids, codes, count, subspaces, pqRows, tables, maxima, scores);
}

function maxOfThirtyTwo(
  ids: usize,
  codes: usize,
  count: i32,
  subspaces: i32,
  pqRows: usize,
  tables: usize,
  maxima: usize,
  scores: usize,
): void {
  let m0 = i16x8.splat(i16.MIN_VALUE);
  let m1 = m0;
  let m2 = m0;
  let m3 = m0;
  for (const idEnd = ids + ((<usize>count) << 1); ids < idEnd; ids += 2) {
    const row = pqRows + <usize>load<u16>(ids) * LANE_ROW_I16;
    let words = i16x8.splat(0);
    let highs = words;
    let secondWords = words;
    let secondHighs = words;
    let table = tables;
    const codeEnd = codes + subspaces;
    for (; codes + 8 <= codeEnd; codes += 8) {
      const a = table + ((<usize>load<u8>(codes)) << 5);
      const b = table + ((<usize>load<u8>(codes, 1)) << 5);
      const c = table + ((<usize>load<u8>(codes, 2)) << 5);
      const d = table + ((<usize>load<u8>(codes, 3)) << 5);
      const e = table + ((<usize>load<u8>(codes, 4)) << 5);
      const f = table + ((<usize>load<u8>(codes, 5)) << 5);
      const g = table + ((<usize>load<u8>(codes, 6)) << 5);
      const h = table + ((<usize>load<u8>(codes, 7)) << 5);
      const first = i8x16.add(sumOfFour(a, b, c, d), sumOfNextFour(e, f, g, h));
      words = i16x8.add(words, first);
      highs = i16x8.add(highs, i16x8.shr_u(first, 8));
      const second = i8x16.add(sumOfFourSecond(a, b, c, d), sumOfNextFourSecond(e, f, g, h));
      secondWords = i16x8.add(secondWords, second);
      secondHighs = i16x8.add(secondHighs, i16x8.shr_u(second, 8));
      table += 8 * TABLE;
    }
    if (codes < codeEnd) {
      const a = table + ((<usize>load<u8>(codes)) << 5);
      const b = table + ((<usize>load<u8>(codes, 1)) << 5);
      const c = table + ((<usize>load<u8>(codes, 2)) << 5);
      const d = table + ((<usize>load<u8>(codes, 3)) << 5);
      const first = sumOfFour(a, b, c, d);
      words = i16x8.add(words, first);
      highs = i16x8.add(highs, i16x8.shr_u(first, 8));
      const second = sumOfFourSecond(a, b, c, d);
      secondWords = i16x8.add(secondWords, second);
      secondHighs = i16x8.add(secondHighs, i16x8.shr_u(second, 8));
      codes += 4;
    }
    const s0 = i16x8.add(v128.load(row), lowSums(words, highs));
    const s1 = i16x8.add(v128.load(row, 16), highs);
    const s2 = i16x8.add(v128.load(row, 32), lowSums(secondWords, secondHighs));
    const s3 = i16x8.add(v128.load(row, 48), secondHighs);
    if (scores != 0) {
      v128.store(scores, s0);
      v128.store(scores, s1, 16);
      v128.store(scores, s2, 32);
      v128.store(scores, s3, 48);
      scores += LANE_ROW_I16;
    }
    m0 = i16x8.max_s(m0, s0);
    m1 = i16x8.max_s(m1, s1);
    m2 = i16x8.max_s(m2, s2);
    m3 = i16x8.max_s(m3, s3);
  }
  const bias = biasOf(subspaces);
  v128.store(maxima, i16x8.sub(m0, bias));
  v128.store(maxima, i16x8.sub(m1, bias), 16);
  v128.store(maxima, i16x8.sub(m2, bias), 32);
  v128.store(maxima, i16x8.sub(m3, bias), 48);
}

function maxOfSixteen(
  ids: usize,
  codes: usize,
  count: i32,
  subspaces: i32,
  pqRows: usize,
  tables: usize,
  maxima: usize,
  scores: usize,
): void {
  let m0 = i16x8.splat(i16.MIN_VALUE);
  let m1 = m0;
  for (const idEnd = ids + ((<usize>count) << 1); ids < idEnd; ids += 2) {
    const row = pqRows + <usize>load<u16>(ids) * LANE_ROW_I16;
    let words = i16x8.splat(0);
    let highs = words;
    let table = tables;
    const codeEnd = codes + subspaces;
    for (; codes + 8 <= codeEnd; codes += 8) {
      const sum = i8x16.add(sumOfCodes(codes, table), sumOfCodes(codes + 4, table + 4 * TABLE));
      words = i16x8.add(words, sum);
      highs = i16x8.add(highs, i16x8.shr_u(sum, 8));
      table += 8 * TABLE;
    }
    if (codes < codeEnd) {
      const sum = sumOfCodes(codes, table);
      words = i16x8.add(words, sum);
      highs = i16x8.add(highs, i16x8.shr_u(sum, 8));
      codes += 4;
    }
    const s0 = i16x8.add(v128.load(row), lowSums(words, highs));
    const s1 = i16x8.add(v128.load(row, 16), highs);
    if (scores != 0) {
      v128.store(scores, s0);
      v128.store(scores, s1, 16);
      scores += SECOND_HALF_I16;
    }
    m0 = i16x8.max_s(m0, s0);
    m1 = i16x8.max_s(m1, s1);
  }
  const bias = biasOf(subspaces);
  v128.store(maxima, i16x8.sub(m0, bias));
  v128.store(maxima, i16x8.sub(m1, bias), 16);
}

/** `scores` i16 [count, 32]: every vector's score with every lane; 0 beyond `lanes`. For heat maps. */
export function pqVectorScores(
  ids: usize,
  codes: usize,
  count: i32,
  subspaces: i32,
  lanes: i32,
  pqRows: usize,
  tables: usize,
  scores: usize,
): void {
  for (let i = 0; i < count; i++) {
    scoreVector(ids, codes, subspaces, lanes, pqRows, tables, scores);
    ids += 2;
    codes += subspaces;
    scores += LANE_ROW_I16;
  }
}

/**
 * Per lane the best score, `maxima` i16 [32], and the first vector that has it, `winners` u16 [32]; −32,768 and 0 without
 * vectors. Lanes beyond `lanes` are those of a token that scores 0 everywhere. `row` is scratch of i16 [32]. For highlights.
 */
export function pqBest(
  ids: usize,
  codes: usize,
  count: i32,
  subspaces: i32,
  lanes: i32,
  pqRows: usize,
  tables: usize,
  row: usize,
  maxima: usize,
  winners: usize,
): void {
  for (let lane: usize = 0; lane < LANE_ROW_I16; lane += 16) {
    v128.store(maxima + lane, i16x8.splat(i16.MIN_VALUE));
    v128.store(winners + lane, i16x8.splat(0));
  }
  for (let i = 0; i < count; i++) {
    scoreVector(ids, codes, subspaces, lanes, pqRows, tables, row);
    for (let lane: usize = 0; lane < LANE_ROW_I16; lane += 16) {
      const score = v128.load(row + lane);
      const best = v128.load(maxima + lane);
      const better = i16x8.gt_s(score, best);
      // After the first vectors of a page a better one is rare.
      if (!v128.any_true(better)) continue;
      v128.store(maxima + lane, v128.bitselect(score, best, better));
      v128.store(winners + lane, v128.bitselect(i16x8.splat(<i16>i), v128.load(winners + lane), better));
    }
    ids += 2;
    codes += subspaces;
  }
}

/** `out` i16 [32]: the scores of one vector; 0 beyond `lanes`. */
function scoreVector(
  id: usize,
  codes: usize,
  subspaces: i32,
  lanes: i32,
  pqRows: usize,
  tables: usize,
  out: usize,
): void {
  const row = pqRows + <usize>load<u16>(id) * LANE_ROW_I16;
  scoreSixteen(row, codes, subspaces, tables, out);
  if (lanes > 16) {
    scoreSixteen(row + SECOND_HALF_I16, codes, subspaces, tables + SECOND_HALF_I8, out + SECOND_HALF_I16);
    return;
  }
  v128.store(out, i16x8.splat(0), SECOND_HALF_I16);
  v128.store(out, i16x8.splat(0), SECOND_HALF_I16 + 16);
}

function scoreSixteen(row: usize, codes: usize, subspaces: i32, tables: usize, out: usize): void {
  let words = i16x8.splat(0);
  let highs = words;
  const bias = biasOf(subspaces);
  for (const codeEnd = codes + subspaces; codes < codeEnd; codes += 4) {
    const sum = sumOfCodes(codes, tables);
    words = i16x8.add(words, sum);
    highs = i16x8.add(highs, i16x8.shr_u(sum, 8));
    tables += 4 * TABLE;
  }
  v128.store(out, i16x8.sub(i16x8.add(v128.load(row), lowSums(words, highs)), bias));
  v128.store(out, i16x8.sub(i16x8.add(v128.load(row, 16), highs), bias), 16);
}

/** What {@link ENTRY_BIAS} added to a sum over all subspaces. */
export function biasOf(subspaces: i32): v128 {
  return i16x8.splat(<i16>subspaces * ENTRY_BIAS);
}

/** Sums of the low bytes, from sums of words and of high bytes. */
export function lowSums(words: v128, highs: v128): v128 {
  return i16x8.sub(words, i16x8.shl(highs, 8));
}

/** The rows of four codes in the first halves of their tables, as {@link sumOfFour}. */
export function sumOfCodes(codes: usize, table: usize): v128 {
  return sumOfFour(
    table + ((<usize>load<u8>(codes)) << 5),
    table + ((<usize>load<u8>(codes, 1)) << 5),
    table + ((<usize>load<u8>(codes, 2)) << 5),
    table + ((<usize>load<u8>(codes, 3)) << 5),
  );
}

/**
 * The first 16 bytes of four table rows, added as bytes: 8 · 30 = 240 fits, so two such sums may be added. The pointers are as if all four were rows of the
 * first one's table: the step to the next tables is part of the loads, at no cost.
 */
export function sumOfFour(a: usize, b: usize, c: usize, d: usize): v128 {
  return i8x16.add(
    i8x16.add(v128.load(a), v128.load(b, TABLE)),
    i8x16.add(v128.load(c, 2 * TABLE), v128.load(d, 3 * TABLE)),
  );
}

/** As {@link sumOfFour}, of the four tables after those. */
export function sumOfNextFour(e: usize, f: usize, g: usize, h: usize): v128 {
  return i8x16.add(
    i8x16.add(v128.load(e, 4 * TABLE), v128.load(f, 5 * TABLE)),
    i8x16.add(v128.load(g, 6 * TABLE), v128.load(h, 7 * TABLE)),
  );
}

/** As {@link sumOfNextFour}, the other 16 bytes. */
export function sumOfNextFourSecond(e: usize, f: usize, g: usize, h: usize): v128 {
  return i8x16.add(
    i8x16.add(v128.load(e, 4 * TABLE + SECOND_HALF_I8), v128.load(f, 5 * TABLE + SECOND_HALF_I8)),
    i8x16.add(v128.load(g, 6 * TABLE + SECOND_HALF_I8), v128.load(h, 7 * TABLE + SECOND_HALF_I8)),
  );
}

/** As {@link sumOfFour}, the other 16 bytes. */
export function sumOfFourSecond(a: usize, b: usize, c: usize, d: usize): v128 {
  return i8x16.add(
    i8x16.add(v128.load(a, SECOND_HALF_I8), v128.load(b, TABLE + SECOND_HALF_I8)),
    i8x16.add(v128.load(c, 2 * TABLE + SECOND_HALF_I8), v128.load(d, 3 * TABLE + SECOND_HALF_I8)),
  );
}
