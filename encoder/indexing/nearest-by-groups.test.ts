import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { halfSquaredNorms, MatrixRunner } from "./matrix-runner.ts";
import { NearestByGroups } from "./nearest-by-groups.ts";
import { dot, topicVectors } from "./testing.ts";

let runner: MatrixRunner;
beforeAll(async () => {
  runner = await MatrixRunner.create({ threads: 1 });
});
afterAll(async () => await runner.dispose());

const DIM = 8;

/** Groups of `rows` at ascending cuts; equal cuts make an empty group. */
const groupings = (rows: number) =>
  fc
    .array(fc.integer({ min: 0, max: rows }), { maxLength: 6 })
    .map((cuts) => Uint32Array.from([0, ...cuts.toSorted((a, b) => a - b), rows]));

describe("NearestByGroups", () => {
  it("is the exact search when it looks into every group", async () => {
    const cases = fc.integer({ min: 1, max: 40 }).chain((rows) =>
      fc.record({
        rows: fc.constant(rows),
        offsets: groupings(rows),
        points: fc.integer({ min: 0, max: 30 }),
        seed: fc.nat(),
      }),
    );
    await fc.assert(
      fc.asyncProperty(cases, async ({ rows: count, offsets, points: pointCount, seed }) => {
        const rows = topicVectors({ count, dim: DIM, topics: count, spread: 0.3, seed });
        const points = topicVectors({ count: pointCount, dim: DIM, topics: 5, spread: 0.8, seed: seed + 1 });
        const bias = halfSquaredNorms(rows.values, DIM);
        const groups = new NearestByGroups(runner, rows, offsets, { bias, groupsPerPoint: offsets.length });
        expect(await groups.nearest(points)).toEqual(await runner.nearestRows(points, rows, bias));
      }),
      { numRuns: 60 },
    );
  });

  it("finds the best row of the groups it looks into", async () => {
    const rows = topicVectors({ count: 60, dim: DIM, topics: 60, spread: 0, seed: 4 });
    const points = topicVectors({ count: 50, dim: DIM, topics: 50, spread: 0, seed: 5 });
    const offsets = Uint32Array.from([0, 10, 20, 30, 40, 50, 60]);
    const ids = await new NearestByGroups(runner, rows, offsets, { groupsPerPoint: 1 }).nearest(points);
    ids.forEach((id, point) => {
      const first = Math.floor(id / 10) * 10;
      const scores = Array.from({ length: 10 }, (_, row) => dot(points.values, point, rows.values, first + row, DIM));
      expect(scores[id - first]).toBeCloseTo(Math.max(...scores), 6);
    });
  });

  it("serves more points than one run takes", async () => {
    const rows = topicVectors({ count: 12, dim: DIM, topics: 12, spread: 0, seed: 6 });
    const points = topicVectors({ count: 33_000, dim: DIM, topics: 12, spread: 0.2, seed: 6 });
    const offsets = Uint32Array.from([0, 4, 8, 12]);
    const ids = await new NearestByGroups(runner, rows, offsets, { groupsPerPoint: 3 }).nearest(points);
    expect(ids).toEqual(await runner.nearestRows(points, rows));
  });
});
