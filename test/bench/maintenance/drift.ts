/**
 * `node test/bench/maintenance/drift.ts --first FOLDER --other FOLDER [--pages 400] [--shares 0.1,0.25,0.5,0.75]`: what an index
 * loses that was trained on pages of one kind and given pages of another, and what retraining brings back.
 *
 * Folders are as `test/bench/peers/export-vectors.ts` writes them. For every share a new index in memory gets `--pages` pages of
 * the first kind and so many of the other that they are that share of all vectors. Recall is of the exact top 10, for queries of
 * each kind: by codes alone, and as a search is by default.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { codebookDrift } from "../../../encoder/indexing/codebook-drift.ts";
import { IndexWriter } from "../../../encoder/indexing/index-writer.ts";
import { retrainIndex } from "../../../encoder/indexing/retrain.ts";
import type { EncodedQuery, SearchableIndex } from "../../../shared/engine/contract.ts";
import { openIndex } from "../../../shared/engine/open-index.ts";
import { readManifest } from "../../../shared/format/manifest-store.ts";
import { documentIdOf } from "../../../shared/names.ts";
import { recipeFingerprint } from "../../../shared/recipe/fingerprint.ts";
import { testRecipe } from "../../../shared/recipe/testing.ts";
import { MemoryStore } from "../../../shared/store/memory-store.ts";
import { loadKernel } from "../benchmark.ts";
import { barePage, encodedQuery, evenly, VectorSet } from "../peers/vector-set.ts";

const K = 10;
const INDEX = "drift";
/** Pages reranked when only codes count: as many as pages that are shown, so that a wrong code costs a place. */
const CODES_ONLY = { candidates: 50, exact: 0 };

const { values: options } = parseArgs({
  options: {
    first: { type: "string" },
    other: { type: "string" },
    pages: { type: "string", default: "400" },
    shares: { type: "string", default: "0.1,0.25,0.5,0.75" },
    queries: { type: "string", default: "32" },
    threads: { type: "string", default: "2" },
  },
});
if (options.first === undefined || options.other === undefined) throw new Error("give --first and --other");

const first = await VectorSet.open(options.first);
const other = await VectorSet.open(options.other);
const recipe = testRecipe({ dim: first.dim });
const fingerprint = await recipeFingerprint(recipe);
const kernelModule = await loadKernel();

console.log(
  "| share of other vectors | drift | recall@10 of first, by codes (default) | of other, by codes (default) |",
);
console.log("|---|---|---|---|");
for (const share of options.shares.split(",").map(Number)) {
  const store = new MemoryStore();
  const firstVectors = await fill(store, first, Infinity, Number(options.pages));
  if (share > 0) await fill(store, other, (firstVectors * share) / (1 - share), Infinity);
  await report(store, `${Math.round(100 * share)} %`);
  const beginMs = performance.now();
  await retrainIndex({ store, index: INDEX }, { threads: Number(options.threads) });
  await report(
    store,
    `${Math.round(100 * share)} %, retrained in ${((performance.now() - beginMs) / 1_000).toFixed(0)} s`,
  );
}
await first.close();
await other.close();

/** Adds pages of `set`, evenly drawn, until there are `maxVectors` or `maxPages`; how many vectors there were. */
async function fill(store: MemoryStore, set: VectorSet, maxVectors: number, maxPages: number): Promise<number> {
  const writer = await IndexWriter.open({ store, index: INDEX, recipe, threads: Number(options.threads) });
  const starts = new Map<number, number>();
  let start = 0;
  for (const [page, size] of set.pageSizes.entries()) {
    starts.set(page, start);
    start += size;
  }
  const usual = set.vectorCount / set.pageSizes.length;
  const drawn = evenly([...set.pageSizes.keys()], Math.min(maxPages, Math.max(1, Math.round(maxVectors / usual))));
  let vectors = 0;
  for (const page of drawn) {
    const size = set.pageSizes[page] ?? 0;
    const name = `${set.name}-${page}`;
    const entry = {
      id: await documentIdOf(name),
      name,
      revision: "0123456789abcdef",
      contentType: "application/pdf",
      sourceBytes: 1,
      pageCount: 1,
      addedAtMs: 0,
      metadata: {},
    };
    await writer.addDocument(entry, [barePage(await set.vectors(starts.get(page) ?? 0, size), set.dim)]);
    vectors += size;
  }
  await writer.commit();
  await writer.close();
  return vectors;
}

async function report(store: MemoryStore, label: string): Promise<void> {
  const manifest = await readManifest(store, INDEX);
  if (manifest === undefined) throw new Error("there is no index");
  const drift = codebookDrift(manifest.codebook, manifest.segments) ?? 0;
  const index = await openIndex({ store, index: INDEX, kernelModule, kernelBytes: 2 ** 29 });
  const cells = [await recallOf(index, first), await recallOf(index, other)];
  index.close();
  const centroids = manifest.codebook?.centroidCount ?? 0;
  console.log(`| ${label}, ${centroids} centroids | ${drift.toFixed(2)} | ${cells.join(" | ")} |`);
}

async function recallOf(index: SearchableIndex, set: VectorSet): Promise<string> {
  const queries = evenly(set.queries, Number(options.queries)).map((query) => encodedQuery(query, fingerprint));
  let byCodes = 0;
  let usual = 0;
  for (const query of queries) {
    const exact = new Set(await search(index, query, { accuracy: "exact" }));
    const share = (found: string[]) => found.filter((page) => exact.has(page)).length / K / queries.length;
    byCodes += share(await search(index, query, CODES_ONLY));
    usual += share(await search(index, query, {}));
  }
  return `${byCodes.toFixed(3)} (${usual.toFixed(3)})`;
}

async function search(
  index: SearchableIndex,
  query: EncodedQuery,
  settings: { accuracy?: "exact"; candidates?: number; exact?: number },
): Promise<string[]> {
  const { hits } = await index.search({ query, k: K, bare: true, ...settings });
  return hits.map(({ documentName }) => documentName);
}
