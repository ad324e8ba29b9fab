/**
 * Indexes with everything that an ingestion stores, and stores that fail, for the tests of this folder.
 *
 * @module
 */
import { MaxleafError } from "../../shared/errors.ts";
import { layout } from "../../shared/store/layout.ts";
import type { ObjectStore } from "../../shared/store/object-store.ts";
import { documentIdOf } from "../../shared/names.ts";
import type { IndexWriter } from "../indexing/index-writer.ts";
import { documentEntry } from "../indexing/testing.ts";
import { decorate, pagesOf, TEST_REVISION } from "../indexing/testing-index.ts";
import { listAll } from "./list-all.ts";

/** Bytes of a source, as `documentEntry` says. */
const SOURCE_BYTES = 1_000;

/** Where an index lies: a `TestIndex`, or another store. */
export interface IndexPlace {
  store: ObjectStore;
  name: string;
}

/** Stores source and images of a document of `pageCount` pages, as an ingestion does before it hands pages over. */
export async function storeFiles(
  { store, name: index }: IndexPlace,
  documentName: string,
  pageCount: number,
  revision = TEST_REVISION,
): Promise<void> {
  const id = await documentIdOf(documentName);
  await store.put(layout.source(index, id, revision), new Uint8Array(SOURCE_BYTES).fill(1));
  for (let page = 1; page <= pageCount; page++) {
    await store.put(layout.pageImage(index, id, revision, page), new Uint8Array(200).fill(page));
    await store.put(layout.pageThumbnail(index, id, revision, page), new Uint8Array(20).fill(page));
  }
}

/** Adds a document whose pages have these numbers of vectors, with its files; the next commit shows it. */
export async function addWithFiles(
  index: IndexPlace,
  writer: IndexWriter,
  documentName: string,
  vectorCounts: readonly number[],
  revision = TEST_REVISION,
): Promise<string> {
  await storeFiles(index, documentName, vectorCounts.length, revision);
  const entry = await documentEntry(documentName, vectorCounts.length, revision);
  await writer.addDocument(entry, pagesOf(documentName.length + vectorCounts.length, ...vectorCounts));
  return entry.id;
}

/** `store` as if everything in it had been written `hours` earlier, but for keys with `except` in them. */
export function aged(store: ObjectStore, hours: number, isExempt: (key: string) => boolean = () => false): ObjectStore {
  return decorate(store, {
    list: async (...args) => {
      const page = await store.list(...args);
      const objects = page.objects.map((object) =>
        isExempt(object.key) ? object : { ...object, lastModifiedMs: object.lastModifiedMs - hours * 3_600_000 },
      );
      return { ...page, objects };
    },
  });
}

/** The power goes: the `after`-th write (from 0), and every one after it, is not made and throws. */
export class DyingStore {
  readonly store: ObjectStore;
  writes = 0;

  constructor(inner: ObjectStore, after: number) {
    const count = () => {
      if (this.writes >= after) throw new MaxleafError("store_unavailable", "the power is gone");
      this.writes += 1;
    };
    this.store = decorate(inner, {
      put: async (...args) => {
        count();
        return await inner.put(...args);
      },
      delete: async (keys) => {
        count();
        await inner.delete(keys);
      },
    });
  }
}

/** Every key below `index`, relative to it. */
export async function keysOf(store: ObjectStore, index: string): Promise<string[]> {
  const prefix = layout.index(index);
  const keys: string[] = [];
  for await (const { key } of listAll(store, prefix)) keys.push(key.slice(prefix.length));
  return keys;
}

/** `store`, out of reach for keys like `pattern`. */
export function decorateKey(store: ObjectStore, pattern: RegExp): ObjectStore {
  return decorate(store, {
    get: async (key, ...rest) => {
      if (pattern.test(key)) throw new MaxleafError("store_unavailable", "the line is cut");
      return await store.get(key, ...rest);
    },
  });
}
