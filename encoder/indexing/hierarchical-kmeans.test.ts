import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { seededRandom } from "../../shared/seeded-random.ts";
import { shareOut, trainCentroidsByParts } from "./hierarchical-kmeans.ts";
import { trainCentroids } from "./kmeans.ts";
import { type Matrix, MatrixRunner } from "./matrix-runner.ts";
import { dot, topicVectors } from "./testing.ts";

let runner: MatrixRunner;
beforeAll(async () => {
  runner = await MatrixRunner.create({ threads: 1 });
});
afterAll(async () => await runner.dispose());

const DIM = 16;

async function meanCosine(vectors: Matrix, values: Float32Array): Promise<number> {
  const ids = await runner.nearestRows(vectors, { values, count: values.length / DIM, dim: DIM });
  return ids.reduce((sum, id, vector) => sum + dot(vectors.values, vector, values, id, DIM), 0) / vectors.count;
}

describe("trainCentroidsByParts", () => {
  const vectors = topicVectors({ count: 6_000, dim: DIM, topics: 500, spread: 0.4, seed: 3 });

  it("serves unseen vectors almost as well as flat k-means", async () => {
    const unseen = topicVectors({ count: 7_000, dim: DIM, topics: 500, spread: 0.4, seed: 3 });
    const rest = { values: unseen.values.subarray(vectors.count * DIM), count: 1_000, dim: DIM };
    const options = () => ({ centroidCount: 256, random: seededRandom(1) });
    const byParts = await meanCosine(rest, await trainCentroidsByParts(runner, vectors, options()));
    const flat = await meanCosine(rest, await trainCentroids(runner, vectors, options()));
    expect(byParts / flat).toBeGreaterThan(0.99);
  });

  it("gives centroids of length 1, the same for the same seed, and tells how far it is", async () => {
    const shares: number[] = [];
    const train = async () =>
      await trainCentroidsByParts(runner, vectors, {
        centroidCount: 100,
        random: seededRandom(5),
        onProgress: (share) => shares.push(share),
      });
    const centroids = await train();
    for (let row = 0; row < 100; row++) expect(dot(centroids, row, centroids, row, DIM)).toBeCloseTo(1, 5);
    expect(shares).toEqual(shares.toSorted((a, b) => a - b));
    expect(shares.at(-1)).toBe(1);
    expect(await train()).toEqual(centroids);
  });

  it("handles as many centroids as vectors, equal vectors and a single one", async () => {
    const equal = { values: new Float32Array(64 * DIM).fill(1 / Math.sqrt(DIM)), count: 64, dim: DIM };
    for (const [matrix, centroidCount] of [
      [topicVectors({ count: 50, dim: DIM, topics: 50, spread: 0, seed: 1 }), 50],
      [equal, 16],
      [topicVectors({ count: 1, dim: DIM, topics: 1, spread: 0, seed: 1 }), 1],
    ] as const) {
      const values = await trainCentroidsByParts(runner, matrix, { centroidCount, random: seededRandom(2) });
      expect(values.length).toBe(centroidCount * DIM);
      expect(values.every(Number.isFinite)).toBe(true);
    }
  });
});

describe("shareOut", () => {
  it("gives whole shares that sum to the total and fit their sizes", () => {
    const cases = fc
      .array(fc.nat(50), { minLength: 1, maxLength: 20 })
      .chain((sizes) => fc.record({ sizes: fc.constant(sizes), total: fc.nat(sizes.reduce((a, b) => a + b, 0)) }));
    fc.assert(
      fc.property(cases, ({ sizes, total }) => {
        const shares = shareOut(total, sizes);
        expect(shares.reduce((a, b) => a + b, 0)).toBe(total);
        const sum = sizes.reduce((a, b) => a + b, 0);
        shares.forEach((share, part) => {
          const exact = sum === 0 ? 0 : (total * (sizes[part] ?? 0)) / sum;
          expect(share).toBeLessThanOrEqual(sizes[part] ?? 0);
          expect(share).toBeGreaterThanOrEqual(Math.floor(exact));
          expect(share).toBeLessThanOrEqual(Math.floor(exact) + 1);
        });
      }),
    );
  });

  it("refuses more than there is", () => {
    expect(() => shareOut(3, [1, 1])).toThrow(RangeError);
  });
});
