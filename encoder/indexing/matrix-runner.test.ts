import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CODEWORDS_PER_SUBSPACE } from "../../shared/limits.ts";
import { halfSquaredNorms, type Matrix, MatrixRunner } from "./matrix-runner.ts";
import { dot, topicVectors } from "./testing.ts";

let runner: MatrixRunner;
beforeAll(async () => {
  runner = await MatrixRunner.create({ threads: 1 });
});
afterAll(async () => await runner.dispose());

describe("create", () => {
  it("takes CUDA only where it is, and says so when it was asked for and is not", async () => {
    const automatic = await MatrixRunner.create({ threads: 1 });
    expect(automatic.executionProvider).toBe(runner.executionProvider);
    await automatic.dispose();
    if (automatic.executionProvider === "cuda") return;
    const asked = MatrixRunner.create({ executionProvider: "cuda" });
    await expect(asked).rejects.toMatchObject({
      code: "model_unavailable",
      message: expect.stringContaining("on cuda"),
    });
  });
});

/** Multiples of 1/8: products are exact in float32, so that ties are ties for both sides. */
const eighths = (length: number) =>
  fc
    .array(fc.integer({ min: -16, max: 16 }), { minLength: length, maxLength: length })
    .map((list) => Float32Array.from(list, (value) => value / 8));
const matrix = (count: number, dim: number): fc.Arbitrary<Matrix> =>
  eighths(count * dim).map((values) => ({ values, count, dim }));

function nearestScalar(points: Matrix, rows: Matrix, bias: Float32Array): number[] {
  return Array.from({ length: points.count }, (_, point) => {
    let best = 0;
    let bestValue = -Infinity;
    for (let row = 0; row < rows.count; row++) {
      const value = dot(points.values, point, rows.values, row, points.dim) + (bias[row] ?? 0);
      if (value > bestValue) [best, bestValue] = [row, value];
    }
    return best;
  });
}

describe("nearestRows", () => {
  const cases = fc
    .record({
      n: fc.integer({ min: 0, max: 30 }),
      k: fc.integer({ min: 1, max: 40 }),
      dim: fc.integer({ min: 1, max: 24 }),
    })
    .chain(({ n, k, dim }) => fc.record({ points: matrix(n, dim), rows: matrix(k, dim), bias: eighths(k) }));

  it("equals the scalar loop, ties included", async () => {
    await fc.assert(
      fc.asyncProperty(cases, async ({ points, rows, bias }) => {
        expect(Array.from(await runner.nearestRows(points, rows, bias))).toEqual(nearestScalar(points, rows, bias));
      }),
      { numRuns: 200 },
    );
  });

  it("finds the row at the smallest distance with the half squared norms as bias", async () => {
    await fc.assert(
      fc.asyncProperty(cases, async ({ points, rows }) => {
        const ids = await runner.nearestRows(points, rows, halfSquaredNorms(rows.values, rows.dim));
        const distance = (point: number, row: number) => {
          let sum = 0;
          for (let i = 0; i < rows.dim; i++) {
            sum += ((points.values[point * rows.dim + i] ?? 0) - (rows.values[row * rows.dim + i] ?? 0)) ** 2;
          }
          return sum;
        };
        ids.forEach((row, point) => {
          const smallest = Math.min(...Array.from({ length: rows.count }, (_, other) => distance(point, other)));
          expect(distance(point, row)).toBe(smallest);
        });
      }),
    );
  });

  it("gives every block of a long input its own place", async () => {
    // 16,384 rows make blocks of 64 points on a CPU, and of 256 with CUDA.
    const rows = topicVectors({ count: 16_384, dim: 8, topics: 16_384, spread: 0, seed: 1 });
    const picks = [0, 63, 64, 255, 256, 1_023, 1_024, 2_047, 2_048, 2_100];
    const points = { values: new Float32Array(2_101 * 8), count: 2_101, dim: 8 };
    picks.forEach((point) => points.values.set(rows.values.subarray((point + 7) * 8, (point + 8) * 8), point * 8));
    const ids = await runner.nearestRows(points, rows);
    for (const point of picks) expect(ids[point]).toBe(point + 7);
  });

  it("refuses a matrix with too few values", async () => {
    const rows = { values: new Float32Array(8), count: 1, dim: 8 };
    await expect(runner.nearestRows({ values: new Float32Array(15), count: 2, dim: 8 }, rows)).rejects.toThrow(
      RangeError,
    );
  });
});

describe("nearestRowsScored and nearestRowsRanked", () => {
  it("agree with a search row by row", async () => {
    const cases = fc
      .record({
        n: fc.integer({ min: 0, max: 12 }),
        k: fc.integer({ min: 1, max: 12 }),
        dim: fc.integer({ min: 1, max: 8 }),
      })
      .chain(({ n, k, dim }) => fc.record({ points: matrix(n, dim), rows: matrix(k, dim), bias: eighths(k) }));
    await fc.assert(
      fc.asyncProperty(cases, fc.integer({ min: 1, max: 12 }), async ({ points, rows, bias }, most) => {
        const wanted = Math.min(most, rows.count);
        const score = (point: number, row: number) =>
          dot(points.values, point, rows.values, row, points.dim) + (bias[row] ?? 0);
        const { ids, scores } = await runner.nearestRowsScored(points, rows, bias);
        const ranked = await runner.nearestRowsRanked(points, rows, wanted, bias);
        expect(Array.from(ids)).toEqual(nearestScalar(points, rows, bias));
        for (let point = 0; point < points.count; point++) {
          expect(scores[point]).toBe(score(point, ids[point] ?? 0));
          const own = Array.from(ranked.subarray(point * wanted, (point + 1) * wanted));
          expect(new Set(own).size).toBe(wanted);
          const best = Array.from({ length: rows.count }, (_, row) => score(point, row)).toSorted((a, b) => b - a);
          expect(own.map((row) => score(point, row))).toEqual(best.slice(0, wanted));
        }
      }),
      { numRuns: 60 },
    );
  });
});

describe("nearestCodewords", () => {
  it("equals a search in every subspace on its own", async () => {
    const shapes = fc.record({
      n: fc.integer({ min: 0, max: 12 }),
      subspaces: fc.integer({ min: 1, max: 6 }),
      width: fc.integer({ min: 1, max: 5 }),
    });
    const codebooks = shapes.chain(({ n, subspaces, width }) =>
      fc.record({
        points: matrix(n, subspaces * width),
        codewords: eighths(subspaces * CODEWORDS_PER_SUBSPACE * width),
        subspaces: fc.constant(subspaces),
      }),
    );
    await fc.assert(
      fc.asyncProperty(codebooks, async ({ points, codewords, subspaces }) => {
        const width = points.dim / subspaces;
        const codes = await runner.nearestCodewords(points, codewords, subspaces);
        for (let subspace = 0; subspace < subspaces; subspace++) {
          const part = { values: partOf(points, subspace, width), count: points.count, dim: width };
          const values = codewords.subarray(
            subspace * CODEWORDS_PER_SUBSPACE * width,
            (subspace + 1) * CODEWORDS_PER_SUBSPACE * width,
          );
          const rows = { values, count: CODEWORDS_PER_SUBSPACE, dim: width };
          const expected = nearestScalar(part, rows, halfSquaredNorms(values, width));
          expect(Array.from({ length: points.count }, (_, point) => codes[point * subspaces + subspace])).toEqual(
            expected,
          );
        }
      }),
      { numRuns: 40 },
    );
  });
});

function partOf({ values, count, dim }: Matrix, subspace: number, width: number): Float32Array {
  return Float32Array.from({ length: count * width }, (_, at) => {
    return values[Math.floor(at / width) * dim + subspace * width + (at % width)] ?? 0;
  });
}

describe("products", () => {
  it("gives every inner product once", async () => {
    const cases = fc
      .record({
        m: fc.integer({ min: 0, max: 9 }),
        n: fc.integer({ min: 0, max: 20 }),
        dim: fc.integer({ min: 1, max: 16 }),
      })
      .chain(({ m, n, dim }) => fc.record({ left: matrix(m, dim), right: matrix(n, dim) }));
    await fc.assert(
      fc.asyncProperty(cases, async ({ left, right }) => {
        let seen = 0;
        for await (const { first, count, table } of runner.products(left, right)) {
          table.forEach((value, at) => {
            expect(value).toBe(dot(left.values, Math.floor(at / count), right.values, first + (at % count), left.dim));
          });
          seen += table.length;
        }
        expect(seen).toBe(left.count * right.count);
      }),
    );
  });
});
