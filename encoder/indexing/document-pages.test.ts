import { afterEach, beforeEach, expect, it } from "vitest";
import { DocumentTables } from "./document-index.ts";
import { readDocumentPages } from "./document-pages.ts";
import { add, pagesOf, TestIndex } from "./testing-index.ts";

let books: TestIndex;
beforeEach(() => {
  books = new TestIndex();
});
afterEach(async () => await books.close());

it("gives every page of a document once, also of one larger than a segment", async () => {
  const writer = await books.openWriter({ limits: { maxVectors: 30, maxPages: 2 } });
  await add(writer, "short", pagesOf(2, 9));
  const id = await add(writer, "long", pagesOf(1, 12, 0, 11, 10, 0));
  await writer.commit();
  const manifest = await books.manifest();
  const document = (await new DocumentTables(books.store, books.name).liveDocuments(manifest)).get(id);
  expect(document?.places.length).toBeGreaterThan(1);
  const pages = await readDocumentPages(books.store, manifest, document ?? { places: [] });
  expect(pages.map(({ pageNumber, status, vectorCount }) => [pageNumber, status, vectorCount])).toEqual([
    [1, "searchable", 12],
    [2, "no-text", 0],
    [3, "searchable", 11],
    [4, "searchable", 10],
    [5, "no-text", 0],
  ]);
});
