/**
 * Exact vectors as they are kept: int8 with one scale per vector. Codes are made from these, not from the floats, so that
 * an index rebuilt from its own vectors comes out the same.
 *
 * @module
 */
import { MaxleafError } from "../../shared/errors.ts";
import type { PageVectors } from "../../shared/format/contract.ts";
import { MAX_VECTORS_PER_PAGE } from "../../shared/limits.ts";
import type { EncodedPage } from "../../shared/page.ts";
import type { Matrix } from "./matrix-runner.ts";

const INT8_MAX = 127;

/** A page whose vectors are int8; `page.vectors` is empty. */
export interface QuantizedPage {
  page: EncodedPage;
  exact: PageVectors;
}

export function quantizePage(page: EncodedPage, dim: number): QuantizedPage {
  const exact = quantizeVectors({ values: page.vectors, count: page.vectorCount, dim });
  return { page: { ...page, vectors: new Float32Array() }, exact };
}

/** Rows of `vectors` `[count, dim]` on a scale that makes each row's largest value ±127: a cosine above .9999 to the row. */
export function quantizeVectors({ values, count, dim }: Matrix): PageVectors {
  const exact: PageVectors = { scales: new Float32Array(count), values: new Int8Array(count * dim) };
  for (let row = 0; row < count; row++) {
    const vector = values.subarray(row * dim, (row + 1) * dim);
    let largest = 0;
    for (const value of vector) largest = Math.max(largest, Math.abs(value));
    const scale = Math.fround(largest / INT8_MAX);
    exact.scales[row] = scale;
    if (scale === 0) continue;
    for (let i = 0; i < dim; i++) exact.values[row * dim + i] = Math.round((vector[i] ?? 0) / scale);
  }
  return exact;
}

/** Writes the rows that `exact` stands for into `target` from row `firstRow`. */
export function dequantizeInto(target: Matrix, firstRow: number, exact: PageVectors): void {
  const { dim, values } = target;
  const start = firstRow * dim;
  for (let at = 0; at < exact.values.length; at++) {
    values[start + at] = (exact.values[at] ?? 0) * (exact.scales[Math.floor(at / dim)] ?? 0);
  }
}

/**
 * Throws `internal` when an encoder handed over a page that no index can hold: wrong lengths, numbers that are not
 * finite, a status that contradicts the vectors.
 */
export function checkEncodedPage(page: EncodedPage, dim: number): void {
  const fail = (problem: string): never => {
    throw new MaxleafError("internal", `the encoder gave page ${page.pageNumber} ${problem}`);
  };
  const { vectorCount, vectors, geometry, status } = page;
  if (vectorCount > MAX_VECTORS_PER_PAGE) fail(`${vectorCount} vectors; a page holds at most ${MAX_VECTORS_PER_PAGE}`);
  if (vectors.length !== vectorCount * dim) fail(`${vectors.length} values for ${vectorCount} vectors of ${dim}`);
  if (geometry.regionOfVector.length !== vectorCount) {
    fail(`${geometry.regionOfVector.length} regions for ${vectorCount} vectors`);
  }
  if ((status === "searchable") !== vectorCount > 0) fail(`the status "${status}" and ${vectorCount} vectors`);
  if (!vectors.every((value) => Number.isFinite(value))) fail("a vector with a value that is no finite number");
}
