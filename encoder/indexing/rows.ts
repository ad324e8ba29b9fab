/**
 * Rows of a matrix, picked and averaged.
 *
 * @module
 */
import type { Matrix } from "./matrix-runner.ts";

/** A matrix of the given `rows` of `matrix`, in that order. */
export function gatherRows({ values, dim }: Matrix, rows: Uint32Array): Matrix {
  const gathered = new Float32Array(rows.length * dim);
  for (let position = 0; position < rows.length; position++) {
    const row = rows[position] ?? 0;
    gathered.set(values.subarray(row * dim, (row + 1) * dim), position * dim);
  }
  return { values: gathered, count: rows.length, dim };
}

/** The mean of rows `offsets[g] … offsets[g + 1])` for every group g, `[groups, dim]`; zeros for an empty group. */
export function meanRows({ values, dim }: Matrix, offsets: Uint32Array): Matrix {
  const count = offsets.length - 1;
  const means = new Float32Array(count * dim);
  for (let group = 0; group < count; group++) {
    const first = offsets[group] ?? 0;
    const end = offsets[group + 1] ?? first;
    const mean = means.subarray(group * dim, (group + 1) * dim);
    for (let at = first * dim; at < end * dim; at++) mean[at % dim] = (mean[at % dim] ?? 0) + (values[at] ?? 0);
    if (end > first) mean.forEach((sum, i) => (mean[i] = sum / (end - first)));
  }
  return { values: means, count, dim };
}
