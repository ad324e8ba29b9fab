/**
 * Trains the codebook of an index: centroids, rounded as they are stored, then a product quantiser on what the rounded
 * centroids leave over.
 *
 * @module
 */
import { cellsAt, evenCellOffsets } from "../../shared/format/cells.ts";
import type { Codebook } from "../../shared/format/contract.ts";
import { MAX_CENTROIDS } from "../../shared/limits.ts";
import { KMEANS_ITERATIONS, trainCentroids } from "./kmeans.ts";
import type { Matrix, MatrixRunner } from "./matrix-runner.ts";
import { defaultSubspaces, MAX_CODEWORD_TRAINING_VECTORS, trainCodewords } from "./product-quantizer.ts";
import { seededRandom } from "../../shared/seeded-random.ts";
import { sampleIndexes } from "./random-sample.ts";
import { CentroidAssigner, decodedCosines } from "./vector-coder.ts";

/** K ≈ 16·√vectors, as ColBERTv2 and PLAID choose it. */
const CENTROIDS_PER_SQRT_VECTOR = 16;
/** Fewer training vectors per centroid and the centroids only repeat them. */
export const MIN_TRAINING_VECTORS_PER_CENTROID = 8;
/**
 * More are not worth their time: on Cranfield's token vectors the mean cosine of unseen vectors to one of 4,096 centroids
 * is .871, .880, .888 and .891 with 8, 16, 32 and 60 training vectors for each.
 */
const TRAINING_VECTORS_PER_CENTROID = 32;
/**
 * Bytes of the training vectors as floats. At 128 values that is 524,288 vectors, 32 for each of 16,384 centroids: a round
 * takes about 18 s on two idle cores (120 to 130 GFLOPS).
 */
const MAX_TRAINING_BYTES = 256 * 1024 * 1024;
/** Any fixed number: equal vectors must give an equal codebook. */
const TRAINING_SEED = 20_240_229;
const INT8_MAX = 127;
const FLOAT_BYTES = 4;

export interface TrainingOptions {
  recipeFingerprint: string;
  /** Vectors of the index that the training vectors were drawn from; decides the number of centroids. */
  vectorCount: number;
  /** Default: by dimension, see {@link defaultSubspaces}. */
  subspaces?: number | undefined;
  /** Called with the finished share of the work, 0 … 1. */
  onProgress?: ((share: number) => void) | undefined;
}

/** Vectors to train on, drawn from an index of `vectorCount` vectors of `dim` values. */
export function chooseTrainingCount(vectorCount: number, dim: number): number {
  const wanted = TRAINING_VECTORS_PER_CENTROID * chooseCentroidCount(vectorCount);
  return Math.min(vectorCount, wanted, Math.floor(MAX_TRAINING_BYTES / (FLOAT_BYTES * dim)));
}

/**
 * Centroids for an index of `vectorCount` vectors, trained on `trainingCount` of them: the power of two nearest to
 * 16·√vectors (on the logarithmic scale), as long as every centroid has 8 training vectors; at least 1.
 */
export function chooseCentroidCount(vectorCount: number, trainingCount = vectorCount): number {
  const wanted = 2 ** Math.round(Math.log2(CENTROIDS_PER_SQRT_VECTOR * Math.sqrt(Math.max(1, vectorCount))));
  const trainable = 2 ** Math.floor(Math.log2(Math.max(1, trainingCount / MIN_TRAINING_VECTORS_PER_CENTROID)));
  return Math.min(wanted, trainable, MAX_CENTROIDS);
}

/**
 * A codebook for vectors like `training` (rows of length 1, at least one). `training.meanResidualNorm` is the mean
 * distance from a vector to its centroid, `training.meanCosine` the mean cosine of a vector and its decoded code.
 */
export async function trainCodebook(
  runner: MatrixRunner,
  training: Matrix,
  { recipeFingerprint, vectorCount, subspaces = defaultSubspaces(training.dim), onProgress }: TrainingOptions,
): Promise<Codebook> {
  const { dim } = training;
  const random = seededRandom(TRAINING_SEED);
  const centroidCount = chooseCentroidCount(vectorCount, training.count);
  const unrounded = await trainCentroids(runner, training, {
    centroidCount,
    random,
    onIteration: (iteration) => onProgress?.(iteration / (KMEANS_ITERATIONS + 1)),
  });
  const centroidPart = { dim, centroidCount, ...roundCentroids(unrounded) };
  const assigner = new CentroidAssigner(runner, centroidPart);
  const sample = pickRows(training, sampleIndexes(MAX_CODEWORD_TRAINING_VECTORS, training.count, random));
  const centroidIds = await assigner.assign(sample);
  const residuals = assigner.residuals(sample, centroidIds);
  const codewords = await trainCodewords(runner, residuals, subspaces, random);
  const codes = await runner.nearestCodewords(residuals, codewords, subspaces);

  const cells = cellsAt(centroidPart, evenCellOffsets(centroidCount, CENTROIDS_PER_CELL));
  const codebook = { id: crypto.randomUUID(), recipeFingerprint, ...centroidPart, cells, subspaces, codewords };
  const meanCosine = mean(decodedCosines(codebook, sample, { centroidIds, codes }));
  onProgress?.(1);
  return { ...codebook, training: { vectors: training.count, meanResidualNorm: meanNorm(residuals), meanCosine } };
}

const CENTROIDS_PER_CELL = 32;

/** Int8 centroids on one scale: the largest component becomes ±127. */
function roundCentroids(unrounded: Float32Array): { centroids: Int8Array; centroidScale: number } {
  const largest = unrounded.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
  // Stored as float32: compute with what will be read back.
  const centroidScale = Math.fround(largest / INT8_MAX) || 1;
  return { centroids: Int8Array.from(unrounded, (value) => Math.round(value / centroidScale)), centroidScale };
}

function pickRows({ values, dim }: Matrix, rows: Uint32Array): Matrix {
  const picked = new Float32Array(rows.length * dim);
  rows.forEach((row, position) => picked.set(values.subarray(row * dim, (row + 1) * dim), position * dim));
  return { values: picked, count: rows.length, dim };
}

function meanNorm({ values, count, dim }: Matrix): number {
  let total = 0;
  for (let row = 0; row < count; row++) {
    let sum = 0;
    for (const value of values.subarray(row * dim, (row + 1) * dim)) sum += value * value;
    total += Math.sqrt(sum);
  }
  return total / count;
}

function mean(values: Float32Array): number {
  return values.reduce((total, value) => total + value, 0) / values.length;
}
