/**
 * Vectors for the tests of this folder.
 *
 * @module
 */
import { documentIdOf } from "../../shared/names.ts";
import { COORDINATE_MAX, type DocumentEntry, type EncodedPage } from "../../shared/page.ts";
import type { Matrix } from "./matrix-runner.ts";
import { seededRandom } from "../../shared/seeded-random.ts";

/** `count` seeded vectors of length 1 around `topics` random directions; `spread` 0 puts every vector on its topic. */
export function topicVectors(options: {
  count: number;
  dim: number;
  topics: number;
  spread: number;
  seed: number;
}): Matrix {
  const { count, dim, topics, spread, seed } = options;
  const random = seededRandom(seed);
  const uniform = () => 2 * random.next() - 1;
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

/** A page of one word per vector, in a column. */
export function encodedPage({ values, count, dim }: Matrix, pageNumber: number): EncodedPage {
  const rowHeight = Math.floor(COORDINATE_MAX / (count + 1));
  return {
    pageNumber,
    width: 612,
    height: 792,
    status: count > 0 ? "searchable" : "no-text",
    vectorCount: count,
    vectors: values.subarray(0, count * dim),
    geometry: {
      kind: "words",
      boxes: Uint16Array.from({ length: count * 4 }, (_, at) => {
        const top = Math.floor(at / 4) * rowHeight;
        return [0, top, COORDINATE_MAX, top + rowHeight][at % 4] ?? 0;
      }),
      columns: 0,
      rows: 0,
      regionOfVector: Uint16Array.from({ length: count }, (_, vector) => vector),
    },
    text: Array.from({ length: count }, (_, word) => `word${word}`).join(" "),
  };
}

/** A document called `name`. */
export async function documentEntry(
  name: string,
  pageCount: number,
  revision = "0123456789abcdef",
): Promise<DocumentEntry> {
  const id = await documentIdOf(name);
  const contentType = "application/pdf";
  return { id, name, revision, contentType, sourceBytes: 1_000, pageCount, addedAtMs: 1_700_000_000_000, metadata: {} };
}
