/**
 * Real page vectors, coded under a codebook as large as the synthetic corpus needs: what synthetic pages are put together
 * from.
 *
 * @module
 */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { gatherRows } from "../../../encoder/indexing/rows.ts";
import { sampleIndexes } from "../../../encoder/indexing/random-sample.ts";
import { MatrixRunner, type Matrix } from "../../../encoder/indexing/matrix-runner.ts";
import { chooseCentroidCount, chooseTrainingCount, trainCodebook } from "../../../encoder/indexing/train-codebook.ts";
import { VectorCoder } from "../../../encoder/indexing/vector-coder.ts";
import { decodeCodebook, encodeCodebook } from "../../../shared/format/codebook.ts";
import type { Codebook } from "../../../shared/format/contract.ts";
import { recipeFingerprint } from "../../../shared/recipe/fingerprint.ts";
import type { Recipe } from "../../../shared/recipe/recipe.ts";
import { testRecipe } from "../../../shared/recipe/testing.ts";
import { seededRandom } from "../../../shared/seeded-random.ts";
import { type QueryVectors, VectorSet } from "../peers/vector-set.ts";

/** Fewer vectors than this for each centroid, and noisy copies make up for them: with the bundled samples, not with real sets. */
const MIN_VECTORS_PER_CENTROID = 8;
/** Length of the noise in a copy, before it is scaled to length 1: a cosine of about .9 to the original. */
const COPY_NOISE = 0.5;
const VECTORS_PER_CODING = 65_536;
const INT8_MAX = 127;

/** Real pages and queries. */
export interface SourcePages {
  name: string;
  dim: number;
  /** `[vectors, dim]`. */
  vectors: Float32Array;
  /** `[pages + 1]` positions in `vectors`. */
  pageOffsets: Uint32Array;
  queries: readonly QueryVectors[];
}

/** Source pages as codes, with their exact vectors as int8 on one scale for all, so that halves of two can be put together. */
export interface CodedPool {
  recipe: Recipe;
  codebook: Codebook;
  pageOffsets: Uint32Array;
  /** `[vectors]`. */
  centroidIds: Uint16Array;
  /** `[vectors, subspaces]`. */
  codes: Uint8Array;
  /** `[vectors, dim]`. */
  values: Int8Array;
  scale: number;
  meanResidualNorm: number;
}

/** The pages of all `folders`, one after the other. */
export async function readSources(folders: readonly string[]): Promise<SourcePages> {
  const sets = await Promise.all(folders.map(async (folder) => await VectorSet.open(folder)));
  const [{ dim } = { dim: 0 }] = sets;
  if (sets.some((set) => set.dim !== dim)) throw new Error("the vector sets have different dimensions");
  const sizes = sets.flatMap((set) => set.pageSizes);
  const pageOffsets = new Uint32Array(sizes.length + 1);
  sizes.forEach((size, page) => (pageOffsets[page + 1] = (pageOffsets[page] ?? 0) + size));
  const vectors = new Float32Array((pageOffsets.at(-1) ?? 0) * dim);
  let filled = 0;
  for (const set of sets) {
    for await (const page of set.pages()) {
      vectors.set(page, filled);
      filled += page.length;
    }
    await set.close();
  }
  const name = sets.map((set) => set.name).join("+");
  return { name, dim, vectors, pageOffsets, queries: sets.flatMap((set) => set.queries) };
}

/**
 * `source` under a codebook for a corpus of `corpusVectors` vectors, trained as the indexer trains. Kept in `cacheFolder`.
 */
export async function codePool(source: SourcePages, corpusVectors: number, cacheFolder: string): Promise<CodedPool> {
  const { dim, vectors, pageOffsets } = source;
  const recipe = testRecipe({ dim });
  const fingerprint = await recipeFingerprint(recipe);
  const count = vectors.length / dim;
  const centroids = chooseCentroidCount(corpusVectors);
  const folder = path.join(cacheFolder, `${source.name}-${count}-${centroids}`);
  const kept = await readCoded(folder, fingerprint);
  const coded = kept ?? (await trainAndCode({ values: vectors, count, dim }, corpusVectors, fingerprint));
  if (kept === undefined) await writeCoded(folder, coded);
  const scale = vectors.reduce((max, value) => Math.max(max, Math.abs(value)), 0) / INT8_MAX;
  const values = Int8Array.from(vectors, (value) => Math.round(value / scale));
  return { recipe, ...coded, pageOffsets, values, scale, meanResidualNorm: coded.codebook.training.meanResidualNorm };
}

type Coded = Pick<CodedPool, "codebook" | "centroidIds" | "codes">;

async function trainAndCode(all: Matrix, corpusVectors: number, fingerprint: string): Promise<Coded> {
  const runner = await MatrixRunner.create();
  try {
    const training = trainingVectors(all, corpusVectors);
    const codebook = await trainCodebook(runner, training, {
      recipeFingerprint: fingerprint,
      vectorCount: corpusVectors,
    });
    const coder = new VectorCoder(runner, codebook);
    const centroidIds = new Uint16Array(all.count);
    const codes = new Uint8Array(all.count * codebook.subspaces);
    for (let first = 0; first < all.count; first += VECTORS_PER_CODING) {
      const count = Math.min(VECTORS_PER_CODING, all.count - first);
      const values = all.values.subarray(first * all.dim, (first + count) * all.dim);
      const coded = await coder.code({ values, count, dim: all.dim });
      centroidIds.set(coded.centroidIds, first);
      codes.set(coded.codes, first * codebook.subspaces);
    }
    return { codebook, centroidIds, codes };
  } finally {
    await runner.dispose();
  }
}

/** A sample of `all`, or all of them and noisy copies when they are too few for the centroids of the corpus. */
function trainingVectors(all: Matrix, corpusVectors: number): Matrix {
  const { dim } = all;
  const random = seededRandom(1);
  const wanted = Math.min(
    chooseTrainingCount(corpusVectors, dim),
    Math.max(all.count, MIN_VECTORS_PER_CENTROID * chooseCentroidCount(corpusVectors)),
  );
  if (wanted <= all.count) return gatherRows(all, sampleIndexes(wanted, all.count, random));
  const values = new Float32Array(wanted * dim);
  values.set(all.values);
  for (let row = all.count; row < wanted; row++) {
    const from = Math.floor(random.next() * all.count) * dim;
    const copy = values.subarray(row * dim, (row + 1) * dim);
    for (let i = 0; i < dim; i++) {
      const noise = (2 * random.next() - 1) * Math.sqrt(3 / dim) * COPY_NOISE;
      copy[i] = (all.values[from + i] ?? 0) + noise;
    }
    const norm = Math.hypot(...copy);
    copy.forEach((value, i) => (copy[i] = value / norm));
  }
  return { values, count: wanted, dim };
}

async function readCoded(folder: string, fingerprint: string): Promise<Coded | undefined> {
  try {
    const bytesOf = async (name: string) => Uint8Array.from(await readFile(path.join(folder, name)));
    return {
      codebook: decodeCodebook(await bytesOf("codebook"), { recipeFingerprint: fingerprint }),
      centroidIds: new Uint16Array((await bytesOf("centroid-ids")).buffer),
      codes: await bytesOf("codes"),
    };
  } catch {
    return undefined;
  }
}

async function writeCoded(folder: string, { codebook, centroidIds, codes }: Coded): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(path.join(folder, "centroid-ids"), new Uint8Array(centroidIds.buffer));
  await writeFile(path.join(folder, "codes"), codes);
  // Last: its presence says that the others are whole.
  await writeFile(path.join(folder, "codebook"), encodeCodebook(codebook));
}
