/**
 * Product quantisation of residuals: the vector is cut into M parts, each coded as the nearest of 256 codewords (Jégou,
 * Douze and Schmid, "Product Quantization for Nearest Neighbor Search", 2011).
 *
 * @module
 */
import { MaxleafError } from "../../shared/errors.ts";
import { CODEWORDS_PER_SUBSPACE, MAX_SUBSPACES } from "../../shared/limits.ts";
import type { Random } from "../../shared/ports.ts";
import type { Matrix, MatrixRunner } from "./matrix-runner.ts";
import { randomIndex, sampleIndexes } from "./random-sample.ts";

/** Rounds of assignment and averaging, as faiss' ProductQuantizer trains. */
export const CODEWORD_ITERATIONS = 25;
/** 256 residuals for each of 256 codewords, as faiss caps it. */
export const MAX_CODEWORD_TRAINING_VECTORS = 256 * CODEWORDS_PER_SUBSPACE;

/** Kernels add codes four subspaces at a time. */
const SUBSPACE_MULTIPLE = 4;
/** Bytes per vector by dimension: 8 values a byte, 16 B at 128. With exact rerank twice as many find .003 more: docs/compression.md. */
const VALUES_PER_SUBSPACE = 8;

/** Subspaces (bytes per vector) for vectors of `dim` values: one for 8 values, 16 at 128 and 48 at 384. */
export function defaultSubspaces(dim: number): number {
  for (let subspaces = Math.ceil(dim / VALUES_PER_SUBSPACE); subspaces <= Math.min(dim, MAX_SUBSPACES); subspaces++) {
    if (dim % subspaces === 0 && subspaces % SUBSPACE_MULTIPLE === 0) return subspaces;
  }
  throw new MaxleafError("internal", `vectors of ${dim} values cannot be cut into a multiple of 4 equal parts`);
}

/**
 * Codewords `[subspaces, 256, dim / subspaces]` for `residuals`. With fewer than 256 residuals every one becomes a
 * codeword and the rest are zero.
 */
export async function trainCodewords(
  runner: MatrixRunner,
  residuals: Matrix,
  subspaces: number,
  random: Random,
): Promise<Float32Array> {
  const width = residuals.dim / subspaces;
  const codewords = new Float32Array(subspaces * CODEWORDS_PER_SUBSPACE * width);
  sampleIndexes(CODEWORDS_PER_SUBSPACE, residuals.count, random).forEach((residual, codeword) => {
    for (let subspace = 0; subspace < subspaces; subspace++) {
      const from = residual * residuals.dim + subspace * width;
      const to = (subspace * CODEWORDS_PER_SUBSPACE + codeword) * width;
      codewords.set(residuals.values.subarray(from, from + width), to);
    }
  });
  if (residuals.count <= CODEWORDS_PER_SUBSPACE) return codewords;
  for (let iteration = 0; iteration < CODEWORD_ITERATIONS; iteration++) {
    const codes = await runner.nearestCodewords(residuals, codewords, subspaces);
    moveToMeans(codewords, residuals, codes, subspaces, random);
  }
  return codewords;
}

/** Sets every codeword to the mean of its parts; one without any moves to the part of a residual drawn at random. */
function moveToMeans(
  codewords: Float32Array,
  { values, count, dim }: Matrix,
  codes: Uint8Array,
  subspaces: number,
  random: Random,
): void {
  const width = dim / subspaces;
  const sums = new Float64Array(codewords.length);
  const counts = new Uint32Array(subspaces * CODEWORDS_PER_SUBSPACE);
  for (let part = 0; part < count * subspaces; part++) {
    const codeword = (part % subspaces) * CODEWORDS_PER_SUBSPACE + (codes[part] ?? 0);
    counts[codeword] = (counts[codeword] ?? 0) + 1;
    for (let i = 0; i < width; i++) {
      const to = codeword * width + i;
      sums[to] = (sums[to] ?? 0) + (values[part * width + i] ?? 0);
    }
  }
  counts.forEach((members, codeword) => {
    const start = codeword * width;
    if (members > 0) {
      for (let i = 0; i < width; i++) codewords[start + i] = (sums[start + i] ?? 0) / members;
      return;
    }
    const subspace = Math.floor(codeword / CODEWORDS_PER_SUBSPACE);
    const from = randomIndex(random, count) * dim + subspace * width;
    codewords.set(values.subarray(from, from + width), start);
  });
}
