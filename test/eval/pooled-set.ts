/**
 * A set of vectors after token pooling.
 *
 * @module
 */
import type { Matrix } from "../../encoder/indexing/matrix-runner.ts";
import { poolVectors } from "../../encoder/indexing/pooling.ts";
import type { VectorSet } from "./vector-set.ts";

/** The vectors that those of a page become. */
export type Pool = (vectors: Matrix, factor: number) => { vectors: Matrix };

/** `set` with one page vector for every `factor`; queries stay. */
export function poolSet(set: VectorSet, factor: number, pool: Pool = poolVectors): VectorSet {
  if (factor === 1) return set;
  const { values, dim } = set.vectors;
  const parts: Float32Array[] = [];
  let filled = 0;
  const pages = set.pages.map(({ first, count, key }) => {
    const own = { values: values.subarray(first * dim, (first + count) * dim), count, dim };
    const pooled = pool(own, factor).vectors;
    parts.push(pooled.values);
    filled += pooled.count;
    return { first: filled - pooled.count, count: pooled.count, key };
  });
  const vectors = { values: new Float32Array(filled * dim), count: filled, dim };
  let at = 0;
  for (const part of parts) {
    vectors.values.set(part, at);
    at += part.length;
  }
  return { ...set, vectors, pages };
}
