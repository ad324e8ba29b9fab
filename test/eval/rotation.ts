/**
 * Optimised product quantisation without a distribution assumed: a rotation of the residuals and codewords, trained in turns (Ge,
 * He, Ke and Sun, "Optimized Product Quantization", 2013). An experiment: docs/compression.md says why no index has it.
 *
 * @module
 */
import type { PageCodes } from "../../shared/format/contract.ts";
import { seededRandom } from "../../shared/seeded-random.ts";
import type { Matrix, MatrixRunner } from "../../encoder/indexing/matrix-runner.ts";
import { trainCodewords } from "../../encoder/indexing/product-quantizer.ts";
import { type CentroidPart, decodeVectors } from "../../encoder/indexing/vector-coder.ts";

/** Orthogonal `[dim, dim]`, row-major: a residual r becomes `rotation`·r. */
export type Rotation = Float64Array;

const ROUNDS = 8;
/** Of the residuals that codewords are trained on; the last training, of the codewords that are used, has all. */
const RESIDUALS = 16_384;
/** Newton's iteration doubles the digits of every round once it is near; it starts from condition numbers of a few hundred. */
const POLAR_ROUNDS = 30;

export async function trainRotation(runner: MatrixRunner, residuals: Matrix, subspaces: number): Promise<Rotation> {
  const { dim } = residuals;
  const sample = {
    values: residuals.values.subarray(0, RESIDUALS * dim),
    count: Math.min(RESIDUALS, residuals.count),
    dim,
  };
  let rotation = identity(dim);
  for (let round = 0; round < ROUNDS; round++) {
    const turned = await applyRotation(runner, sample, rotation);
    const codewords = await trainCodewords(runner, turned, subspaces, seededRandom(round));
    const codes = await runner.nearestCodewords(turned, codewords, subspaces);
    // Rows of `decoded` are to be near rotation·residual: the best rotation is the polar factor of Σ decoded·residualᵀ.
    rotation = polarFactor(outerProducts(decodeResiduals(dim, subspaces, codewords, codes), sample), dim);
  }
  return rotation;
}

export async function applyRotation(
  runner: MatrixRunner,
  vectors: Matrix,
  rotation: Rotation | undefined,
): Promise<Matrix> {
  if (rotation === undefined) return vectors;
  const { count, dim } = vectors;
  const rows = { values: Float32Array.from(rotation), count: dim, dim };
  for await (const { table } of runner.products(vectors, rows)) return { values: table, count, dim };
  throw new RangeError("a rotation without rows");
}

/** The vectors that codes of rotated residuals stand for. */
export async function rotateBack(
  runner: MatrixRunner,
  codec: { centroidPart: CentroidPart; codewords: Float32Array; subspaces: number; rotation: Rotation },
  { centroidIds, codes }: PageCodes,
): Promise<Matrix> {
  const { centroidPart, codewords, subspaces, rotation } = codec;
  const { dim, centroids, centroidScale } = centroidPart;
  const turned = decodeResiduals(dim, subspaces, codewords, codes);
  const vectors = await applyRotation(runner, turned, transposed(rotation, dim));
  for (let at = 0; at < vectors.values.length; at++) {
    const centroid = centroids[(centroidIds[Math.floor(at / dim)] ?? 0) * dim + (at % dim)] ?? 0;
    vectors.values[at] = (vectors.values[at] ?? 0) + centroid * centroidScale;
  }
  return vectors;
}

function decodeResiduals(dim: number, subspaces: number, codewords: Float32Array, codes: Uint8Array): Matrix {
  const count = codes.length / subspaces;
  const nothing = { dim, centroidCount: 1, centroids: new Int8Array(dim), centroidScale: 1, subspaces, codewords };
  return decodeVectors(nothing, { centroidIds: new Uint16Array(count), codes });
}

/** Σ over rows of leftᵀ·right, `[dim, dim]`. */
function outerProducts(left: Matrix, right: Matrix): Float64Array {
  const { count, dim } = left;
  const sums = new Float64Array(dim * dim);
  for (let row = 0; row < count; row++) {
    for (let i = 0; i < dim; i++) {
      const factor = left.values[row * dim + i] ?? 0;
      for (let j = 0; j < dim; j++)
        sums[i * dim + j] = (sums[i * dim + j] ?? 0) + factor * (right.values[row * dim + j] ?? 0);
    }
  }
  return sums;
}

/** The orthogonal matrix nearest to `matrix`, by Newton's iteration X ← (X + X⁻ᵀ) / 2 (Higham, 1986). */
export function polarFactor(matrix: Float64Array, dim: number): Rotation {
  let current = Float64Array.from(matrix);
  for (let round = 0; round < POLAR_ROUNDS; round++) {
    const inverse = inverted(current, dim);
    const size = Math.sqrt(frobenius(inverse) / frobenius(current));
    // Scaling by the norms makes the first rounds, far from orthogonal, take long steps.
    const scale = Math.abs(size - 1) < 1e-9 ? 1 : size;
    current = current.map((value, at) => {
      const other = inverse[(at % dim) * dim + Math.floor(at / dim)] ?? 0;
      return (scale * value + other / scale) / 2;
    });
  }
  return current;
}

function frobenius(matrix: Float64Array): number {
  return Math.sqrt(matrix.reduce((sum, value) => sum + value * value, 0));
}

/** By Gauss and Jordan with pivots. */
function inverted(matrix: Float64Array, dim: number): Float64Array {
  const left = Float64Array.from(matrix);
  const right = identity(dim);
  for (let column = 0; column < dim; column++) {
    let pivot = column;
    for (let row = column; row < dim; row++) {
      if (Math.abs(left[row * dim + column] ?? 0) > Math.abs(left[pivot * dim + column] ?? 0)) pivot = row;
    }
    for (const side of [left, right]) swapRows(side, dim, column, pivot);
    const value = left[column * dim + column] ?? 0;
    if (value === 0) throw new RangeError("a matrix without an inverse");
    for (const side of [left, right]) scaleRow(side, dim, column, 1 / value);
    for (let row = 0; row < dim; row++) {
      const factor = left[row * dim + column] ?? 0;
      if (row === column || factor === 0) continue;
      for (const side of [left, right]) subtractRow(side, dim, row, column, factor);
    }
  }
  return right;
}

function swapRows(matrix: Float64Array, dim: number, a: number, b: number): void {
  const row = matrix.slice(a * dim, (a + 1) * dim);
  matrix.copyWithin(a * dim, b * dim, (b + 1) * dim);
  matrix.set(row, b * dim);
}

function scaleRow(matrix: Float64Array, dim: number, row: number, factor: number): void {
  for (let at = row * dim; at < (row + 1) * dim; at++) matrix[at] = (matrix[at] ?? 0) * factor;
}

function subtractRow(matrix: Float64Array, dim: number, row: number, other: number, factor: number): void {
  for (let i = 0; i < dim; i++) {
    matrix[row * dim + i] = (matrix[row * dim + i] ?? 0) - factor * (matrix[other * dim + i] ?? 0);
  }
}

function transposed(matrix: Float64Array, dim: number): Float64Array {
  return matrix.map((_, at) => matrix[(at % dim) * dim + Math.floor(at / dim)] ?? 0);
}

function identity(dim: number): Float64Array {
  return Float64Array.from({ length: dim * dim }, (_, at) => (at % (dim + 1) === 0 ? 1 : 0));
}
