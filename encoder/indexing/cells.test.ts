import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { seededRandom } from "../../shared/seeded-random.ts";
import { CENTROIDS_PER_CELL, groupIntoCells, MAX_CENTROIDS_PER_CELL } from "./cells.ts";
import { type Matrix, MatrixRunner } from "./matrix-runner.ts";
import { gatherRows, meanRows } from "./rows.ts";
import { dot, topicVectors } from "./testing.ts";

let runner: MatrixRunner;
beforeAll(async () => {
  runner = await MatrixRunner.create({ threads: 1 });
});
afterAll(async () => await runner.dispose());

const DIM = 8;
const group = async (centroids: Matrix) => await groupIntoCells(runner, centroids, seededRandom(1));
const sizesOf = (offsets: Uint32Array) => Array.from(offsets.subarray(1), (end, cell) => end - (offsets[cell] ?? 0));

describe("groupIntoCells", () => {
  it("puts every centroid into one cell of bounded size, none empty", async () => {
    const cases = fc.record({
      count: fc.integer({ min: 1, max: 400 }),
      topics: fc.integer({ min: 1, max: 40 }),
      spread: fc.constantFrom(0, 0.01, 0.5),
      seed: fc.nat(),
    });
    await fc.assert(
      fc.asyncProperty(cases, async (options) => {
        const { order, offsets } = await group(topicVectors({ ...options, dim: DIM }));
        expect(order.toSorted()).toEqual(Uint32Array.from({ length: options.count }, (_, place) => place));
        expect([offsets[0], offsets.at(-1)]).toEqual([0, options.count]);
        for (const size of sizesOf(offsets)) {
          expect(size).toBeGreaterThan(0);
          expect(size).toBeLessThanOrEqual(MAX_CENTROIDS_PER_CELL);
        }
      }),
      { numRuns: 60 },
    );
  });

  it("cuts up a thousand equal centroids", async () => {
    const count = 1_000;
    const { offsets } = await group({ values: new Float32Array(count * DIM).fill(0.35), count, dim: DIM });
    expect(Math.max(...sizesOf(offsets))).toBeLessThanOrEqual(MAX_CENTROIDS_PER_CELL);
  });

  it("groups what is alike, and makes like cells neighbours", async () => {
    const centroids = topicVectors({ count: 1_024, dim: DIM, topics: 200, spread: 0.4, seed: 7 });
    const { order, offsets } = await group(centroids);
    const even = Uint32Array.from({ length: 1_024 / CENTROIDS_PER_CELL + 1 }, (_, cell) => cell * CENTROIDS_PER_CELL);
    const grouped = gatherRows(centroids, order);
    expect(closenessToMean(grouped, offsets)).toBeGreaterThan(closenessToMean(centroids, even) + 0.3);
    const means = meanRows(grouped, offsets);
    const pairs: number[] = [];
    const neighbours: number[] = [];
    for (let a = 0; a < means.count; a++) {
      for (let b = 0; b < a; b++) pairs.push(dot(means.values, a, means.values, b, DIM));
      if (a > 0) neighbours.push(dot(means.values, a, means.values, a - 1, DIM));
    }
    expect(meanOf(neighbours)).toBeGreaterThan(meanOf(pairs) + 0.1);
  });

  it("is the same for the same centroids", async () => {
    const centroids = topicVectors({ count: 300, dim: DIM, topics: 30, spread: 0.4, seed: 2 });
    expect(await group(centroids)).toEqual(await group(centroids));
  });
});

/** Mean product of a row with the mean of its group. */
function closenessToMean(matrix: Matrix, offsets: Uint32Array): number {
  const means = meanRows(matrix, offsets);
  const products: number[] = [];
  for (let group = 0; group < means.count; group++) {
    for (let row = offsets[group] ?? 0; row < (offsets[group + 1] ?? 0); row++) {
      products.push(dot(matrix.values, row, means.values, group, DIM));
    }
  }
  return meanOf(products);
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
