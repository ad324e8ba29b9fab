/**
 * Everything that can be seen of an index, in a form that can be compared.
 *
 * @module
 */
import { loadKernel } from "../../../encoder/cli/load-kernel.ts";
import { DocumentTables, type LiveDocument } from "../../../encoder/indexing/document-index.ts";
import { TEST_DIM } from "../../../encoder/indexing/testing-index.ts";
import { topicVectors } from "../../../encoder/indexing/testing.ts";
import { listAll } from "../../../encoder/maintenance/list-all.ts";
import type { EncodedQuery, PageHit, SearchRequest } from "../../../shared/engine/contract.ts";
import { openIndex } from "../../../shared/engine/open-index.ts";
import { readManifest } from "../../../shared/format/manifest-store.ts";
import type { Manifest } from "../../../shared/format/manifest.ts";
import { MemoryStore } from "../../../shared/store/memory-store.ts";
import type { ObjectStore } from "../../../shared/store/object-store.ts";

const kernelModule = await loadKernel();

/** More than the pages of any index here: every page is an answer. */
const K = 500;
const CONTENT_CHARS = 16;

/** What a reader sees. The random part of revisions is left out: an ingestion done again has another. */
export interface IndexState {
  documents: object[];
  /** Page and score by exact vectors, best first, for each of a few queries. */
  exact: string[][];
  /** The pages that a usual search finds. */
  usual: string[];
  /** The same by words, where there is an index of them. */
  words: string[];
  filtered: string[];
}

export type MaybeIndex = IndexState | "no index";

/** The state of `index` as a reader that opens it now sees it. */
export async function stateOf(store: ObjectStore, index: string): Promise<MaybeIndex> {
  const manifest = await readManifest(store, index);
  if (manifest === undefined) return "no index";
  const live = await liveDocuments(store, index, manifest);
  const documents = live.map(({ entry, searchablePages }) => ({
    ...entry,
    revision: entry.revision.slice(0, CONTENT_CHARS),
    addedAtMs: 0,
    searchablePages,
  }));
  if (manifest.codebook === undefined) return { documents, exact: [], usual: [], words: [], filtered: [] };
  const hasShelves = documents.some(({ metadata }) => metadata["shelf"] !== undefined);
  return { documents, ...(await answersOf(store, index, manifest, hasShelves)) };
}

async function answersOf(
  store: ObjectStore,
  index: string,
  manifest: Manifest,
  hasShelves: boolean,
): Promise<Omit<IndexState, "documents">> {
  const opened = await openIndex({ store, index, kernelModule });
  try {
    const search = async (more: Partial<SearchRequest>, seed = 1) => {
      const { hits } = await opened.search({ query: queryOf(manifest.recipeFingerprint, seed), k: K, ...more });
      return hits;
    };
    const exact = [];
    for (const seed of [1, 2, 3]) exact.push((await search({ accuracy: "exact" }, seed)).map(scored));
    const usual = (await search({})).map(pageOf).toSorted();
    const hasWords = manifest.inverted?.lexical !== undefined;
    const words = hasWords ? await search({ mode: "lexical", text: "word3 word7 word1" }) : [];
    // A field that no document has cannot be filtered by.
    const filtered = hasShelves ? await search({ filter: { metadata: { shelf: ["north"] } } }) : [];
    return { exact, usual, words: words.map(pageOf).toSorted(), filtered: filtered.map(pageOf).toSorted() };
  } finally {
    opened.close();
  }
}

function pageOf({ documentId, pageNumber, metadata }: PageHit): string {
  return `${documentId} ${pageNumber} ${JSON.stringify(metadata)}`;
}

/** Ties would be in any order: pages here have none. */
function scored(hit: PageHit): string {
  return `${hit.score.toFixed(4)} ${pageOf(hit)}`;
}

function queryOf(recipeFingerprint: string, seed: number): EncodedQuery {
  const { values, count, dim } = topicVectors({ count: 4, dim: TEST_DIM, topics: 4, spread: 0.6, seed: seed * 7919 });
  const tokens = Array.from({ length: count }, (_, token) => ({ text: `t${token}`, start: 0, end: 0 }));
  return { recipeFingerprint, dim, tokenCount: count, vectors: values, tokens };
}

/** By id. */
export async function liveDocuments(store: ObjectStore, index: string, manifest: Manifest): Promise<LiveDocument[]> {
  const live = await new DocumentTables(store, index).liveDocuments(manifest);
  return [...live.values()].toSorted((a, b) => (a.entry.id < b.entry.id ? -1 : 1));
}

/** A copy that can be written to. */
export async function copyOf(store: ObjectStore): Promise<MemoryStore> {
  const copy = new MemoryStore();
  for await (const { key } of listAll(store, "")) {
    const object = await store.get(key);
    if (object !== undefined) await copy.put(key, object.bytes);
  }
  return copy;
}
