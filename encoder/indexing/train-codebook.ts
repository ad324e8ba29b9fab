/**
 * Trains the codebook of an index: centroids, rounded as they are stored, then a product quantiser on what the rounded
 * centroids leave over.
 *
 * @module
 */
import { cellsAt } from "../../shared/format/cells.ts";
import type { Codebook, PageCodes } from "../../shared/format/contract.ts";
import { MAX_CENTROIDS } from "../../shared/limits.ts";
import type { Random } from "../../shared/ports.ts";
import { seededRandom } from "../../shared/seeded-random.ts";
import { groupIntoCells } from "./cells.ts";
import { trainCentroidsByParts } from "./hierarchical-kmeans.ts";
import { KMEANS_ITERATIONS, trainCentroids } from "./kmeans.ts";
import type { Matrix, MatrixRunner } from "./matrix-runner.ts";
import { defaultSubspaces, MAX_CODEWORD_TRAINING_VECTORS, trainCodewords } from "./product-quantizer.ts";
import { sampleIndexes } from "./random-sample.ts";
import { gatherRows, type Rows } from "./rows.ts";
import { CentroidAssigner, type CodecPart, decodedCosines, meanNorm } from "./vector-coder.ts";

/** K ≈ 16·√vectors, as ColBERTv2 and PLAID choose it, */
const CENTROIDS_PER_SQRT_VECTOR = 16;
/**
 * but with no fewer vectors to a centroid than this: every query scores every centroid, and a small index gains little from
 * more. Cranfield, 243,906 vectors, 8,192 → 4,096 centroids: recall@10 .993 → .992 and @100 .993 → .989 in .73 of the time (`node
 * test/bench/peers/run.ts`). From a million vectors on it makes no difference.
 */
const MIN_VECTORS_PER_CENTROID = 64;
/** Scoring so many takes .16 ms: not worth saving. */
const CHEAP_CENTROIDS = 1_024;
/** Fewer training vectors per centroid and the centroids only repeat them. */
export const MIN_TRAINING_VECTORS_PER_CENTROID = 8;
/**
 * More are not worth their time: on Cranfield's token vectors the mean cosine of unseen vectors to one of 4,096 centroids
 * is .871, .880, .888 and .891 with 8, 16, 32 and 60 training vectors for each.
 */
export const TRAINING_VECTORS_PER_CENTROID = 32;
/**
 * From this number of centroids on they are trained in two levels. With 8,192 on Cranfield the mean cosine of vectors to their
 * centroid is .9116 instead of .9129, and training takes a tenth of the time; see also hierarchical-kmeans.ts.
 */
const CENTROIDS_BY_PARTS = 8_192;
/** Bytes of the training vectors as int8. At 128 values that is 1,048,576 vectors: 16 for each of 65,536 centroids. */
const MAX_TRAINING_BYTES = 128 * 1024 * 1024;
/** Vectors that are floats at a time while codewords are trained: 8 MB at 128 values. */
const CODEWORD_BLOCK_VECTORS = 16_384;
/** Any fixed number: equal vectors must give an equal codebook. */
const TRAINING_SEED = 20_240_229;
const INT8_MAX = 127;

export interface TrainingOptions {
  recipeFingerprint: string;
  /** Vectors of the index that the training vectors were drawn from; decides the number of centroids, */
  vectorCount: number;
  /** unless that is given. */
  centroidCount?: number | undefined;
  /** Default: by dimension, see {@link defaultSubspaces}. */
  subspaces?: number | undefined;
  /** Called with the finished share of the work, 0 … 1. */
  onProgress?: ((share: number) => void) | undefined;
}

/** Vectors to train on, drawn from an index of `vectorCount` vectors of `dim` values. */
export function chooseTrainingCount(vectorCount: number, dim: number): number {
  const wanted = TRAINING_VECTORS_PER_CENTROID * chooseCentroidCount(vectorCount);
  return Math.min(vectorCount, wanted, Math.floor(MAX_TRAINING_BYTES / dim));
}

/**
 * Centroids for an index of `vectorCount` vectors, trained on `trainingCount` of them: the power of two nearest (on the logarithmic
 * scale) to 16·√vectors or, if that is less, to one for 64 vectors but at least 1,024; as long as every centroid has 8 training
 * vectors; at least 1.
 */
export function chooseCentroidCount(vectorCount: number, trainingCount = vectorCount): number {
  const usual = CENTROIDS_PER_SQRT_VECTOR * Math.sqrt(Math.max(1, vectorCount));
  const affordable = Math.max(CHEAP_CENTROIDS, vectorCount / MIN_VECTORS_PER_CENTROID);
  const wanted = 2 ** Math.round(Math.log2(Math.min(usual, affordable)));
  const trainable = 2 ** Math.floor(Math.log2(Math.max(1, trainingCount / MIN_TRAINING_VECTORS_PER_CENTROID)));
  return Math.min(wanted, trainable, MAX_CENTROIDS);
}

/**
 * A codebook for vectors like `training` (rows of length 1, at least one). `training.meanResidualNorm` is the mean
 * distance from a vector to its centroid, `training.meanCosine` the mean cosine of a vector and its decoded code.
 */
export async function trainCodebook(
  runner: MatrixRunner,
  training: Rows,
  {
    recipeFingerprint,
    vectorCount,
    centroidCount = chooseCentroidCount(vectorCount, training.count),
    subspaces = defaultSubspaces(training.dim),
    onProgress,
  }: TrainingOptions,
): Promise<Codebook> {
  const { dim } = training;
  const random = seededRandom(TRAINING_SEED);
  const unordered = await trainAllCentroids(runner, training, centroidCount, random, onProgress);
  const { order, offsets } = await groupIntoCells(runner, unordered, random);
  const rounded = { dim, centroidCount, ...roundCentroids(gatherRows(unordered, order).values) };
  const centroidPart = { ...rounded, cells: cellsAt(rounded, offsets) };
  const assigner = new CentroidAssigner(runner, centroidPart);
  const sample = sampleIndexes(MAX_CODEWORD_TRAINING_VECTORS, training.count, random);
  const { centroidIds, residuals } = await residualsOf(assigner, training, sample);
  const codewords = await trainCodewords(runner, residuals, subspaces, random);
  const codes = await runner.nearestCodewords(residuals, codewords, subspaces);

  const codebook = { id: crypto.randomUUID(), recipeFingerprint, ...centroidPart, subspaces, codewords };
  const meanCosine = mean(cosinesOf(codebook, training, sample, { centroidIds, codes }));
  onProgress?.(1);
  return { ...codebook, training: { vectors: training.count, meanResidualNorm: meanNorm(residuals), meanCosine } };
}

/** What the centroids leave over of the rows `sample` of `training`, `[sample.length, dim]`. */
async function residualsOf(
  assigner: CentroidAssigner,
  training: Rows,
  sample: Uint32Array,
): Promise<{ centroidIds: Uint16Array; residuals: Matrix }> {
  const { dim } = training;
  const centroidIds = new Uint16Array(sample.length);
  const residuals: Matrix = { values: new Float32Array(sample.length * dim), count: sample.length, dim };
  for (const { first, vectors } of blocksOf(training, sample)) {
    const ids = await assigner.assign(vectors);
    centroidIds.set(ids, first);
    residuals.values.set(assigner.residuals(vectors, ids).values, first * dim);
  }
  return { centroidIds, residuals };
}

/** Cosines of the rows `sample` of `training` and what their `codes` decode to, `[sample.length]`. */
function cosinesOf(codebook: CodecPart, training: Rows, sample: Uint32Array, codes: PageCodes): Float32Array {
  const cosines = new Float32Array(sample.length);
  for (const { first, vectors } of blocksOf(training, sample)) {
    const last = first + vectors.count;
    const own: PageCodes = {
      centroidIds: codes.centroidIds.subarray(first, last),
      codes: codes.codes.subarray(first * codebook.subspaces, last * codebook.subspaces),
    };
    cosines.set(decodedCosines(codebook, vectors, own), first);
  }
  return cosines;
}

function* blocksOf(training: Rows, sample: Uint32Array): Generator<{ first: number; vectors: Matrix }> {
  for (let first = 0; first < sample.length; first += CODEWORD_BLOCK_VECTORS) {
    yield { first, vectors: gatherRows(training, sample.subarray(first, first + CODEWORD_BLOCK_VECTORS)) };
  }
}

/** Below {@link CENTROIDS_BY_PARTS} by flat k-means. */
async function trainAllCentroids(
  runner: MatrixRunner,
  training: Rows,
  centroidCount: number,
  random: Random,
  onProgress: TrainingOptions["onProgress"],
): Promise<Matrix> {
  const report = (share: number) => onProgress?.((share * KMEANS_ITERATIONS) / (KMEANS_ITERATIONS + 1));
  const values =
    centroidCount >= CENTROIDS_BY_PARTS
      ? await trainCentroidsByParts(runner, training, { centroidCount, random, onProgress: report })
      : await trainCentroids(runner, training, {
          centroidCount,
          random,
          onIteration: (iteration) => report(iteration / KMEANS_ITERATIONS),
        });
  return { values, count: centroidCount, dim: training.dim };
}

/** Int8 centroids on one scale: the largest component becomes ±127. */
function roundCentroids(unrounded: Float32Array): { centroids: Int8Array; centroidScale: number } {
  const largest = unrounded.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
  // Stored as float32: compute with what will be read back.
  const centroidScale = Math.fround(largest / INT8_MAX) || 1;
  const centroids = new Int8Array(unrounded.length);
  // `Int8Array.from` makes a list of all values first: 150 MB for 16,384 centroids, which stay with the process.
  for (let at = 0; at < centroids.length; at++) centroids[at] = Math.round((unrounded[at] ?? 0) / centroidScale);
  return { centroids, centroidScale };
}

function mean(values: Float32Array): number {
  return values.reduce((total, value) => total + value, 0) / values.length;
}
