import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { NO_REGION } from "../../shared/page.ts";
import type { Matrix } from "./matrix-runner.ts";
import { clusterVectors, MAX_POOLED_TOGETHER, poolPage } from "./pooling.ts";
import { encodedPage, topicVectors, unitRows } from "./testing.ts";

/** Ward's method by its definition: always merge the pair whose union adds least to the squared distances to the means. */
function wardByDefinition({ values, count, dim }: Matrix, wanted: number): number[][] {
  const clusters = Array.from({ length: count }, (_, row) => [row]);
  const meanOf = (rows: readonly number[], i: number) =>
    rows.reduce((sum, row) => sum + (values[row * dim + i] ?? 0), 0) / rows.length;
  const costOf = (a: readonly number[], b: readonly number[]) => {
    let squared = 0;
    for (let i = 0; i < dim; i++) squared += (meanOf(a, i) - meanOf(b, i)) ** 2;
    return (squared * a.length * b.length) / (a.length + b.length);
  };
  while (clusters.length > wanted) {
    let best = { cost: Infinity, a: 0, b: 0 };
    clusters.forEach((left, a) =>
      clusters.slice(0, a).forEach((right, b) => {
        const cost = costOf(left, right);
        if (cost < best.cost) best = { cost, a, b };
      }),
    );
    const [merged = []] = clusters.splice(best.a, 1);
    clusters[best.b] = [...(clusters[best.b] ?? []), ...merged].toSorted((x, y) => x - y);
  }
  return clusters.toSorted((x, y) => (x[0] ?? 0) - (y[0] ?? 0));
}

describe("clusterVectors", () => {
  it("gives the clusters of Ward's method", () => {
    const shape = fc.record({
      count: fc.integer({ min: 1, max: 40 }),
      dim: fc.constantFrom(2, 8, 16),
      topics: fc.integer({ min: 1, max: 6 }),
      spread: fc.constantFrom(0.1, 0.5, 2),
      seed: fc.integer({ min: 1, max: 1_000_000 }),
    });
    fc.assert(
      fc.property(shape, fc.integer({ min: 2, max: 4 }), (options, factor) => {
        const vectors = topicVectors(options);
        expect(clusterVectors(vectors, factor)).toEqual(wardByDefinition(vectors, Math.ceil(options.count / factor)));
      }),
      { numRuns: 60 },
    );
  });

  it("ends when all vectors are equal", () => {
    const vectors = topicVectors({ count: 30, dim: 8, topics: 1, spread: 0, seed: 1 });
    const clusters = clusterVectors(vectors, 3);
    expect(clusters).toHaveLength(10);
    expect(clusters.flat().toSorted((a, b) => a - b)).toEqual(Array.from({ length: 30 }, (_, row) => row));
  });

  it("keeps a long page's runs apart, and every vector", () => {
    const count = MAX_POOLED_TOGETHER + 3;
    const clusters = clusterVectors(topicVectors({ count, dim: 2, topics: 5, spread: 0.2, seed: 3 }), 2);
    expect(clusters).toHaveLength(MAX_POOLED_TOGETHER / 2 + 2);
    expect(clusters.flat().toSorted((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, row) => row));
    const mixed = clusters.filter((rows) => rows.some((row) => row < MAX_POOLED_TOGETHER));
    expect(mixed.flat().every((row) => row < MAX_POOLED_TOGETHER)).toBe(true);
  });
});

describe("poolPage", () => {
  const values = unitRows(Float32Array.of(1, 0, 0.9, 0.1, 0, 1, 0.2, 0.9, 0.1, 0.9), 2);
  const page = encodedPage({ values, count: 5, dim: 2 }, 7);

  it("puts means of length 1 where their nearest members sit", () => {
    const pooled = poolPage(page, 2, 3);
    expect(pooled.vectorCount).toBe(2);
    const sum = [0, 1].map((i) => [2, 3, 4].reduce((total, row) => total + (values[row * 2 + i] ?? 0), 0));
    const norm = Math.hypot(...sum);
    expect(pooled.vectors[2]).toBeCloseTo((sum[0] ?? 0) / norm, 6);
    expect(pooled.vectors[3]).toBeCloseTo((sum[1] ?? 0) / norm, 6);
    expect([...pooled.geometry.regionOfVector]).toEqual([
      page.geometry.regionOfVector[0],
      page.geometry.regionOfVector[4],
    ]);
    expect(pooled.geometry.boxes).toBe(page.geometry.boxes);
    expect({ ...pooled, vectorCount: 5, vectors: values, geometry: page.geometry }).toEqual(page);
  });

  it("prefers a member that has a place", () => {
    const regionOfVector = Uint16Array.from(page.geometry.regionOfVector);
    regionOfVector[4] = NO_REGION;
    const pooled = poolPage({ ...page, geometry: { ...page.geometry, regionOfVector } }, 2, 3);
    expect(pooled.geometry.regionOfVector[1]).toBe(3);
  });

  it("keeps one of two vectors that cancel out", () => {
    const opposite = encodedPage({ values: Float32Array.of(1, 0, -1, 0), count: 2, dim: 2 }, 1);
    expect([...poolPage(opposite, 2, 2).vectors]).toEqual([1, 0]);
  });

  it("leaves blank pages, single vectors and factor 1 alone", () => {
    const blank = encodedPage({ values: new Float32Array(), count: 0, dim: 2 }, 1);
    const single = encodedPage({ values: Float32Array.of(1, 0), count: 1, dim: 2 }, 1);
    expect(poolPage(blank, 2, 3)).toBe(blank);
    expect(poolPage(single, 2, 3)).toBe(single);
    expect(poolPage(page, 2, 1)).toBe(page);
  });
});
