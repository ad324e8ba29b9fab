/**
 * Vectors for the tests of this folder.
 *
 * @module
 */
import type { Matrix } from "./matrix-runner.ts";
import { seededIndex } from "./random-sample.ts";

const STEPS = 1 << 20;

/** `count` seeded vectors of length 1 around `topics` random directions; `spread` 0 puts every vector on its topic. */
export function topicVectors(options: {
  count: number;
  dim: number;
  topics: number;
  spread: number;
  seed: number;
}): Matrix {
  const { count, dim, topics, spread, seed } = options;
  const randomIndex = seededIndex(seed);
  const uniform = () => (2 * randomIndex(STEPS)) / STEPS - 1;
  const directions = unitRows(Float32Array.from({ length: topics * dim }, uniform), dim);
  const values = Float32Array.from({ length: count * dim }, (_, at) => {
    const topic = Math.floor(at / dim) % topics;
    return (directions[topic * dim + (at % dim)] ?? 0) + spread * uniform();
  });
  return { values: unitRows(values, dim), count, dim };
}

/** `values` `[n, dim]` with every row scaled to length 1. */
export function unitRows(values: Float32Array, dim: number): Float32Array {
  for (let start = 0; start < values.length; start += dim) {
    const row = values.subarray(start, start + dim);
    const norm = Math.sqrt(row.reduce((sum, value) => sum + value * value, 0)) || 1;
    row.forEach((value, i) => (row[i] = value / norm));
  }
  return values;
}

/** Inner product of two rows of one matrix layout. */
export function dot(a: Float32Array, aRow: number, b: Float32Array, bRow: number, dim: number): number {
  let sum = 0;
  for (let i = 0; i < dim; i++) sum += (a[aRow * dim + i] ?? 0) * (b[bRow * dim + i] ?? 0);
  return sum;
}
