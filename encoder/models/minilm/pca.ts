/**
 * Principal components of many vectors, seen one batch at a time. Only `train-projection.ts` needs it.
 *
 * @module
 */
import { EigenvalueDecomposition, Matrix } from "ml-matrix";

export interface PrincipalComponents {
  /** `[dim]`: the mean. */
  centre: Float32Array;
  /** `[dim, components]`, row-major; columns are unit eigenvectors of the covariance, largest variance first. */
  matrix: Float32Array;
  /** Share of the variance that the kept components carry, 0…1. */
  explainedVariance: number;
}

/** Sums up first and second moments in double precision. */
export class MomentAccumulator {
  readonly #dim: number;
  readonly #sum: Matrix;
  readonly #products: Matrix;
  #count = 0;

  constructor(dim: number) {
    this.#dim = dim;
    this.#sum = Matrix.zeros(1, dim);
    this.#products = Matrix.zeros(dim, dim);
  }

  get count(): number {
    return this.#count;
  }

  /** Adds the rows of `vectors` `[n, dim]`. */
  add(vectors: Float32Array): void {
    const rows = vectors.length / this.#dim;
    const batch = Matrix.from1DArray(rows, this.#dim, Array.from(vectors));
    this.#sum.add(Matrix.rowVector(batch.sum("column")));
    this.#products.add(batch.transpose().mmul(batch));
    this.#count += rows;
  }

  /** The leading components. Every column's sign is fixed: its largest entry is positive. */
  principalComponents(components: number): PrincipalComponents {
    const mean = Matrix.div(this.#sum, this.#count);
    const covariance = Matrix.div(this.#products, this.#count).sub(mean.transpose().mmul(mean));
    const decomposition = new EigenvalueDecomposition(covariance, { assumeSymmetric: true });
    const eigenvectors = decomposition.eigenvectorMatrix;
    const order = decomposition.realEigenvalues
      .map((variance, column) => ({ variance, column }))
      .sort((a, b) => b.variance - a.variance);
    const kept = order.slice(0, components);
    const matrix = new Float32Array(this.#dim * components);
    for (const [component, { column }] of kept.entries()) {
      const vector = eigenvectors.getColumn(column);
      const sign = largest(vector) < 0 ? -1 : 1;
      for (const [d, value] of vector.entries()) matrix[d * components + component] = sign * value;
    }
    return {
      centre: Float32Array.from(mean.getRow(0)),
      matrix,
      explainedVariance: total(kept) / total(order),
    };
  }
}

/** The entry of largest magnitude. */
function largest(values: readonly number[]): number {
  return values.reduce((best, value) => (Math.abs(value) > Math.abs(best) ? value : best), 0);
}

function total(rows: readonly { variance: number }[]): number {
  return rows.reduce((sum, row) => sum + row.variance, 0);
}
