/**
 * Vectors to train a codebook on, drawn from spooled pages.
 *
 * @module
 */
import type { SpooledDocument } from "./build-segment.ts";
import type { Matrix } from "./matrix-runner.ts";
import { dequantizeInto } from "./page-vectors.ts";
import { seededRandom } from "../../shared/seeded-random.ts";
import { sampleIndexes } from "./random-sample.ts";
import { MAX_TRAINING_VECTORS } from "./train-codebook.ts";

/** Bytes of the sample as floats; binds above 128 values a vector. */
const MAX_TRAINING_BYTES = 256 * 1024 * 1024;
const SAMPLE_SEED = 1;

/**
 * A uniform sample of the vectors of `documents`, of pages of every kind alike: all of them up to
 * {@link MAX_TRAINING_VECTORS} or 256 MiB.
 */
export async function drawTrainingSample(
  documents: readonly SpooledDocument[],
  dim: number,
  maxVectors = Math.min(MAX_TRAINING_VECTORS, Math.floor(MAX_TRAINING_BYTES / (4 * dim))),
): Promise<Matrix> {
  const places = documents.flatMap(({ spool, pages }) => pages.map((place) => ({ spool, place })));
  const population = documents.reduce((sum, document) => sum + document.vectorCount, 0);
  const chosen = sampleIndexes(maxVectors, population, seededRandom(SAMPLE_SEED));
  const sample: Matrix = { values: new Float32Array(chosen.length * dim), count: chosen.length, dim };
  let filled = 0;
  let pageStart = 0;
  for (const { spool, place } of places) {
    const pageEnd = pageStart + place.vectorCount;
    if ((chosen[filled] ?? population) < pageEnd) {
      const { exact } = await spool.read(place);
      for (let vector = chosen[filled]; vector !== undefined && vector < pageEnd; vector = chosen[filled]) {
        const row = vector - pageStart;
        const scales = exact.scales.subarray(row, row + 1);
        dequantizeInto(sample, filled, { scales, values: exact.values.subarray(row * dim, (row + 1) * dim) });
        filled += 1;
      }
    }
    pageStart = pageEnd;
  }
  return sample;
}
