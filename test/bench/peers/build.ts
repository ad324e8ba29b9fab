/**
 * The index of a vector set, made by the indexer that `maxleaf ingest` uses, and the exact answers to its queries. Both are
 * kept: they are made once for many runs.
 *
 * @module
 */
import { mkdir, rm } from "node:fs/promises";
import { exactScores } from "../../../encoder/eval/exact.ts";
import { IndexWriter } from "../../../encoder/indexing/index-writer.ts";
import { MatrixRunner } from "../../../encoder/indexing/matrix-runner.ts";
import { FolderStore } from "../../../encoder/storage/folder-store.ts";
import { documentIdOf } from "../../../shared/names.ts";
import type { EncodedPage } from "../../../shared/page.ts";
import { recipeFingerprint } from "../../../shared/recipe/fingerprint.ts";
import { testRecipe } from "../../../shared/recipe/testing.ts";
import { INDEX_NAME, pageName, type Prepared, storeFolder, TRUTH_PAGES, writePrepared } from "./prepared.ts";
import { barePage, encodedQuery, evenly, toBase64, type VectorSet } from "./vector-set.ts";

/** Builds the index and finds the exact answers, in `work`, which is emptied first. */
export async function prepare(set: VectorSet, work: string, queryCount: number): Promise<Prepared> {
  await rm(work, { recursive: true, force: true });
  await mkdir(work, { recursive: true });
  const cpuBefore = process.cpuUsage();
  const startedMs = performance.now();
  await buildIndex(set, work);
  const buildSeconds = (performance.now() - startedMs) / 1000;
  const { user, system } = process.cpuUsage(cpuBefore);
  const queries = evenly(set.queries, queryCount);
  const prepared: Prepared = {
    pages: set.pageSizes.length,
    vectors: set.vectorCount,
    dim: set.dim,
    buildSeconds,
    buildCpuSeconds: (user + system) / 1e6,
    queries: queries.map(({ tokenCount, vectors }) => ({ tokenCount, values: toBase64(vectors) })),
    truth: await exactAnswers(set, queries),
  };
  await writePrepared(work, prepared);
  return prepared;
}

async function buildIndex(set: VectorSet, work: string): Promise<void> {
  const store = new FolderStore(storeFolder(work), { create: true });
  const writer = await IndexWriter.open({
    store,
    index: INDEX_NAME,
    recipe: testRecipe({ dim: set.dim, geometry: "grid" }),
    spoolFolder: work,
  });
  try {
    let page = 0;
    for await (const vectors of set.pages()) {
      const entry = {
        id: await documentIdOf(pageName(page)),
        name: pageName(page),
        revision: "0".repeat(16),
        contentType: "text/plain",
        sourceBytes: 0,
        pageCount: 1,
        addedAtMs: 0,
        metadata: {},
      };
      await writer.addDocument(entry, [barePage(vectors, set.dim)]);
      page += 1;
    }
    await writer.commit();
  } finally {
    await writer.close();
  }
}

async function exactAnswers(set: VectorSet, queries: VectorSet["queries"]): Promise<number[][]> {
  const runner = await MatrixRunner.create();
  try {
    const fingerprint = await recipeFingerprint(testRecipe({ dim: set.dim, geometry: "grid" }));
    const encoded = queries.map((query) => encodedQuery(query, fingerprint));
    const scores = await exactScores(runner, encoded, encodedPages(set));
    return scores.map((ofQuery) => bestOf(ofQuery, TRUTH_PAGES));
  } finally {
    await runner.dispose();
  }
}

async function* encodedPages(set: VectorSet): AsyncGenerator<EncodedPage> {
  for await (const vectors of set.pages()) yield barePage(vectors, set.dim);
}

/** Positions of the `count` highest scores, best first; of equal ones, the earlier. */
export function bestOf(scores: readonly number[], count: number): number[] {
  return Array.from(scores.keys())
    .toSorted((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0) || a - b)
    .slice(0, count);
}
