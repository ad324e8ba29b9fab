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

const SAMPLE_SEED = 1;

/** A uniform sample of `size` vectors of `documents` (all, if they have fewer): pages of every kind alike. */
export async function drawTrainingSample(
  documents: readonly Pick<SpooledDocument, "spool" | "pages" | "vectorCount">[],
  dim: number,
  size: number,
): Promise<Matrix> {
  const places = documents.flatMap(({ spool, pages }) => pages.map((place) => ({ spool, place })));
  const population = documents.reduce((sum, document) => sum + document.vectorCount, 0);
  const chosen = sampleIndexes(size, population, seededRandom(SAMPLE_SEED));
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
