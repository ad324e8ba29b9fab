/**
 * Which heat maps of a set of vectors are compared, and the set as a real index that draws them.
 *
 * @module
 */
import { IndexWriter } from "../../encoder/indexing/index-writer.ts";
import type { MatrixRunner } from "../../encoder/indexing/matrix-runner.ts";
import { documentEntry, encodedPage } from "../../encoder/indexing/testing.ts";
import { loadKernel } from "../../encoder/cli/load-kernel.ts";
import type { SearchableIndex } from "../../shared/engine/contract.ts";
import { openIndex } from "../../shared/engine/open-index.ts";
import { recipeFingerprint } from "../../shared/recipe/fingerprint.ts";
import { testRecipe } from "../../shared/recipe/testing.ts";
import { seededRandom } from "../../shared/seeded-random.ts";
import { MemoryStore } from "../../shared/store/memory-store.ts";
import { scorePages } from "./page-scores.ts";
import type { Rows, VectorSet } from "./vector-set.ts";

/** A question and a page of the set, by their numbers. */
export interface DrawnMap {
  /** `[count, dim]` rows of the question. */
  tokens: Rows & { values: Float32Array };
  page: number;
}

const SAMPLE_SEED = 5;

/** Each question with the pages that exact MaxSim puts first: those whose maps people look at. */
export async function mapsOfBestPages(
  runner: MatrixRunner,
  set: VectorSet,
  pagesPerQuestion: number,
): Promise<DrawnMap[]> {
  const { values, dim } = set.vectors;
  const scores = await scorePages(runner, set, ({ first, count }) => {
    return { values: values.subarray(first * dim, (first + count) * dim), count, dim };
  });
  return set.queries.flatMap((rows, query) => {
    const own = scores.subarray(query * set.pages.length, (query + 1) * set.pages.length);
    const best = [...own.keys()].toSorted((a, b) => (own[b] ?? 0) - (own[a] ?? 0)).slice(0, pagesPerQuestion);
    return best.map((page) => ({ tokens: { ...rows, values: set.tokens.values }, page }));
  });
}

/** Without questions: vectors of a page asked of every other one, its last `lastRows` or as many drawn from the rest. */
export function mapsOfOtherPages(set: VectorSet, lastRows: number, kind: "last" | "drawn"): DrawnMap[] {
  const { dim, values } = set.vectors;
  const random = seededRandom(SAMPLE_SEED);
  return set.pages.flatMap(({ first, count }, asking) => {
    const rest = count - lastRows;
    const rows = Array.from({ length: lastRows }, (_, i) =>
      kind === "last" ? rest + i : Math.floor(random.next() * rest),
    );
    const asked = new Float32Array(lastRows * dim);
    rows.forEach((row, i) => asked.set(values.subarray((first + row) * dim, (first + row + 1) * dim), i * dim));
    const tokens = { first: 0, count: lastRows, values: asked };
    return [...set.pages.keys()].filter((page) => page !== asking).map((page) => ({ tokens, page }));
  });
}

export interface OpenedSet {
  index: SearchableIndex;
  fingerprint: string;
  documentId: string;
}

/** An index of the set as ingestion would make it. Every vector is a region of its own, so that nothing is smoothed. */
export async function indexOf(set: VectorSet, threads: number): Promise<OpenedSet> {
  const { dim, values } = set.vectors;
  const [store, recipe] = [new MemoryStore(), testRecipe({ dim })];
  const document = await documentEntry("pages", set.pages.length);
  const writer = await IndexWriter.open({ store, index: "heatmaps", recipe, threads });
  try {
    const pages = set.pages.map(({ first, count }, page) =>
      encodedPage({ values: values.subarray(first * dim, (first + count) * dim), count, dim }, page + 1),
    );
    await writer.addDocument(document, pages);
    await writer.commit();
  } finally {
    await writer.close();
  }
  const index = await openIndex({ store, index: "heatmaps", kernelModule: await loadKernel() });
  return { index, fingerprint: await recipeFingerprint(recipe), documentId: document.id };
}
