/**
 * Scalar twins of the WASM kernels, bit for bit, and plain float MaxSim. They are what the kernels are tested against and
 * the place to read what a kernel computes; nothing runs them to answer a query.
 *
 * @module
 */
import type { Bags, PageCodes, PageVectors } from "../format/contract.ts";
import { CODEWORDS_PER_SUBSPACE } from "../limits.ts";
import { LANES } from "./query-block.ts";
import { SHORT_BIAS } from "./short-rows.ts";

/** MaxSim: Σ over query rows of the best inner product with a page row. `query` `[nq, dim]`, `page` `[n, dim]`; n = 0 gives −∞. */
export function maxSim(query: Float32Array, page: Float32Array, dim: number): number {
  let total = 0;
  for (let q = 0; q < query.length; q += dim) {
    let best = Number.NEGATIVE_INFINITY;
    for (let p = 0; p < page.length; p += dim) {
      let dot = 0;
      for (let d = 0; d < dim; d++) dot += (query[q + d] ?? 0) * (page[p + d] ?? 0);
      if (dot > best) best = dot;
    }
    total += best;
  }
  return total;
}

/** Inner product of two integer rows. */
function integerDot(a: Int8Array, aStart: number, b: Int16Array, bStart: number, dim: number): number {
  let dot = 0;
  for (let d = 0; d < dim; d++) dot += (a[aStart + d] ?? 0) * (b[bStart + d] ?? 0);
  return dot;
}

/** To the nearest integer, halves to the even one, as WebAssembly's `nearest`; then cut to ±limit. */
function roundedWithin(value: number, lowest: number, highest: number): number {
  const below = Math.floor(value);
  const fraction = value - below;
  const up = fraction > 0.5 || (fraction === 0.5 && below % 2 !== 0);
  return Math.min(highest, Math.max(lowest, up ? below + 1 : below));
}

/** `centroidTables`: i8 `bagRows` and i16 `pqRows`, `[centroids, 32]`, for query rows `[32, dim]`. */
export function centroidTables(
  centroids: Int8Array,
  dim: number,
  queryRows: Int16Array,
  bagFactors: Float32Array,
  pqFactors: Float32Array,
): { bagRows: Int8Array; pqRows: Int16Array } {
  const count = centroids.length / dim;
  const bagRows = new Int8Array(count * LANES);
  const pqRows = new Int16Array(count * LANES);
  for (let i = 0; i < count; i++) {
    for (let lane = 0; lane < LANES; lane++) {
      const dot = Math.fround(integerDot(centroids, i * dim, queryRows, lane * dim, dim));
      const bag = Math.fround(dot * (bagFactors[lane] ?? 0));
      const pq = Math.fround(dot * (pqFactors[lane] ?? 0));
      bagRows[i * LANES + lane] = roundedWithin(bag, -128, 127);
      pqRows[i * LANES + lane] = roundedWithin(pq, -32_768, 32_767);
    }
  }
  return { bagRows, pqRows };
}

/** Inner product of codeword `code` of subspace `m` with the matching piece of a query row, rounded to float32 at every step. */
function entry(
  codewords: Float32Array,
  width: number,
  m: number,
  code: number,
  query: Float32Array,
  row: number,
): number {
  const start = (m * CODEWORDS_PER_SUBSPACE + code) * width;
  let sum = 0;
  for (let d = 0; d < width; d++) {
    const product = Math.fround((codewords[start + d] ?? 0) * (query[row + m * width + d] ?? 0));
    sum = Math.fround(sum + product);
  }
  return sum;
}

/** `pqEntryMaxima`: the largest |entry| per lane, for query vectors `[32, dim]`. */
export function pqEntryMaxima(
  codewords: Float32Array,
  subspaces: number,
  query: Float32Array,
  dim: number,
): Float32Array {
  const width = dim / subspaces;
  const maxima = new Float32Array(LANES);
  for (let lane = 0; lane < LANES; lane++) {
    for (let m = 0; m < subspaces; m++) {
      for (let code = 0; code < CODEWORDS_PER_SUBSPACE; code++) {
        const size = Math.abs(entry(codewords, width, m, code, query, lane * dim));
        maxima[lane] = Math.max(maxima[lane] ?? 0, size);
      }
    }
  }
  return maxima;
}

/** `pqTables`: i8 `[subspaces, 256, 32]`. */
export function pqTables(
  codewords: Float32Array,
  subspaces: number,
  query: Float32Array,
  dim: number,
  factors: Float32Array,
): Int8Array {
  const width = dim / subspaces;
  const tables = new Int8Array(subspaces * CODEWORDS_PER_SUBSPACE * LANES);
  for (let m = 0; m < subspaces; m++) {
    for (let code = 0; code < CODEWORDS_PER_SUBSPACE; code++) {
      for (let lane = 0; lane < LANES; lane++) {
        const value = entry(codewords, width, m, code, query, lane * dim);
        const scaled = Math.fround(value * (factors[lane] ?? 0));
        tables[(m * CODEWORDS_PER_SUBSPACE + code) * LANES + lane] = roundedWithin(scaled, -128, 127);
      }
    }
  }
  return tables;
}

/** Inner product of codeword `code` of subspace `m` with the matching piece of a query row of 7 bits. */
function shortEntry(
  codewords: Uint8Array,
  width: number,
  m: number,
  code: number,
  rows: Int16Array,
  row: number,
): number {
  const start = (m * CODEWORDS_PER_SUBSPACE + code) * width;
  let sum = 0;
  for (let d = 0; d < width; d++) sum += ((codewords[start + d] ?? 0) - SHORT_BIAS) * (rows[row + m * width + d] ?? 0);
  return sum;
}

/** `shortEntries`: the largest |entry| per lane, for query rows `[32, dim]`. */
export function shortEntryMaxima(codewords: Uint8Array, subspaces: number, rows: Int16Array, dim: number): Int16Array {
  const width = dim / subspaces;
  const maxima = new Int16Array(LANES);
  for (let lane = 0; lane < LANES; lane++) {
    for (let row = 0; row < subspaces * CODEWORDS_PER_SUBSPACE; row++) {
      const m = Math.floor(row / CODEWORDS_PER_SUBSPACE);
      const size = Math.abs(shortEntry(codewords, width, m, row % CODEWORDS_PER_SUBSPACE, rows, lane * dim));
      maxima[lane] = Math.max(maxima[lane] ?? 0, size);
    }
  }
  return maxima;
}

/** `shortTables`: i8 `[subspaces, 256, 32]`. */
export function shortPqTables(
  codewords: Uint8Array,
  subspaces: number,
  rows: Int16Array,
  dim: number,
  factors: ArrayLike<number>,
): Int8Array {
  const width = dim / subspaces;
  return Int8Array.from({ length: subspaces * CODEWORDS_PER_SUBSPACE * LANES }, (_, i) => {
    const lane = i % LANES;
    const row = Math.floor(i / LANES);
    const m = Math.floor(row / CODEWORDS_PER_SUBSPACE);
    const value = shortEntry(codewords, width, m, row % CODEWORDS_PER_SUBSPACE, rows, lane * dim);
    return Math.floor((value * (factors[lane] ?? 0)) / 2 ** 15 + 0.5);
  });
}

/** `scanBags`: adds each selected page's Σ over lanes of the best `bagRows` value of its bag to `scores`. */
export function scanBags(bags: Bags, selected: Uint8Array, bagRows: Int8Array, scores: Int32Array): void {
  for (let page = 0; page < bags.offsets.length - 1; page++) {
    const ids = bags.ids.subarray(bags.offsets[page], bags.offsets[page + 1]);
    if (selected[page] === 0 || ids.length === 0) continue;
    for (let lane = 0; lane < LANES; lane++) {
      let best = -128;
      for (const id of ids) best = Math.max(best, bagRows[id * LANES + lane] ?? 0);
      scores[page] = (scores[page] ?? 0) + best;
    }
  }
}

/** `pqVectorScores`: i16 `[vectors, 32]`. */
export function pqVectorScores(page: PageCodes, subspaces: number, pqRows: Int16Array, tables: Int8Array): Int16Array {
  const scores = new Int16Array(page.centroidIds.length * LANES);
  for (const [i, id] of page.centroidIds.entries()) {
    for (let lane = 0; lane < LANES; lane++) {
      let sum = pqRows[id * LANES + lane] ?? 0;
      for (let m = 0; m < subspaces; m++) {
        const code = page.codes[i * subspaces + m] ?? 0;
        sum += tables[(m * CODEWORDS_PER_SUBSPACE + code) * LANES + lane] ?? 0;
      }
      scores[i * LANES + lane] = sum;
    }
  }
  return scores;
}

/** `pqMax` and `pqBest`: per lane the best score and the first vector that has it; −32,768 and 0 without vectors. */
export function pqBest(
  page: PageCodes,
  subspaces: number,
  pqRows: Int16Array,
  tables: Int8Array,
): { maxima: Int16Array; winners: Uint16Array } {
  const scores = pqVectorScores(page, subspaces, pqRows, tables);
  const maxima = new Int16Array(LANES).fill(-32_768);
  const winners = new Uint16Array(LANES);
  for (let i = 0; i < scores.length; i++) {
    const lane = i % LANES;
    const score = scores[i] ?? 0;
    if (score <= (maxima[lane] ?? 0)) continue;
    maxima[lane] = score;
    winners[lane] = Math.floor(i / LANES);
  }
  return { maxima, winners };
}

/** `pqContenders`: of each vector the lanes in which it scores at least `floors` `[32]`, a bit each: u32 `[vectors]`. */
export function pqContenders(
  page: PageCodes,
  subspaces: number,
  pqRows: Int16Array,
  tables: Int8Array,
  floors: ArrayLike<number>,
): Uint32Array {
  const scores = pqVectorScores(page, subspaces, pqRows, tables);
  return Uint32Array.from(page.centroidIds, (_, vector) => {
    let mask = 0;
    for (let lane = 0; lane < LANES; lane++) {
      if ((scores[vector * LANES + lane] ?? 0) >= (floors[lane] ?? 0)) mask |= 1 << lane;
    }
    return mask;
  });
}

/**
 * `exactBest`: per lane the best inner product × vector scale (float32) and the first vector that has it; −∞ and 0 without.
 * `exactContenders`: of each vector only in the lanes of `masks`.
 */
export function exactBest(
  page: PageVectors,
  dim: number,
  queryRows: Int16Array,
  masks?: Uint32Array,
): { best: Float32Array; winners: Int32Array } {
  const best = new Float32Array(LANES).fill(Number.NEGATIVE_INFINITY);
  const winners = new Int32Array(LANES);
  for (const [i, scale] of page.scales.entries()) {
    for (let lane = 0; lane < LANES; lane++) {
      if (masks !== undefined && (((masks[i] ?? 0) >>> lane) & 1) === 0) continue;
      const dot = Math.fround(integerDot(page.values, i * dim, queryRows, lane * dim, dim));
      const score = Math.fround(dot * scale);
      if (score <= (best[lane] ?? 0)) continue;
      best[lane] = score;
      winners[lane] = i;
    }
  }
  return { best, winners };
}

/** `keepBestRows`: the `limit` best of i8 `rows` `[ids, 32]` in one lane, best first, of equal ones in the order of `ids`. */
export function bestRows(
  rows: Int8Array,
  ids: readonly number[],
  lane: number,
  limit: number,
): { id: number; score: number }[] {
  const scored = ids.map((id, i) => ({ id, score: rows[i * LANES + lane] ?? 0 })).filter(({ score }) => score > -128);
  return scored.sort((a, b) => b.score - a.score).slice(0, limit);
}

/** `scanLists`: per page Σ over tokens of the best `add` of the token's lists that hold the page. */
export function listScores(
  tokens: readonly (readonly { pages: Iterable<number>; add: number }[])[],
  pageCount: number,
): Int32Array {
  const scores = new Int32Array(pageCount);
  for (const lists of tokens) {
    const best = new Int32Array(pageCount);
    for (const { pages, add } of lists) for (const page of pages) best[page] = Math.max(best[page] ?? 0, add);
    for (const [page, add] of best.entries()) scores[page] = (scores[page] ?? 0) + add;
  }
  return scores;
}

/** `topPages`: the `limit` best pages that `mask` keeps and that score above 0. */
export function topPages(scores: Int32Array, mask: Uint8Array | undefined, limit: number): number[] {
  const kept = Array.from(scores.keys()).filter((page) => (scores[page] ?? 0) > 0 && mask?.[page] !== 0);
  return kept.sort((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0)).slice(0, limit);
}

/** `pagesAbove`: the pages that `mask` keeps, that score above 0, and above `floor` when `bounds` `[pages]` are taken off; ascending. */
export function pagesAbove(
  scores: Int32Array,
  bounds: Int32Array,
  mask: Uint8Array | undefined,
  floor: number,
): number[] {
  return Array.from(scores.keys()).filter((page) => {
    const score = scores[page] ?? 0;
    return score > 0 && score - (bounds[page] ?? 0) > floor && mask?.[page] !== 0;
  });
}
