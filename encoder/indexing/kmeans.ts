/**
 * Spherical k-means: centroids of length 1, every vector belongs to the centroid at the smallest angle (Dhillon and
 * Modha, "Concept Decompositions for Large Sparse Text Data Using Clustering", 2001).
 *
 * @module
 */
import type { Random } from "../../shared/ports.ts";
import type { Matrix, MatrixRunner } from "./matrix-runner.ts";
import { sampleIndexes } from "./random-sample.ts";
import { floatBlocks, gatherRows, type Rows } from "./rows.ts";

/**
 * Rounds of assignment and averaging. With 4,096 centroids on Cranfield's token vectors (32 for each), the mean cosine of
 * unseen vectors to their centroid is .813, .869, .880, .886, .888, .888 and .889 after 0, 1, 2, 4, 6, 8 and 12 rounds.
 */
export const KMEANS_ITERATIONS = 6;

export interface KmeansOptions {
  centroidCount: number;
  random: Random;
  iterations?: number;
  /** Called after every round with its number, from 1. */
  onIteration?: ((iteration: number) => void) | undefined;
}

/**
 * Centroids `[centroidCount, dim]`, rows of length 1, of `vectors` (rows of length 1, at least `centroidCount` of them).
 * A centroid left without vectors moves to the vector that is served worst.
 */
export async function trainCentroids(
  runner: MatrixRunner,
  vectors: Rows,
  { centroidCount, random, iterations = KMEANS_ITERATIONS, onIteration }: KmeansOptions,
): Promise<Float32Array> {
  const { dim } = vectors;
  if (centroidCount < 1 || centroidCount > vectors.count) {
    throw new RangeError(`${centroidCount} centroids cannot be trained on ${vectors.count} vectors`);
  }
  const { values: centroids } = gatherRows(vectors, sampleIndexes(centroidCount, vectors.count, random));
  for (let iteration = 1; iteration <= iterations; iteration++) {
    const ids = await nearestOf(runner, vectors, { values: centroids, count: centroidCount, dim });
    const empty = moveToMeanDirections(centroids, vectors, ids);
    reseed(centroids, empty, vectors, ids);
    onIteration?.(iteration);
  }
  return centroids;
}

/** The centroid at the smallest angle to each vector, `[vectors.count]`. */
export async function nearestOf(runner: MatrixRunner, vectors: Rows, centroids: Matrix): Promise<Int32Array> {
  const ids = new Int32Array(vectors.count);
  for (const block of floatBlocks(vectors)) ids.set(await runner.nearestRows(block, centroids), block.first);
  return ids;
}

/** Sets every centroid to the direction of the sum of its vectors; returns the centroids that have none. */
export function moveToMeanDirections(centroids: Float32Array, vectors: Rows, ids: Int32Array): number[] {
  const { dim } = vectors;
  const sums = new Float64Array(centroids.length);
  for (const { first, count, values } of floatBlocks(vectors)) {
    for (let vector = 0; vector < count; vector++) {
      const from = vector * dim;
      const to = (ids[first + vector] ?? 0) * dim;
      for (let i = 0; i < dim; i++) sums[to + i] = (sums[to + i] ?? 0) + (values[from + i] ?? 0);
    }
  }
  const empty: number[] = [];
  for (let centroid = 0; centroid * dim < centroids.length; centroid++) {
    const sum = sums.subarray(centroid * dim, (centroid + 1) * dim);
    const norm = Math.sqrt(sum.reduce((total, value) => total + value * value, 0));
    if (norm === 0) {
      empty.push(centroid);
      continue;
    }
    for (let i = 0; i < dim; i++) centroids[centroid * dim + i] = (sum[i] ?? 0) / norm;
  }
  return empty;
}

/** Moves each of the `empty` centroids to a vector of its own among those served worst. */
export function reseed(centroids: Float32Array, empty: readonly number[], vectors: Rows, ids: Int32Array): void {
  if (empty.length === 0) return;
  const cosines = cosinesTo(centroids, vectors, ids);
  const worstFirst = Uint32Array.from({ length: vectors.count }, (_, vector) => vector).sort(
    (a, b) => (cosines[a] ?? 0) - (cosines[b] ?? 0) || a - b,
  );
  const { values, dim } = gatherRows(vectors, worstFirst.subarray(0, empty.length));
  empty.forEach((centroid, position) => {
    centroids.set(values.subarray(position * dim, (position + 1) * dim), centroid * dim);
  });
}

/** The cosine of each vector and its centroid, `[vectors.count]`. */
function cosinesTo(centroids: Float32Array, vectors: Rows, ids: Int32Array): Float32Array {
  const { dim } = vectors;
  const cosines = new Float32Array(vectors.count);
  for (const { first, count, values } of floatBlocks(vectors)) {
    for (let vector = 0; vector < count; vector++) {
      const centroid = (ids[first + vector] ?? 0) * dim;
      let sum = 0;
      for (let i = 0; i < dim; i++) sum += (values[vector * dim + i] ?? 0) * (centroids[centroid + i] ?? 0);
      cosines[first + vector] = sum;
    }
  }
  return cosines;
}
