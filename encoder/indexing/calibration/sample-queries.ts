/**
 * Questions made from an index itself, for when nobody has any: a run of neighbouring vectors of a page, shaken so that it is
 * about as far from the page as a question is from the page that answers it.
 *
 * @module
 */
import type { EncodedQuery } from "../../../shared/engine/contract.ts";
import type { Random } from "../../../shared/ports.ts";
import type { Recipe } from "../../../shared/recipe/recipe.ts";
import { dequantizeInto } from "../page-vectors.ts";
import { randomIndex } from "../random-sample.ts";
import { type LivePages, readRun } from "./live-pages.ts";

/** Vectors of a sampled question: Cranfield's questions have 21 on average. */
const VECTORS_PER_QUERY = 24;
/**
 * Cosine of a vector of a sampled question to the vector it was made from. On Cranfield recall@10 of 32 such questions was
 * .994, .991, .975 and .925 with 128, 64, 64 and 32 candidates and 32, 32, 16 and 12 exact pages; of 40 real ones 1.0, 1.0,
 * .985 and .940: a little harder, and in the same order.
 */
const SOURCE_COSINE = 0.7;

/** `count` questions from pages drawn at random; fewer when the index has fewer runs of pages. */
export async function sampleQueries(
  pages: LivePages,
  { recipe, recipeFingerprint }: { recipe: Recipe; recipeFingerprint: string },
  count: number,
  random: Random,
): Promise<EncodedQuery[]> {
  const { dim } = recipe;
  const queries: EncodedQuery[] = [];
  const runs = pages.draw(Infinity, random);
  for (let drawn = 0; drawn < count && runs.length > 0; drawn++) {
    const run = runs[drawn % runs.length];
    if (run === undefined) break;
    const page = run.pages[randomIndex(random, run.pages.length)] ?? 0;
    const [source] = await readRun({ reader: run.reader, pages: [page] });
    if (source === undefined || source.exact.scales.length === 0) continue;
    const vectorCount = source.exact.scales.length;
    const tokenCount = Math.min(recipe.interaction === "dense" ? 1 : VECTORS_PER_QUERY, vectorCount);
    const all = { values: new Float32Array(vectorCount * dim), count: vectorCount, dim };
    dequantizeInto(all, 0, source.exact);
    const first = randomIndex(random, vectorCount - tokenCount + 1);
    const vectors = all.values.slice(first * dim, (first + tokenCount) * dim);
    shake(vectors, dim, random);
    const tokens = Array.from({ length: tokenCount }, () => ({ text: "", start: 0, end: 0 }));
    queries.push({ recipeFingerprint, dim, tokenCount, vectors, tokens });
  }
  return queries;
}

/** Turns every row by a random angle: afterwards it has length 1 and a cosine of about {@link SOURCE_COSINE} to what it was. */
function shake(vectors: Float32Array, dim: number, random: Random): void {
  // The length of noise that is at a right angle to a vector of length 1.
  const noiseLength = Math.sqrt(1 / SOURCE_COSINE ** 2 - 1);
  for (let start = 0; start < vectors.length; start += dim) {
    const row = vectors.subarray(start, start + dim);
    const noise = Float32Array.from({ length: dim }, () => gaussian(random));
    const scale = (noiseLength * lengthOf(row)) / (lengthOf(noise) || 1);
    row.forEach((value, i) => (row[i] = value + scale * (noise[i] ?? 0)));
    const length = lengthOf(row) || 1;
    row.forEach((value, i) => (row[i] = value / length));
  }
}

/** A normally distributed number (Box and Muller, "A Note on the Generation of Random Normal Deviates", 1958). */
function gaussian(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());
}

function lengthOf(vector: Float32Array): number {
  return Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0));
}
