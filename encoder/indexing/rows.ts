/**
 * Rows of a matrix, picked and averaged; as floats or as they are stored.
 *
 * @module
 */
import type { PageVectors } from "../../shared/format/contract.ts";
import type { Matrix } from "./matrix-runner.ts";
import { dequantizeInto } from "./page-vectors.ts";

/** Row-major matrix as an index stores vectors: int8 with a scale for each row, a quarter of the bytes of floats. */
export interface QuantizedMatrix extends PageVectors {
  count: number;
  dim: number;
}

/** A matrix in either form. */
export type Rows = Matrix | QuantizedMatrix;

/** Rows that are floats at a time: 8 MB at 128 values. */
const BLOCK_ROWS = 16_384;

/** An empty matrix of `count` rows, to be filled by {@link setQuantizedRow}. */
export function quantizedMatrix(count: number, dim: number): QuantizedMatrix {
  return { scales: new Float32Array(count), values: new Int8Array(count * dim), count, dim };
}

/** Row `to` of `target` becomes row `from` of `vectors`, which has as many values. */
export function setQuantizedRow(target: QuantizedMatrix, to: number, vectors: PageVectors, from: number): void {
  const { dim } = target;
  target.scales[to] = vectors.scales[from] ?? 0;
  target.values.set(vectors.values.subarray(from * dim, (from + 1) * dim), to * dim);
}

/**
 * All rows as floats, a block at a time (floats as they are, all at once). The values of a block are those of the next one as
 * soon as that is asked for.
 */
export function* floatBlocks(rows: Rows): Generator<Matrix & { first: number }> {
  if (!("scales" in rows)) {
    yield { ...rows, first: 0 };
    return;
  }
  const { count: total, dim, scales, values } = rows;
  const floats = new Float32Array(Math.min(total, BLOCK_ROWS) * dim);
  for (let first = 0; first < total; first += BLOCK_ROWS) {
    const last = Math.min(first + BLOCK_ROWS, total);
    const block = { values: floats.subarray(0, (last - first) * dim), count: last - first, dim };
    dequantizeInto(block, 0, {
      scales: scales.subarray(first, last),
      values: values.subarray(first * dim, last * dim),
    });
    yield { ...block, first };
  }
}

/** A matrix of the given `rows` of `matrix`, in that order. */
export function gatherRows(matrix: Rows, rows: Uint32Array): Matrix {
  const { dim } = matrix;
  const gathered: Matrix = { values: new Float32Array(rows.length * dim), count: rows.length, dim };
  for (let position = 0; position < rows.length; position++) {
    const row = rows[position] ?? 0;
    if (!("scales" in matrix)) {
      gathered.values.set(matrix.values.subarray(row * dim, (row + 1) * dim), position * dim);
      continue;
    }
    const scales = matrix.scales.subarray(row, row + 1);
    dequantizeInto(gathered, position, { scales, values: matrix.values.subarray(row * dim, (row + 1) * dim) });
  }
  return gathered;
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
