import { afterEach, beforeEach, expect, it } from "vitest";
import { layout } from "../../shared/store/layout.ts";
import { deleteDocument } from "./commit-changes.ts";
import { DocumentTables } from "./document-index.ts";
import { findLiveDocuments } from "./find-documents.ts";
import { buildInvertedFile } from "./inverted-file.ts";
import { add, decorate, pagesOf, TestIndex } from "./testing-index.ts";
import { commitEach } from "./testing-maintenance.ts";

let books: TestIndex;
beforeEach(() => {
  books = new TestIndex();
});
afterEach(async () => await books.close());

/** Five segments that an inverted file covers, one of them a large document's second, and a later one. */
async function sixSegments(): Promise<Map<string, string>> {
  const writer = await books.openWriter({ limits: { maxPages: 2, maxVectors: 1_000 } });
  const ids = await commitEach(writer, { a: pagesOf(1, 10), large: pagesOf(2, 10, 10, 10), b: pagesOf(3, 10) });
  ids.set("scan", await add(writer, "scan", pagesOf(4, 0)));
  await writer.commit();
  await buildInvertedFile({ store: books.store, index: books.name });
  for (const [name, id] of await commitEach(writer, { late: pagesOf(5, 10) })) ids.set(name, id);
  return ids;
}

/** What is found, and of how many segments the tables were read. */
async function find(...ids: string[]) {
  const read = new Set<string>();
  const store = decorate(books.store, {
    get: async (key, range) => {
      if (key.startsWith(layout.segment(books.name, ""))) read.add(key);
      return await books.store.get(key, range);
    },
  });
  const tables = new DocumentTables(store, books.name);
  const live = await findLiveDocuments(store, tables, await books.manifest(), new Set(ids));
  const names = [...live]
    .filter(([id]) => ids.includes(id))
    .map(([, { entry, places }]) => [entry.name, places.length]);
  return { names, segmentsRead: read.size };
}

it("reads only segments that have the document, and those that the inverted file does not cover", async () => {
  const ids = await sixSegments();
  const idOf = (name: string) => ids.get(name) ?? "";
  expect((await books.manifest()).segments).toHaveLength(6);
  expect(await find(idOf("a"))).toEqual({ names: [["a", 1]], segmentsRead: 2 });
  expect(await find(idOf("large"))).toEqual({ names: [["large", 2]], segmentsRead: 3 });
  expect(await find(idOf("scan"), idOf("b"))).toMatchObject({ segmentsRead: 3 });
  expect(await find(idOf("late"))).toEqual({ names: [["late", 1]], segmentsRead: 1 });
  expect(await find("0123456789abcdef0123")).toEqual({ names: [], segmentsRead: 1 });
});

it("does not find what is deleted, though the inverted file has it", async () => {
  const writer = await books.openWriter();
  const [first] = [await add(writer, "x", pagesOf(1, 10)), await add(writer, "y", pagesOf(2, 10))];
  await writer.commit();
  await commitEach(writer, { z: pagesOf(3, 10) });
  await buildInvertedFile({ store: books.store, index: books.name });
  await deleteDocument({ store: books.store, index: books.name }, first);
  expect((await books.manifest()).inverted).toBeDefined();
  expect(await find(first)).toEqual({ names: [], segmentsRead: 1 });
  await expect(deleteDocument({ store: books.store, index: books.name }, first)).rejects.toMatchObject({
    code: "document_not_found",
  });
});

it("reads all tables for many documents, and when the inverted file is damaged", async () => {
  const ids = await sixSegments();
  const many = Array.from({ length: 17 }, (_, at) => `0123456789abcdef01${at + 10}`);
  expect(await find(ids.get("a") ?? "", ...many)).toEqual({ names: [["a", 1]], segmentsRead: 6 });
  const { inverted } = await books.manifest();
  await books.store.put(layout.inverted(books.name, inverted?.id ?? ""), new Uint8Array(inverted?.bytes ?? 0));
  expect(await find(ids.get("a") ?? "")).toEqual({ names: [["a", 1]], segmentsRead: 6 });
});
