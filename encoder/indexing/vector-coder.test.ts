import { afterAll, beforeAll, expect, it } from "vitest";
import { cellsAt } from "../../shared/format/cells.ts";
import { seededRandom } from "../../shared/seeded-random.ts";
import { groupIntoCells } from "./cells.ts";
import { halfSquaredNorms, MatrixRunner } from "./matrix-runner.ts";
import { gatherRows } from "./rows.ts";
import { dot, topicVectors } from "./testing.ts";
import { CentroidAssigner, TWO_LEVEL_CENTROIDS } from "./vector-coder.ts";

let runner: MatrixRunner;
beforeAll(async () => {
  runner = await MatrixRunner.create({ threads: 1 });
});
afterAll(async () => await runner.dispose());

it("assigns vectors to many centroids cell by cell with hardly a loss", async () => {
  const dim = 16;
  const topics = { count: TWO_LEVEL_CENTROIDS, dim, topics: 3_000, spread: 0.4, seed: 5 };
  const unordered = topicVectors(topics);
  const { order, offsets } = await groupIntoCells(runner, unordered, seededRandom(1));
  const scale = 1 / 127;
  const ordered = gatherRows(unordered, order);
  const centroids = Int8Array.from(ordered.values, (value) => Math.round(value / scale));
  const rounded = { dim, centroidCount: TWO_LEVEL_CENTROIDS, centroids, centroidScale: scale };
  const assigner = new CentroidAssigner(runner, { ...rounded, cells: cellsAt(rounded, offsets) });

  const all = topicVectors({ ...topics, count: TWO_LEVEL_CENTROIDS + 2_000 });
  const vectors = { values: all.values.subarray(TWO_LEVEL_CENTROIDS * dim), count: 2_000, dim };
  const rows = { values: Float32Array.from(centroids, (value) => value * scale), count: TWO_LEVEL_CENTROIDS, dim };
  const exact = await runner.nearestRows(vectors, rows, halfSquaredNorms(rows.values, dim));
  const found = await assigner.assign(vectors);
  const meanCosine = (ids: ArrayLike<number>) => {
    let sum = 0;
    for (let vector = 0; vector < vectors.count; vector++) {
      sum += dot(vectors.values, vector, rows.values, ids[vector] ?? 0, dim);
    }
    return sum / vectors.count;
  };
  expect(meanCosine(found) / meanCosine(exact)).toBeGreaterThan(0.99);
  expect(found).not.toEqual(Uint16Array.from(exact));
});
