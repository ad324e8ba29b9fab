/**
 * The tables of pq-tables.ts from codewords and query rows of 7 bits (../short-codewords.ts): 16 values a multiplication and sums in integers, so
 * that both builds give the same. An entry is only −15 to 15.
 *
 * Eight lanes of a piece of eight dimensions stay in registers, where a codeword takes 20 instructions.
 *
 * @module
 */
import { LANE_ROW_I32, LANE_ROW_I8 } from "./lanes";
import { ENTRY_BIAS } from "./pq-maxsim";

const CODEWORDS: i32 = 256;
/** Added to every value of codewords and of query rows. */
const SHORT_BIAS: i8 = 64;
/** Dimensions of a quad, and bytes of eight lanes of one. */
const QUAD: i32 = 4;
const EIGHT_QUADS: usize = 32;
/** Bytes of 16 lanes of dot products: what the entries of one row take until they are scaled. */
const SIXTEEN_LANES_I16: usize = 32;

/**
 * `entries` i16 [subspaces, 256, 16]: the dot product of every codeword with the matching piece of eight lanes, to the half of each row that `entries`
 * points at; and the largest |entry| of each lane to `maxima` (i16 [8]).
 *
 * `codewords` is u8 [subspaces, 256, width], plus 64, `width` a multiple of 4; `quads` points at the first of the lanes in u8 [dim / 4, 32, 4], plus
 * 64 (short-dot.ts). `pieces` is scratch of i8 [dim / 4, 8, 4].
 */
export function shortEntries(
  codewords: usize,
  subspaces: i32,
  width: i32,
  quads: usize,
  pieces: usize,
  entries: usize,
  maxima: usize,
): void {
  withoutBias(quads, (subspaces * width) / QUAD, pieces);
  let most = i16x8.splat(0);
  for (let m = 0; m < subspaces; m++) {
    if (width == 2 * QUAD) most = entriesOfTwoQuads(codewords, pieces, entries, most);
    else most = entriesOfQuads(codewords, width, pieces, entries, most);
    codewords += <usize>(CODEWORDS * width);
    pieces += <usize>(width / QUAD) * EIGHT_QUADS;
    entries += <usize>CODEWORDS * SIXTEEN_LANES_I16;
  }
  v128.store(maxima, most);
}

/** Eight lanes of `count` quads, one after the other and signed: only one of two factors may be. */
function withoutBias(quads: usize, count: i32, pieces: usize): void {
  const bias = i8x16.splat(SHORT_BIAS);
  for (let i = 0; i < count; i++, quads += LANE_ROW_I32, pieces += EIGHT_QUADS) {
    v128.store(pieces, i8x16.sub(v128.load(quads), bias));
    v128.store(pieces, i8x16.sub(v128.load(quads, 16), bias), 16);
  }
}

/** Eight dimensions. Four products of 63 · 127 are within 16 bits. Returns `most` or what is larger. */
function entriesOfTwoQuads(codewords: usize, piece: usize, entries: usize, most: v128): v128 {
  const q0 = v128.load(piece);
  const q1 = v128.load(piece, 16);
  const r0 = v128.load(piece, 32);
  const r1 = v128.load(piece, 48);
  const bias = i8x16.splat(SHORT_BIAS);
  const near = i16x8.add(pairsOf(q0, bias), pairsOf(r0, bias));
  const far = i16x8.add(pairsOf(q1, bias), pairsOf(r1, bias));
  for (const end = codewords + 2 * QUAD * CODEWORDS; codewords < end; codewords += 2 * QUAD) {
    const x = v128.load32_splat(codewords);
    const y = v128.load32_splat(codewords, QUAD);
    const dots = i16x8.narrow_i32x4_s(
      i32x4.extadd_pairwise_i16x8_s(i16x8.sub(i16x8.add(pairsOf(q0, x), pairsOf(r0, y)), near)),
      i32x4.extadd_pairwise_i16x8_s(i16x8.sub(i16x8.add(pairsOf(q1, x), pairsOf(r1, y)), far)),
    );
    v128.store(entries, dots);
    most = i16x8.max_s(most, i16x8.abs(dots));
    entries += SIXTEEN_LANES_I16;
  }
  return most;
}

/** Any multiple of four dimensions. */
function entriesOfQuads(codewords: usize, width: i32, piece: usize, entries: usize, most: v128): v128 {
  const pieceEnd = piece + <usize>(width / QUAD) * EIGHT_QUADS;
  const bias = i8x16.splat(SHORT_BIAS);
  let nearStart = i32x4.splat(0);
  let farStart = nearStart;
  for (let quad = piece; quad < pieceEnd; quad += EIGHT_QUADS) {
    nearStart = i32x4.sub(nearStart, i32x4.extadd_pairwise_i16x8_s(pairsOf(v128.load(quad), bias)));
    farStart = i32x4.sub(farStart, i32x4.extadd_pairwise_i16x8_s(pairsOf(v128.load(quad, 16), bias)));
  }
  for (let i = 0; i < CODEWORDS; i++) {
    let near = nearStart;
    let far = farStart;
    for (let quad = piece; quad < pieceEnd; quad += EIGHT_QUADS, codewords += QUAD) {
      const x = v128.load32_splat(codewords);
      near = i32x4.add(near, i32x4.extadd_pairwise_i16x8_s(pairsOf(v128.load(quad), x)));
      far = i32x4.add(far, i32x4.extadd_pairwise_i16x8_s(pairsOf(v128.load(quad, 16), x)));
    }
    const dots = i16x8.narrow_i32x4_s(near, far);
    v128.store(entries, dots);
    most = i16x8.max_s(most, i16x8.abs(dots));
    entries += SIXTEEN_LANES_I16;
  }
  return most;
}

/** i8 [4, 4] · u8 [4, 4], the second at most 127 → i16 [4, 2]: sums of neighbouring products. */
function pairsOf(query: v128, codeword: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return v128.relaxed_dot<i16>(query, codeword);
  return i16x8.narrow_i32x4_s(
    i32x4.dot_i16x8_s(i16x8.extend_low_i8x16_s(query), i16x8.extend_low_i8x16_s(codeword)),
    i32x4.dot_i16x8_s(i16x8.extend_high_i8x16_s(query), i16x8.extend_high_i8x16_s(codeword)),
  );
}

/**
 * Half a row of `tables` (pq-tables.ts) for every row of `entries` ({@link shortEntries}): entry × `factors[lane]` (i16 [16]) / 2^15, rounded to
 * nearest, halves up, plus the bias. A lane of factor 0 is 0 whatever its entries.
 *
 * The caller chooses factors so that |entry| ≤ 15.
 */
export function shortTables(entries: usize, rows: i32, factors: usize, tables: usize): void {
  const low = v128.load(factors);
  const high = v128.load(factors, 16);
  const bias = i16x8.splat((ENTRY_BIAS << 8) + ENTRY_BIAS);
  const end = entries + <usize>rows * SIXTEEN_LANES_I16;
  for (; entries < end; entries += SIXTEEN_LANES_I16, tables += LANE_ROW_I8) {
    const pairs = i16x8.add(scaled(v128.load(entries), low), i16x8.shl(scaled(v128.load(entries, 16), high), 8));
    v128.store(tables, i16x8.add(pairs, bias));
  }
}

/** Not of −2^15 by itself, where the relaxed instruction may differ: dot products and factors are at least −32,767. */
function scaled(values: v128, factors: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return v128.relaxed_q15mulr<i16>(values, factors);
  return i16x8.q15mulr_sat_s(values, factors);
}
