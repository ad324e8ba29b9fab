import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { encodeCodebook, readCodebook } from "../../shared/format/codebook.ts";
import { layout } from "../../shared/store/layout.ts";
import { add, pagesOf, TestIndex } from "./testing-index.ts";

let books: TestIndex;
beforeEach(() => {
  books = new TestIndex();
});
afterEach(async () => await books.close());

describe("vectors of another recipe", () => {
  it("are refused before anything is encoded, naming every field that differs with both values", async () => {
    const writer = await books.openWriter();
    await add(writer, "a", pagesOf(1, 20));
    await writer.commit();
    const other = { ...books.recipe, queryPrefix: "query: ", extra: { resize: "lanczos3" } };
    await expect(books.openWriter({ recipe: other })).rejects.toMatchObject({
      code: "recipe_mismatch",
      message: expect.stringContaining('queryPrefix: "" ≠ "query: "; extra.resize: undefined ≠ "lanczos3"'),
    });
  });

  it("are refused at the commit, when another writer made the index meanwhile", async () => {
    const late = await books.openWriter({ recipe: { ...books.recipe, revision: "late" } });
    await add(late, "late", pagesOf(1, 20));
    const first = await books.openWriter();
    await add(first, "first", pagesOf(2, 20));
    await first.commit();
    await expect(late.commit()).rejects.toMatchObject({
      code: "recipe_mismatch",
      message: expect.stringMatching(/^index "books" .*revision: "1" ≠ "late"/u),
    });
    expect(await books.liveNames()).toEqual(["first@0123456789abcdef"]);
  });

  it("are not coded by the codebook of another recipe", async () => {
    const writer = await books.openWriter();
    await add(writer, "a", pagesOf(1, 40));
    await writer.commit();
    const id = (await books.manifest()).codebook?.id ?? "";
    const codebook = await readCodebook(books.store, books.name, id);
    const exchanged = encodeCodebook({ ...codebook, recipeFingerprint: "f".repeat(16) });
    await books.store.put(layout.codebook(books.name, id), exchanged);
    const next = await books.openWriter();
    await add(next, "b", pagesOf(2, 40));
    await expect(next.commit()).rejects.toMatchObject({
      code: "recipe_mismatch",
      message: expect.stringContaining(
        `its recipeFingerprint is "${"f".repeat(16)}", the index has "${codebook.recipeFingerprint}"`,
      ),
    });
    expect(await books.liveNames()).toEqual(["a@0123456789abcdef"]);
  });
});
