/**
 * Small documents and an ingestion of them that stores what the pipeline stores, in its order, without rendering.
 *
 * @module
 */
import { IndexWriter, type IndexWriterOptions } from "../../../encoder/indexing/index-writer.ts";
import { pagesOf, TEST_DIM } from "../../../encoder/indexing/testing-index.ts";
import { documentIdOf } from "../../../shared/names.ts";
import { testRecipe } from "../../../shared/recipe/testing.ts";
import { contentHashOf, isOfContent, newRevision } from "../../../shared/revision.ts";
import { layout } from "../../../shared/store/layout.ts";
import type { ObjectStore } from "../../../shared/store/object-store.ts";

export const INDEX = "books";
export const RECIPE = testRecipe({ dim: TEST_DIM });

export interface SmallDocument {
  name: string;
  /** Decides content and vectors. */
  seed: number;
  /** Of each page; 0: a page without text. */
  vectorCounts: readonly number[];
  shelf?: string;
}

export type WriterSettings = Partial<Omit<IndexWriterOptions, "store" | "index" | "recipe">>;

/**
 * Ingests what the index does not have with this very content, in one commit. May be run again at any time.
 *
 * @returns the names of those.
 */
export async function ingest(
  store: ObjectStore,
  documents: readonly SmallDocument[],
  settings: WriterSettings = {},
): Promise<string[]> {
  const writer = await IndexWriter.open({ store, index: INDEX, recipe: RECIPE, threads: 1, ...settings });
  try {
    const live = await writer.liveDocuments();
    const added: string[] = [];
    for (const document of documents) {
      const hash = await contentHashOf(sourceOf(document));
      const revision = live.get(await documentIdOf(document.name))?.entry.revision;
      if (revision !== undefined && isOfContent(revision, hash)) continue;
      await add(store, writer, document, hash);
      added.push(document.name);
    }
    await writer.commit();
    return added;
  } finally {
    await writer.close();
  }
}

async function add(store: ObjectStore, writer: IndexWriter, document: SmallDocument, hash: string): Promise<void> {
  const { name, seed, vectorCounts, shelf } = document;
  const source = sourceOf(document);
  const entry = {
    id: await documentIdOf(name),
    name,
    revision: newRevision(hash),
    contentType: "application/pdf",
    sourceBytes: source.byteLength,
    pageCount: vectorCounts.length,
    addedAtMs: 1_700_000_000_000,
    metadata: shelf === undefined ? {} : { shelf },
  };
  const at = [INDEX, entry.id, entry.revision] as const;
  await store.put(layout.source(...at), source);
  const pages = async function* () {
    for (const page of pagesOf(seed, ...vectorCounts)) {
      await store.put(layout.pageImage(...at, page.pageNumber), source);
      await store.put(layout.pageThumbnail(...at, page.pageNumber), source);
      yield page;
    }
  };
  await writer.addDocument(entry, pages());
}

/** The bytes of its file. */
export function sourceOf({ seed, vectorCounts, shelf }: SmallDocument): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ seed, vectorCounts, shelf }));
}
