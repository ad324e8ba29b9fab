import { beforeAll, describe, expect, it } from "vitest";
import { clusterVectors } from "../indexing/pooling.ts";
import { poolAsPublished } from "./published-pooling.ts";
import { type ColpaliEngineFixture, readFixture } from "./testing.ts";

let pooling: ColpaliEngineFixture["pooling"];
beforeAll(async () => {
  ({ pooling } = await readFixture());
});

/** The cluster of every row. */
function labels(clusters: readonly (readonly number[])[], count: number): number[] {
  const labelOf = new Map(clusters.flatMap((members, cluster) => members.map((row) => [row, cluster] as const)));
  return Array.from({ length: count }, (_, row) => labelOf.get(row) ?? -1);
}

function matrixOf(values: Float32Array) {
  return { values, count: values.length / pooling.dim, dim: pooling.dim };
}

describe("poolAsPublished", () => {
  it("gives the clusters and the vectors of colpali-engine", () => {
    expect(pooling.cases).toHaveLength(5);
    for (const { factor, vectors, published } of pooling.cases) {
      const matrix = matrixOf(vectors);
      const pooled = poolAsPublished(matrix, factor);
      expect(labels(pooled.members, matrix.count)).toEqual(published.clusters);
      expect(pooled.vectors.values).toHaveLength(published.pooled.length);
      for (const [i, value] of published.pooled.entries()) expect(pooled.vectors.values[i]).toBeCloseTo(value, 5);
    }
  });

  /** tests/compression/token_pooling/test_hierarchical_pooling.py of colpali-engine. */
  it("gives what colpali-engine's own test expects", () => {
    const values = Float32Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1, 1, 0, 0, 1, 0, 0, 1, 0, 0);
    const { vectors, members } = poolAsPublished({ values, count: 6, dim: 3 }, 2);
    expect(members).toEqual([[0, 3, 4, 5], [1], [2]]);
    expect([...vectors.values]).toEqual([1, 0, 0, 0, 1, 0, 0, 0, 1]);
    for (let factor = 1; factor < 6; factor++) {
      expect(poolAsPublished({ values, count: 6, dim: 3 }, factor).members).toHaveLength(Math.floor(6 / factor));
    }
  });
});

describe("the clusters of an index", () => {
  it("are SciPy's, by Ward's method on the vectors themselves", () => {
    for (const { factor, vectors, wardOfVectors } of pooling.cases) {
      const matrix = matrixOf(vectors);
      expect(labels(clusterVectors(matrix, factor), matrix.count)).toEqual(wardOfVectors);
    }
  });
});
