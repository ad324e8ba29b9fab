import { afterEach, beforeEach, expect, it } from "vitest";
import { deleteDocuments } from "./commit-changes.ts";
import { add, pagesOf, TestIndex } from "./testing-index.ts";

let books: TestIndex;
beforeEach(() => {
  books = new TestIndex();
});
afterEach(async () => await books.close());

const target = () => ({ store: books.store, index: books.name });

it("deletes several documents in one commit, and does not mind those that are not there", async () => {
  const writer = await books.openWriter();
  const ids = [];
  for (const name of ["a", "b", "c"]) ids.push(await add(writer, name, pagesOf(ids.length, 20)));
  await writer.commit();
  const { version } = await books.manifest();
  const [a = "", b = ""] = ids;
  const { manifest, removed } = await deleteDocuments(target(), new Set([a, "0123456789abcdef0123", b]));
  expect(manifest.version).toBe(version + 1);
  expect(removed.map(({ entry }) => entry.name)).toEqual(["a", "b"]);
  expect(await books.liveNames()).toEqual(["c@0123456789abcdef"]);
});

it("commits nothing when it has none of them", async () => {
  const writer = await books.openWriter();
  await add(writer, "a", pagesOf(1, 20));
  await writer.commit();
  const { version } = await books.manifest();
  const deleting = deleteDocuments(target(), new Set(["0123456789abcdef0123"]));
  await expect(deleting).rejects.toMatchObject({ code: "document_not_found" });
  expect((await books.manifest()).version).toBe(version);
  const elsewhere = deleteDocuments({ ...target(), index: "none" }, new Set(["0123456789abcdef0123"]));
  await expect(elsewhere).rejects.toMatchObject({ code: "index_not_found" });
});
