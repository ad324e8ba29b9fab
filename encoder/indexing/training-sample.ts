/**
 * Vectors to train a codebook on, drawn from spooled pages.
 *
 * @module
 */
import type { SpooledDocument } from "./build-segment.ts";
import { seededRandom } from "../../shared/seeded-random.ts";
import { sampleIndexes } from "./random-sample.ts";
import { type QuantizedMatrix, quantizedMatrix, setQuantizedRow } from "./rows.ts";

const SAMPLE_SEED = 1;

/** A uniform sample of `size` vectors of `documents` (all, if they have fewer): pages of every kind alike. */
export async function drawTrainingSample(
  documents: readonly Pick<SpooledDocument, "spool" | "pages" | "vectorCount">[],
  dim: number,
  size: number,
): Promise<QuantizedMatrix> {
  const places = documents.flatMap(({ spool, pages }) => pages.map((place) => ({ spool, place })));
  const population = documents.reduce((sum, document) => sum + document.vectorCount, 0);
  const chosen = sampleIndexes(size, population, seededRandom(SAMPLE_SEED));
  const sample = quantizedMatrix(chosen.length, dim);
  let filled = 0;
  let pageStart = 0;
  for (const { spool, place } of places) {
    const pageEnd = pageStart + place.vectorCount;
    if ((chosen[filled] ?? population) < pageEnd) {
      const { exact } = await spool.read(place);
      for (let vector = chosen[filled]; vector !== undefined && vector < pageEnd; vector = chosen[filled]) {
        setQuantizedRow(sample, filled, exact, vector - pageStart);
        filled += 1;
      }
    }
    pageStart = pageEnd;
  }
  return sample;
}
