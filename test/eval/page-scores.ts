/**
 * Scores of every page for every query under each approximation: all cascades are then worked out from these tables.
 *
 * @module
 */
import type { Matrix, MatrixRunner } from "../../encoder/indexing/matrix-runner.ts";
import type { Rows, VectorSet } from "./vector-set.ts";

/** `[queries, pages]`, row-major: Σ over a query's tokens of the best product with a vector of the page. */
export type PageScores = Float32Array;

/** How many of a token's best vectors by codes get their exact product, ascending. */
export const WINNERS = [1, 2, 4] as const;

export interface CodedScores {
  /** By decoded vectors, as they are and scaled to length 1. */
  codes: PageScores;
  renormalised: PageScores;
  /** Exact products, but of only a token's own best 1, 2 and 4 vectors by codes; as {@link WINNERS}. */
  winners: PageScores[];
  /** Exact products of the best 1, 2 and 4 vectors of all tokens of the query together. */
  unions: PageScores[];
  /** Exact products of all vectors. */
  exact: PageScores;
}

/** The vectors of pages `first` … `end` − 1, `[count, dim]`. */
export type VectorsOf = (rows: Rows) => Matrix | Promise<Matrix>;

/** Enough for a product to run at full speed, little enough for its table. */
const VECTORS_PER_BATCH = 8_192;
/** Query tokens multiplied at once: a table of 32 MiB. */
const TOKENS_PER_RUN = 1_024;

/** MaxSim over `vectorsOf`. */
export async function scorePages(runner: MatrixRunner, set: VectorSet, vectorsOf: VectorsOf): Promise<PageScores> {
  const scores = newScores(set);
  for (const batch of pageBatches(set)) {
    const vectors = await vectorsOf(batch.rows);
    for (const queries of queryRuns(set)) {
      const table = await productTable(runner, tokensOf(set, queries), vectors);
      forEachPage(set, batch, queries, (query, page, place) => {
        const best = eachToken(place, (row) => bestOf(table, row, place.count));
        scores[query * set.pages.length + page] = sumOf(best);
      });
    }
  }
  return scores;
}

/** Every score that coding and exact vectors (as they are kept) can give. */
export async function scoreCodedPages(
  runner: MatrixRunner,
  set: VectorSet,
  decoded: VectorsOf,
  exactVectors: VectorsOf,
): Promise<CodedScores> {
  const scores: CodedScores = {
    codes: newScores(set),
    renormalised: newScores(set),
    winners: WINNERS.map(() => newScores(set)),
    unions: WINNERS.map(() => newScores(set)),
    exact: newScores(set),
  };
  for (const batch of pageBatches(set)) {
    const vectors = await decoded(batch.rows);
    const factors = inverseNorms(vectors);
    const exact = await exactVectors(batch.rows);
    for (const queries of queryRuns(set)) {
      const tokens = tokensOf(set, queries);
      const table = await productTable(runner, tokens, vectors);
      const exactTable = await productTable(runner, tokens, exact);
      forEachPage(set, batch, queries, (query, page, place) => {
        const at = query * set.pages.length + page;
        const best = eachToken(place, (row) => bestByCodes(table, row, place.count));
        scores.codes[at] = sumOf(best.map((rows, token) => table[rowStart(place, token) + (rows[0] ?? 0)] ?? 0));
        scores.renormalised[at] = sumOf(eachToken(place, (row) => bestScaled(table, row, place, factors)));
        WINNERS.forEach((kept, position) => {
          const own = best.map((rows) => rows.slice(0, kept));
          write(
            scores.winners[position],
            at,
            sumOf(own.map((rows, token) => bestAmong(exactTable, place, token, rows))),
          );
          const union = [...new Set(own.flat())];
          write(scores.unions[position], at, sumOf(own.map((_, token) => bestAmong(exactTable, place, token, union))));
        });
        scores.exact[at] = sumOf(eachToken(place, (row) => bestOf(exactTable, row, place.count)));
      });
    }
  }
  return scores;
}

function write(target: PageScores | undefined, at: number, score: number): void {
  if (target !== undefined) target[at] = score;
}

/** Bags: each token's best product with the centroids of a page. `centroids` `[K, dim]`, `centroidIds` `[vectors]`. */
export async function scoreBags(
  runner: MatrixRunner,
  set: VectorSet,
  centroids: Matrix,
  centroidIds: Uint16Array,
): Promise<PageScores> {
  const scores = newScores(set);
  for (const queries of queryRuns(set)) {
    const tokens = tokensOf(set, queries);
    // By centroid, so that one id reads one run of memory.
    const table = await productTable(runner, centroids, tokens);
    set.pages.forEach(({ first, count }, page) => {
      const best = new Float32Array(tokens.count).fill(-Infinity);
      for (const id of centroidIds.subarray(first, first + count)) {
        const row = id * tokens.count;
        for (let token = 0; token < tokens.count; token++) {
          const product = table[row + token] ?? 0;
          if (product > (best[token] ?? 0)) best[token] = product;
        }
      }
      for (let query = queries.first; query < queries.first + queries.count; query++) {
        const rows = set.queries[query];
        if (rows === undefined) continue;
        const start = rows.first - (set.queries[queries.first]?.first ?? 0);
        let sum = 0;
        for (let token = start; token < start + rows.count; token++) sum += best[token] ?? 0;
        scores[query * set.pages.length + page] = sum;
      }
    });
  }
  return scores;
}

interface PageBatch {
  firstPage: number;
  endPage: number;
  rows: Rows;
}

function* pageBatches({ pages }: VectorSet): Generator<PageBatch> {
  let firstPage = 0;
  for (let endPage = 1; endPage <= pages.length; endPage++) {
    const first = pages[firstPage]?.first ?? 0;
    const last = pages[endPage - 1];
    const next = pages[endPage];
    const end = (last?.first ?? 0) + (last?.count ?? 0);
    if (next !== undefined && next.first + next.count - first <= VECTORS_PER_BATCH) continue;
    yield { firstPage, endPage, rows: { first, count: end - first } };
    firstPage = endPage;
  }
}

/** Runs of queries with at most {@link TOKENS_PER_RUN} tokens; `first` and `count` number queries. */
function* queryRuns({ queries }: VectorSet): Generator<Rows> {
  let first = 0;
  let tokens = 0;
  for (const [query, { count }] of queries.entries()) {
    if (query > first && tokens + count > TOKENS_PER_RUN) {
      yield { first, count: query - first };
      first = query;
      tokens = 0;
    }
    tokens += count;
  }
  if (first < queries.length) yield { first, count: queries.length - first };
}

function tokensOf({ queries, tokens }: VectorSet, run: Rows): Matrix {
  const { dim } = tokens;
  const first = queries[run.first]?.first ?? 0;
  const last = queries[run.first + run.count - 1];
  const end = (last?.first ?? 0) + (last?.count ?? 0);
  return { values: tokens.values.subarray(first * dim, end * dim), count: end - first, dim };
}

/** ⟨left row, right row⟩, `[left.count, right.count]`. */
async function productTable(runner: MatrixRunner, left: Matrix, right: Matrix): Promise<Float32Array> {
  const whole = new Float32Array(left.count * right.count);
  for await (const { first, count, table } of runner.products(left, right)) {
    if (count === right.count) return table;
    for (let row = 0; row < left.count; row++) {
      whole.set(table.subarray(row * count, (row + 1) * count), row * right.count + first);
    }
  }
  return whole;
}

/** Where the products of a query and a page lie in a table `[tokens of the run, vectors of the batch]`. */
interface Place {
  firstToken: number;
  tokens: number;
  /** Vectors of the page, the first of them in the batch, and all of the batch. */
  count: number;
  offset: number;
  stride: number;
}

function forEachPage(
  set: VectorSet,
  { firstPage, endPage, rows }: PageBatch,
  run: Rows,
  visit: (query: number, page: number, place: Place) => void,
): void {
  const runStart = set.queries[run.first]?.first ?? 0;
  for (let query = run.first; query < run.first + run.count; query++) {
    const { first = 0, count: tokens = 0 } = set.queries[query] ?? {};
    for (let page = firstPage; page < endPage; page++) {
      const own = set.pages[page];
      if (own === undefined) continue;
      const offset = own.first - rows.first;
      visit(query, page, { firstToken: first - runStart, tokens, count: own.count, offset, stride: rows.count });
    }
  }
}

/** Where a token's products with the page start. */
function rowStart({ firstToken, offset, stride }: Place, token: number): number {
  return (firstToken + token) * stride + offset;
}

function eachToken<T>(place: Place, valueOf: (row: number) => T): T[] {
  return Array.from({ length: place.tokens }, (_, token) => valueOf(rowStart(place, token)));
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}

function bestAmong(table: Float32Array, place: Place, token: number, rows: readonly number[]): number {
  const start = rowStart(place, token);
  let best = -Infinity;
  for (const row of rows) best = Math.max(best, table[start + row] ?? 0);
  return best;
}

function bestOf(table: Float32Array, start: number, count: number): number {
  let best = -Infinity;
  for (let at = start; at < start + count; at++) best = Math.max(best, table[at] ?? 0);
  return best;
}

function bestScaled(table: Float32Array, start: number, { count, offset }: Place, factors: Float32Array): number {
  let best = -Infinity;
  for (let at = 0; at < count; at++) best = Math.max(best, (table[start + at] ?? 0) * (factors[offset + at] ?? 0));
  return best;
}

/** The vectors of a page (from 0) with the 4 best products, best first. */
function bestByCodes(table: Float32Array, start: number, count: number): number[] {
  const deepest = WINNERS[WINNERS.length - 1] ?? 1;
  const best: number[] = [];
  let worstKept = -Infinity;
  for (let at = 0; at < count; at++) {
    const product = table[start + at] ?? 0;
    if (best.length === deepest && product <= worstKept) continue;
    let place = best.length;
    while (place > 0 && (table[start + (best[place - 1] ?? 0)] ?? 0) < product) place--;
    best.splice(place, 0, at);
    if (best.length > deepest) best.pop();
    worstKept = table[start + (best.at(-1) ?? 0)] ?? 0;
  }
  return best;
}

function inverseNorms({ values, count, dim }: Matrix): Float32Array {
  return Float32Array.from({ length: count }, (_, row) => {
    let squares = 0;
    for (let i = row * dim; i < (row + 1) * dim; i++) squares += (values[i] ?? 0) ** 2;
    return squares === 0 ? 1 : 1 / Math.sqrt(squares);
  });
}

function newScores({ queries, pages }: VectorSet): PageScores {
  return new Float32Array(queries.length * pages.length);
}
