/**
 * An index in memory for the tests of this folder.
 *
 * @module
 */
import type { SegmentReader } from "../../shared/format/contract.ts";
import { readManifest } from "../../shared/format/manifest-store.ts";
import type { Manifest } from "../../shared/format/manifest.ts";
import { segmentIdentityOf } from "../../shared/format/segment-identity.ts";
import { openSegment } from "../../shared/format/segment-reader.ts";
import type { EncodedPage } from "../../shared/page.ts";
import { MemoryStore } from "../../shared/store/memory-store.ts";
import type { ObjectStore } from "../../shared/store/object-store.ts";
import { DocumentTables } from "./document-index.ts";
import { IndexWriter, type IndexWriterOptions } from "./index-writer.ts";
import type { Recipe } from "../../shared/recipe/recipe.ts";
import { testRecipe } from "../../shared/recipe/testing.ts";
import { documentEntry, encodedPage, topicVectors } from "./testing.ts";

export const TEST_DIM = 16;
export const TEST_REVISION = "0123456789abcdef";

export class TestIndex {
  readonly name = "books";
  readonly recipe: Recipe;
  readonly store = new MemoryStore();
  readonly #writers: IndexWriter[] = [];

  constructor(facts: Partial<Recipe> = {}) {
    this.recipe = testRecipe({ dim: TEST_DIM, ...facts });
  }

  async openWriter(options: Partial<IndexWriterOptions> = {}): Promise<IndexWriter> {
    const { store, name: index, recipe } = this;
    const writer = await IndexWriter.open({ store, index, recipe, threads: 1, ...options });
    this.#writers.push(writer);
    return writer;
  }

  async manifest(): Promise<Manifest> {
    const manifest = await readManifest(this.store, this.name);
    if (manifest === undefined) throw new Error("there is no index");
    return manifest;
  }

  /** Live documents as `name@revision`, by name. */
  async liveNames(): Promise<string[]> {
    const live = await new DocumentTables(this.store, this.name).liveDocuments(await this.manifest());
    return [...live.values()].map(({ entry }) => `${entry.name}@${entry.revision}`).toSorted();
  }

  /** Every segment of the manifest, opened and checked. */
  async segments(): Promise<SegmentReader[]> {
    const manifest = await this.manifest();
    const open = manifest.segments.map(async (entry) => {
      const expected = segmentIdentityOf(manifest, entry);
      return await openSegment(this.store, { index: this.name, id: entry.id, expected, bytes: entry.bytes });
    });
    return await Promise.all(open);
  }

  async close(): Promise<void> {
    await Promise.all(this.#writers.splice(0).map(async (writer) => await writer.close()));
  }
}

/** Pages with the given numbers of vectors. */
export function pagesOf(seed: number, ...vectorCounts: number[]): EncodedPage[] {
  return vectorCounts.map((count, page) => {
    const vectors = topicVectors({ count, dim: TEST_DIM, topics: 6, spread: 0.4, seed: seed * 100 + page });
    return encodedPage(vectors, page + 1);
  });
}

/** Adds a document to `writer`; its id. */
export async function add(
  writer: IndexWriter,
  name: string,
  pages: EncodedPage[],
  revision = TEST_REVISION,
): Promise<string> {
  const entry = await documentEntry(name, pages.length, revision);
  await writer.addDocument(entry, pages);
  return entry.id;
}

/** `store` with some of its methods replaced. */
export function decorate(store: ObjectStore, methods: Partial<ObjectStore>): ObjectStore {
  return {
    get: async (...args) => await store.get(...args),
    put: async (...args) => await store.put(...args),
    delete: async (keys) => await store.delete(keys),
    list: async (...args) => await store.list(...args),
    ...methods,
  };
}
