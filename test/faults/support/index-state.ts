/**
 * Everything that can be seen of an index, in a form that can be compared; and whether the bucket has exactly that.
 *
 * @module
 */
import { expect } from "vitest";
import { loadKernel } from "../../../encoder/cli/load-kernel.ts";
import { DocumentTables, type LiveDocument } from "../../../encoder/indexing/document-index.ts";
import { TEST_DIM } from "../../../encoder/indexing/testing-index.ts";
import { topicVectors } from "../../../encoder/indexing/testing.ts";
import { collectGarbage, DEFAULT_GRACE_HOURS } from "../../../encoder/maintenance/collect-garbage.ts";
import { examineIndex } from "../../../encoder/maintenance/doctor.ts";
import { listAll } from "../../../encoder/maintenance/list-all.ts";
import { aged } from "../../../encoder/maintenance/testing.ts";
import type { EncodedQuery, PageHit, SearchRequest } from "../../../shared/engine/contract.ts";
import { openIndex } from "../../../shared/engine/open-index.ts";
import { readManifest, readNewestManifest } from "../../../shared/format/manifest-store.ts";
import type { Manifest } from "../../../shared/format/manifest.ts";
import { layout } from "../../../shared/store/layout.ts";
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
  if (manifest.codebook === undefined) return { documents, exact: [], usual: [], filtered: [] };
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
    // A field that no document has cannot be filtered by.
    const filtered = hasShelves ? await search({ filter: { metadata: { shelf: ["north"] } } }) : [];
    return { exact, usual, filtered: filtered.map(pageOf).toSorted() };
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

async function liveDocuments(store: ObjectStore, index: string, manifest: Manifest): Promise<LiveDocument[]> {
  const live = await new DocumentTables(store, index).liveDocuments(manifest);
  return [...live.values()].toSorted((a, b) => (a.entry.id < b.entry.id ? -1 : 1));
}

/** The doctor reads every byte of the index and finds nothing wrong. */
export async function expectWell(store: ObjectStore, index: string): Promise<void> {
  if ((await readNewestManifest(store, index)) === undefined) return;
  const { findings } = await examineIndex({ store, index, deep: true });
  expect(findings.filter(({ severity }) => severity === "error")).toEqual([]);
}

/** Collects the garbage of `index` as if all that is in the bucket now were older than the grace period. */
export async function collectAll(store: ObjectStore, index: string, through: ObjectStore = store): Promise<void> {
  const before = new Set(await keysBelow(store, layout.index(index)));
  const isNew = (key: string) => !before.has(key);
  await collectGarbage({ store: aged(through, DEFAULT_GRACE_HOURS + 1, isNew), index, remove: true });
}

/** After a collection, the bucket has what the newest manifest refers to, no more and no less. */
export async function expectTidyAfterCollection(store: ObjectStore, index: string): Promise<void> {
  await collectAll(store, index);
  const left = await keysBelow(store, layout.index(index));
  expect(left.toSorted()).toEqual((await referredKeys(store, index)).toSorted());
}

async function keysBelow(store: ObjectStore, prefix: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of listAll(store, prefix)) keys.push(key);
  return keys;
}

/** The keys that the newest manifest needs, told by the layout alone. */
async function referredKeys(store: ObjectStore, index: string): Promise<string[]> {
  const manifest = await readNewestManifest(store, index);
  if (manifest === undefined) return [];
  const { codebook, segments, inverted, overlay, version } = manifest;
  const keys = [layout.manifest(index, version)];
  // Only a hint, which a crash may have prevented.
  if ((await store.get(layout.current(index))) !== undefined) keys.push(layout.current(index));
  if (codebook !== undefined) keys.push(layout.codebook(index, codebook.id));
  for (const { id } of segments) keys.push(layout.segment(index, id), layout.vectors(index, id));
  if (inverted !== undefined) {
    const { id, parts, lexical } = inverted;
    keys.push(layout.inverted(index, id), ...parts.map((_, part) => layout.invertedPart(index, id, part)));
    if (lexical !== undefined) keys.push(layout.lexical(index, id));
    keys.push(...(lexical?.parts ?? []).map((_, part) => layout.lexicalPart(index, id, part)));
  }
  if (overlay !== undefined) keys.push(layout.overlay(index, overlay.id));
  for (const { entry } of await liveDocuments(store, index, manifest)) {
    const at = [index, entry.id, entry.revision] as const;
    keys.push(layout.source(...at));
    for (let page = 1; page <= entry.pageCount; page++) {
      keys.push(layout.pageImage(...at, page), layout.pageThumbnail(...at, page));
    }
  }
  return keys;
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
