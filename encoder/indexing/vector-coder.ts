/**
 * Codes vectors under a codebook: nearest centroid, then the product-quantiser code of what it leaves over.
 *
 * @module
 */
import type { Codebook, PageCodes } from "../../shared/format/contract.ts";
import { CODEWORDS_PER_SUBSPACE } from "../../shared/limits.ts";
import { halfSquaredNorms, type Matrix, type MatrixRunner } from "./matrix-runner.ts";

/** Centroids as they are stored; a codebook in training has these before it has codewords. */
export type CentroidPart = Pick<Codebook, "dim" | "centroidCount" | "centroids" | "centroidScale">;

/** What decoding needs. */
export type CodecPart = CentroidPart & Pick<Codebook, "subspaces" | "codewords">;

/** Assigns vectors to centroids. Holds the centroids as floats, `[centroidCount, dim]`. */
export class CentroidAssigner {
  readonly #runner: MatrixRunner;
  readonly #centroids: Matrix;
  readonly #bias: Float32Array<ArrayBuffer>;

  constructor(runner: MatrixRunner, { dim, centroidCount, centroids, centroidScale }: CentroidPart) {
    this.#runner = runner;
    this.#centroids = {
      values: Float32Array.from(centroids, (value) => value * centroidScale),
      count: centroidCount,
      dim,
    };
    this.#bias = halfSquaredNorms(this.#centroids.values, dim);
  }

  /**
   * The centroid nearest to each vector by Euclidean distance, the one that leaves the smallest residual. (By angle is
   * not quite the same: rounding to int8 changes the centroids' lengths a little.)
   */
  async assign(vectors: Matrix): Promise<Uint16Array> {
    return Uint16Array.from(await this.#runner.nearestRows(vectors, this.#centroids, this.#bias));
  }

  /** Vector − centroid, `[count, dim]`. */
  residuals({ values, count, dim }: Matrix, centroidIds: Uint16Array): Matrix {
    const centroids = this.#centroids.values;
    const residuals = new Float32Array(count * dim);
    for (let vector = 0; vector < count; vector++) {
      const from = vector * dim;
      const centroid = (centroidIds[vector] ?? 0) * dim;
      for (let i = 0; i < dim; i++) residuals[from + i] = (values[from + i] ?? 0) - (centroids[centroid + i] ?? 0);
    }
    return { values: residuals, count, dim };
  }
}

/** Codes vectors under one codebook. */
export class VectorCoder {
  readonly codebook: Codebook;
  readonly #runner: MatrixRunner;
  readonly #assigner: CentroidAssigner;

  constructor(runner: MatrixRunner, codebook: Codebook) {
    this.codebook = codebook;
    this.#runner = runner;
    this.#assigner = new CentroidAssigner(runner, codebook);
  }

  async code(vectors: Matrix): Promise<PageCodes> {
    const centroidIds = await this.#assigner.assign(vectors);
    const residuals = this.#assigner.residuals(vectors, centroidIds);
    const { codewords, subspaces } = this.codebook;
    return { centroidIds, codes: await this.#runner.nearestCodewords(residuals, codewords, subspaces) };
  }
}

/** The vectors that `codes` stand for, `[count, dim]`; about length 1, not exactly. */
export function decodeVectors(codebook: CodecPart, { centroidIds, codes }: PageCodes): Matrix {
  const { dim, subspaces, centroids, centroidScale, codewords } = codebook;
  const width = dim / subspaces;
  const values = new Float32Array(centroidIds.length * dim);
  for (let vector = 0; vector < centroidIds.length; vector++) {
    const centroid = (centroidIds[vector] ?? 0) * dim;
    for (let i = 0; i < dim; i++) {
      const subspace = Math.floor(i / width);
      const code = codes[vector * subspaces + subspace] ?? 0;
      const residual = codewords[(subspace * CODEWORDS_PER_SUBSPACE + code) * width + (i % width)] ?? 0;
      values[vector * dim + i] = (centroids[centroid + i] ?? 0) * centroidScale + residual;
    }
  }
  return { values, count: centroidIds.length, dim };
}

/** Cosine of every vector (length 1) and what its code decodes to: how much coding lost. `[count]`. */
export function decodedCosines(codebook: CodecPart, vectors: Matrix, codes: PageCodes): Float32Array {
  const { dim } = vectors;
  const decoded = decodeVectors(codebook, codes).values;
  return Float32Array.from({ length: vectors.count }, (_, vector) => {
    let dot = 0;
    let squares = 0;
    for (let at = vector * dim; at < (vector + 1) * dim; at++) {
      const value = decoded[at] ?? 0;
      dot += (vectors.values[at] ?? 0) * value;
      squares += value * value;
    }
    return squares === 0 ? 0 : dot / Math.sqrt(squares);
  });
}
