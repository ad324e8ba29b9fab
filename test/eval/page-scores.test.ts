import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Matrix, MatrixRunner } from "../../encoder/indexing/matrix-runner.ts";
import { dot, topicVectors } from "../../encoder/indexing/testing.ts";
import { scoreBags, scoreCodedPages, scorePages, WINNERS } from "./page-scores.ts";
import type { Rows, VectorSet } from "./vector-set.ts";

const DIM = 8;

let runner: MatrixRunner;
beforeAll(async () => {
  runner = await MatrixRunner.create({ threads: 1 });
});
afterAll(async () => await runner.dispose());

function consecutive(lengths: readonly number[]): Rows[] {
  let end = 0;
  return lengths.map((count) => ({ first: (end += count) - count, count }));
}

function vectorsLike(count: number, seed: number): Matrix {
  return topicVectors({ count, dim: DIM, topics: 12, spread: 0.8, seed });
}

function randomSet(pageLengths: readonly number[], queryLengths: readonly number[]): VectorSet {
  const total = (lengths: readonly number[]) => lengths.reduce((sum, length) => sum + length, 0);
  return {
    name: "random",
    vectors: vectorsLike(total(pageLengths), 1),
    tokens: vectorsLike(total(queryLengths), 2),
    pages: consecutive(pageLengths).map((rows, page) => ({ ...rows, key: `${page}` })),
    queries: consecutive(queryLengths).map((rows) => ({ ...rows, judgements: undefined })),
  };
}

/** A page longer than a batch; more tokens than one run takes. */
const sets = [randomSet([3, 1, 40, 8_200, 7], [3, 1, 2]), randomSet([3, 1, 12], [5, 600, 430, 2])];

/** Σ over tokens of what `best` finds on a page, by definition. */
function byDefinition(
  { queries, pages }: VectorSet,
  best: (token: number, page: Rows, query: Rows) => number,
): number[] {
  return queries.flatMap((query) =>
    pages.map((page) => {
      let sum = 0;
      for (let token = query.first; token < query.first + query.count; token++) sum += best(token, page, query);
      return sum;
    }),
  );
}

function rowsOf({ values }: Matrix, { first, count }: Rows): Matrix {
  return { values: values.subarray(first * DIM, (first + count) * DIM), count, dim: DIM };
}

function productsWith({ tokens }: VectorSet, vectors: Matrix, token: number, page: Rows): number[] {
  return Array.from({ length: page.count }, (_, row) =>
    dot(tokens.values, token, vectors.values, page.first + row, DIM),
  );
}

/** Of sums of float32 products, near 0 ones included. */
const MAX_ERROR = 1e-4;

/** The largest relative error; infinite when the lengths differ. */
function errorOf(scores: Float32Array | undefined, expected: readonly number[]): number {
  if (scores?.length !== expected.length) return Infinity;
  return Math.max(...expected.map((score, at) => Math.abs((scores[at] ?? NaN) / score - 1)));
}

describe.each(sets)("page scores of $pages.length pages", (set) => {
  it("are MaxSim", async () => {
    const expected = byDefinition(set, (token, page) => Math.max(...productsWith(set, set.vectors, token, page)));
    expect(errorOf(await scorePages(runner, set, (rows) => rowsOf(set.vectors, rows)), expected)).toBeLessThan(
      MAX_ERROR,
    );
  });

  it("by codes: as decoded, renormalised, and exact on the best few", async () => {
    const decoded = vectorsLike(set.vectors.count, 3);
    decoded.values.forEach((value, at) => (decoded.values[at] = value * (1 + (Math.floor(at / DIM) % 5) / 10)));
    const scores = await scoreCodedPages(
      runner,
      set,
      (rows) => rowsOf(decoded, rows),
      (rows) => rowsOf(set.vectors, rows),
    );
    expect(
      errorOf(
        scores.codes,
        byDefinition(set, (token, page) => Math.max(...productsWith(set, decoded, token, page))),
      ),
    ).toBeLessThan(MAX_ERROR);
    const unit = (row: number) => Math.hypot(...decoded.values.subarray(row * DIM, (row + 1) * DIM));
    expect(
      errorOf(
        scores.renormalised,
        byDefinition(set, (token, page) =>
          Math.max(...productsWith(set, decoded, token, page).map((product, row) => product / unit(page.first + row))),
        ),
      ),
    ).toBeLessThan(MAX_ERROR);
    WINNERS.forEach((kept, position) => {
      const known = new Map<string, number[]>();
      const findWinners = (token: number, page: Rows) => {
        const products = productsWith(set, decoded, token, page).map((product, row) => ({ product, row }));
        return products
          .toSorted((a, b) => b.product - a.product || a.row - b.row)
          .slice(0, kept)
          .map(({ row }) => row);
      };
      const winnersOf = (token: number, page: Rows) => {
        const key = `${token} ${page.first}`;
        const winners = known.get(key) ?? findWinners(token, page);
        known.set(key, winners);
        return winners;
      };
      const bestAmong = (token: number, page: Rows, rows: readonly number[]) => {
        const exact = productsWith(set, set.vectors, token, page);
        return Math.max(...rows.map((row) => exact[row] ?? 0));
      };
      const own = byDefinition(set, (token, page) => bestAmong(token, page, winnersOf(token, page)));
      expect(errorOf(scores.winners[position], own)).toBeLessThan(MAX_ERROR);
      const unions = byDefinition(set, (token, page, query) => {
        const tokens = Array.from({ length: query.count }, (_, at) => query.first + at);
        return bestAmong(token, page, [...new Set(tokens.flatMap((other) => winnersOf(other, page)))]);
      });
      expect(errorOf(scores.unions[position], unions)).toBeLessThan(MAX_ERROR);
    });
    expect(
      errorOf(
        scores.exact,
        byDefinition(set, (token, page) => Math.max(...productsWith(set, set.vectors, token, page))),
      ),
    ).toBeLessThan(MAX_ERROR);
  });

  it("by bags: the best centroid of a page", async () => {
    const centroids = vectorsLike(20, 4);
    const ids = Uint16Array.from({ length: set.vectors.count }, (_, row) => (row * 7) % 20);
    const scores = await scoreBags(runner, set, centroids, ids);
    const best = (token: number, page: Rows) =>
      Math.max(
        ...Array.from({ length: page.count }, (_, row) => {
          return dot(set.tokens.values, token, centroids.values, ids[page.first + row] ?? 0, DIM);
        }),
      );
    expect(errorOf(scores, byDefinition(set, best))).toBeLessThan(MAX_ERROR);
  });
});
