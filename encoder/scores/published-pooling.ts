/**
 * Token pooling as published code does it: colpali-engine's `HierarchicalTokenPooler` (read at 9be8f19), and but for the scaling to
 * length 1 ColBERT's and PyLate's `pool_embeddings_hierarchical`. docs/scores.md says how `indexing/pooling.ts` differs and what the
 * difference is worth; this is what it is compared with.
 *
 * @module
 */
import type { Matrix } from "../indexing/matrix-runner.ts";
import { meanDirections, wardClusters } from "../indexing/pooling.ts";

/**
 * ⌊rows / factor⌋ vectors of length 1, at least one, and the rows that each stands for.
 *
 * Ward's method gets a row's cosine distances to all rows as that row's *coordinates*: published code hands SciPy's `linkage` the
 * square matrix of distances, which it takes for points.
 */
export function poolAsPublished(vectors: Matrix, factor: number): { vectors: Matrix; members: number[][] } {
  const wanted = Math.max(1, Math.floor(vectors.count / factor));
  const members = wardClusters(cosineDistances(vectors), wanted);
  return { vectors: meanDirections(vectors, members), members };
}

/** 1 − product of all pairs of rows, `[count, count]`. */
function cosineDistances({ values, count, dim }: Matrix): Matrix {
  const distances = new Float32Array(count * count);
  for (let a = 0; a < count; a++) {
    for (let b = 0; b <= a; b++) {
      let product = 0;
      for (let d = 0; d < dim; d++) product += (values[a * dim + d] ?? 0) * (values[b * dim + d] ?? 0);
      distances[a * count + b] = 1 - product;
      distances[b * count + a] = 1 - product;
    }
  }
  return { values: distances, count, dim: count };
}
