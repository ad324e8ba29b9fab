import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { trainCentroids } from "./kmeans.ts";
import { MatrixRunner } from "./matrix-runner.ts";
import { seededRandom } from "../../shared/seeded-random.ts";
import { dot, topicVectors } from "./testing.ts";

let runner: MatrixRunner;
beforeAll(async () => {
  runner = await MatrixRunner.create({ threads: 1 });
});
afterAll(async () => await runner.dispose());

describe("trainCentroids", () => {
  it("finds well separated topics whatever vectors it starts from", async () => {
    const vectors = topicVectors({ count: 400, dim: 16, topics: 5, spread: 0.05, seed: 3 });
    for (const seed of [1, 2, 3, 4, 5]) {
      // Twice as many centroids as topics: every topic surely gets one.
      const options = { centroidCount: 10, random: seededRandom(seed) };
      const values = await trainCentroids(runner, vectors, options);
      const ids = await runner.nearestRows(vectors, { values, count: 10, dim: 16 });
      for (let vector = 0; vector < vectors.count; vector++) {
        expect(dot(vectors.values, vector, values, ids[vector] ?? 0, 16)).toBeGreaterThan(0.95);
      }
    }
  });

  it("gives centroids of length 1 and no centroid without vectors", async () => {
    const vectors = topicVectors({ count: 600, dim: 12, topics: 40, spread: 0.3, seed: 8 });
    const values = await trainCentroids(runner, vectors, { centroidCount: 64, random: seededRandom(1) });
    for (let row = 0; row < 64; row++) expect(dot(values, row, values, row, 12)).toBeCloseTo(1, 5);
    const ids = await runner.nearestRows(vectors, { values, count: 64, dim: 12 });
    expect(new Set(ids).size).toBe(64);
  });

  it("raises the mean cosine from round to round", async () => {
    const vectors = topicVectors({ count: 1_000, dim: 16, topics: 1_000, spread: 0, seed: 5 });
    const meanCosine = async (iterations: number) => {
      const options = { centroidCount: 32, random: seededRandom(1), iterations };
      const values = await trainCentroids(runner, vectors, options);
      const ids = await runner.nearestRows(vectors, { values, count: 32, dim: 16 });
      return ids.reduce((sum, id, vector) => sum + dot(vectors.values, vector, values, id, 16), 0) / vectors.count;
    };
    const curve = [await meanCosine(0), await meanCosine(1), await meanCosine(3), await meanCosine(8)];
    expect(curve).toEqual(curve.toSorted((a, b) => a - b));
    expect(curve[3]).toBeGreaterThan((curve[0] ?? 1) + 0.05);
  });

  it("moves a centroid without vectors to the vector served worst", async () => {
    // Nine equal vectors and one opposite: whichever two start, the opposite one ends with a centroid of its own.
    const values = new Float32Array(10 * 4);
    for (let row = 0; row < 10; row++) values[row * 4] = row === 9 ? -1 : 1;
    for (const seed of [1, 2, 3, 4]) {
      const vectors = { values, count: 10, dim: 4 };
      const centroids = await trainCentroids(runner, vectors, { centroidCount: 2, random: seededRandom(seed) });
      expect(Math.min(centroids[0] ?? 0, centroids[4] ?? 0)).toBe(-1);
      expect(Math.max(centroids[0] ?? 0, centroids[4] ?? 0)).toBe(1);
    }
  });

  it("is the same for the same seed", async () => {
    const vectors = topicVectors({ count: 300, dim: 8, topics: 20, spread: 0.4, seed: 2 });
    const train = async (seed: number) =>
      await trainCentroids(runner, vectors, { centroidCount: 16, random: seededRandom(seed) });
    expect(await train(7)).toEqual(await train(7));
    expect(await train(7)).not.toEqual(await train(8));
  });

  it("refuses more centroids than vectors", async () => {
    const vectors = topicVectors({ count: 3, dim: 8, topics: 3, spread: 0, seed: 2 });
    const options = { centroidCount: 4, random: seededRandom(1) };
    await expect(trainCentroids(runner, vectors, options)).rejects.toThrow(
      "4 centroids cannot be trained on 3 vectors",
    );
  });
});
