/**
 * A set's vectors as an index would keep them, under several codebooks that share their centroids.
 *
 * @module
 */
import type { PageVectors } from "../../shared/format/contract.ts";
import { seededRandom } from "../../shared/seeded-random.ts";
import type { Matrix, MatrixRunner } from "../../encoder/indexing/matrix-runner.ts";
import { dequantizeInto, quantizeVectors } from "../../encoder/indexing/page-vectors.ts";
import { MAX_CODEWORD_TRAINING_VECTORS, trainCodewords } from "../../encoder/indexing/product-quantizer.ts";
import { sampleIndexes } from "../../encoder/indexing/random-sample.ts";
import {
  chooseTrainingCount,
  trainCodebook,
  TRAINING_VECTORS_PER_CENTROID,
} from "../../encoder/indexing/train-codebook.ts";
import { type CentroidPart, CentroidAssigner, decodeVectors } from "../../encoder/indexing/vector-coder.ts";
import { applyRotation, type Rotation, rotateBack, trainRotation } from "./rotation.ts";
import type { Rows } from "./vector-set.ts";

const TRAINING_SEED = 1;
/** Subspaces of the codebook whose centroids are used; its codewords are not. */
const ANY_SUBSPACES = 4;
const VECTORS_PER_RUN = 65_536;

/** Vectors as they are kept, with their centroids. */
export interface AssignedSet {
  exact: PageVectors;
  count: number;
  dim: number;
  centroidPart: CentroidPart;
  centroidIds: Uint16Array;
  /** Rows that the codebook was trained on are among the first `trainable`. */
  trainable: number;
}

export interface CodedSet {
  /** Decoded vectors of some rows. */
  decode: (rows: Rows) => Promise<Matrix>;
}

/** Trains centroids on the first `trainable` rows and assigns all to them. `centroids`: as many as an index that size would have by default. */
export async function assignSet(
  runner: MatrixRunner,
  vectors: Matrix,
  trainable: number,
  centroids: number | undefined,
): Promise<AssignedSet> {
  const { count, dim } = vectors;
  const exact = quantizeVectors(vectors);
  const wanted = centroids === undefined ? chooseTrainingCount(count, dim) : TRAINING_VECTORS_PER_CENTROID * centroids;
  // More may be wanted than there is: then what there is must do.
  const training = pickRows(
    exact,
    dim,
    sampleIndexes(Math.min(wanted, trainable), trainable, seededRandom(TRAINING_SEED)),
  );
  const codebook = await trainCodebook(runner, training, {
    recipeFingerprint: "",
    vectorCount: count,
    centroidCount: centroids,
    subspaces: ANY_SUBSPACES,
  });
  const assigner = new CentroidAssigner(runner, codebook);
  const centroidIds = new Uint16Array(count);
  for (let first = 0; first < count; first += VECTORS_PER_RUN) {
    const rows = { first, count: Math.min(VECTORS_PER_RUN, count - first) };
    centroidIds.set(await assigner.assign(exactRows(exact, dim, rows)), first);
  }
  return { exact, count, dim, centroidPart: codebook, centroidIds, trainable };
}

/** Codes all vectors with `subspaces` bytes, after an OPQ rotation of the residuals if asked for. */
export async function codeSet(
  runner: MatrixRunner,
  set: AssignedSet,
  subspaces: number,
  rotation: "none" | "opq",
): Promise<CodedSet> {
  const { exact, count, dim, centroidPart, centroidIds } = set;
  const random = seededRandom(TRAINING_SEED);
  const assigner = new CentroidAssigner(runner, centroidPart);
  const sample = sampleIndexes(MAX_CODEWORD_TRAINING_VECTORS, set.trainable, random);
  const sampleIds = Uint16Array.from(sample, (row) => centroidIds[row] ?? 0);
  const residuals = assigner.residuals(pickRows(exact, dim, sample), sampleIds);
  const turn: Rotation | undefined = rotation === "opq" ? await trainRotation(runner, residuals, subspaces) : undefined;
  const codewords = await trainCodewords(runner, await applyRotation(runner, residuals, turn), subspaces, random);
  const codes = new Uint8Array(count * subspaces);
  for (let first = 0; first < count; first += VECTORS_PER_RUN) {
    const rows = { first, count: Math.min(VECTORS_PER_RUN, count - first) };
    const left = assigner.residuals(exactRows(exact, dim, rows), idsOf(centroidIds, rows));
    const turned = await applyRotation(runner, left, turn);
    codes.set(await runner.nearestCodewords(turned, codewords, subspaces), first * subspaces);
  }
  return {
    decode: async (rows) => {
      const ids = idsOf(centroidIds, rows);
      const own = codes.subarray(rows.first * subspaces, (rows.first + rows.count) * subspaces);
      if (turn === undefined) {
        return decodeVectors({ ...centroidPart, subspaces, codewords }, { centroidIds: ids, codes: own });
      }
      return await rotateBack(
        runner,
        { centroidPart, codewords, subspaces, rotation: turn },
        { centroidIds: ids, codes: own },
      );
    },
  };
}

/** Rows as the exact vectors of an index stand for them. */
export function exactRows(exact: PageVectors, dim: number, { first, count }: Rows): Matrix {
  const target = { values: new Float32Array(count * dim), count, dim };
  dequantizeInto(target, 0, {
    scales: exact.scales.subarray(first, first + count),
    values: exact.values.subarray(first * dim, (first + count) * dim),
  });
  return target;
}

/** Mean cosine of rows `from` … `count` − 1 and what they are decoded to. */
export async function meanDecodedCosine(
  { exact, count, dim }: AssignedSet,
  coded: CodedSet,
  from: number,
): Promise<number> {
  let total = 0;
  for (let first = from; first < count; first += VECTORS_PER_RUN) {
    const rows = { first, count: Math.min(VECTORS_PER_RUN, count - first) };
    const original = exactRows(exact, dim, rows).values;
    const decoded = (await coded.decode(rows)).values;
    for (let row = 0; row < rows.count; row++) {
      let dot = 0;
      let squares = 0;
      let originalSquares = 0;
      for (let at = row * dim; at < (row + 1) * dim; at++) {
        const [a = 0, b = 0] = [original[at], decoded[at]];
        dot += a * b;
        squares += b * b;
        originalSquares += a * a;
      }
      total += dot / (Math.sqrt(squares * originalSquares) || 1);
    }
  }
  return total / (count - from);
}

function idsOf(centroidIds: Uint16Array, { first, count }: Rows): Uint16Array {
  return centroidIds.subarray(first, first + count);
}

function pickRows(exact: PageVectors, dim: number, rows: Uint32Array): Matrix {
  const picked = { values: new Float32Array(rows.length * dim), count: rows.length, dim };
  rows.forEach((row, position) => {
    picked.values.set(exactRows(exact, dim, { first: row, count: 1 }).values, position * dim);
  });
  return picked;
}
