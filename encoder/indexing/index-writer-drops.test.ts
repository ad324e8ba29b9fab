import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readManifest, readNewestManifest } from "../../shared/format/manifest-store.ts";
import { layout } from "../../shared/store/layout.ts";
import type { ObjectStore } from "../../shared/store/object-store.ts";
import { setAlias } from "./change-aliases.ts";
import { createIndex, dropIndex, restoreIndex } from "./index-life.ts";
import { add, decorate, pagesOf, TestIndex } from "./testing-index.ts";

let books: TestIndex;
beforeEach(() => {
  books = new TestIndex();
});
afterEach(async () => await books.close());

/** The store, with `work` done right before the first put of a key like `pattern`. */
function before(pattern: RegExp, work: () => Promise<unknown>): ObjectStore {
  let isDone = false;
  return decorate(books.store, {
    put: async (key, ...rest) => {
      if (!isDone && pattern.test(key)) {
        isDone = true;
        await work();
      }
      return await books.store.put(key, ...rest);
    },
  });
}

const drop = async () => await dropIndex(books, books.name);
const create = async (settings = {}) => await createIndex(books, { index: books.name, recipe: books.recipe, settings });

/** The index with a document, and a writer that has another one waiting. */
async function writerOfExisting(store: ObjectStore = books.store) {
  const setup = await books.openWriter();
  await add(setup, "a", pagesOf(1, 30));
  await setup.commit();
  const writer = await books.openWriter({ store });
  await add(writer, "b", pagesOf(2, 20));
  return writer;
}

describe("an index that is dropped while it is written", () => {
  it("does not come back with what was waiting", async () => {
    const writer = await writerOfExisting();
    await drop();
    await expect(writer.commit()).rejects.toMatchObject({
      code: "index_not_found",
      message: 'index "books" was dropped while it was being changed',
    });
    expect(await readManifest(books.store, books.name)).toBeUndefined();
    await restoreIndex(books, books.name);
    expect(await books.liveNames()).toEqual(["a@0123456789abcdef"]);
    // What was waiting still is.
    expect(await writer.commit()).toMatchObject({ documents: 1 });
    expect(await books.liveNames()).toHaveLength(2);
  });

  it("does not come back when it is dropped between coding and committing", async () => {
    for (const pattern of [/segments/, /manifests.*2$/]) {
      books = new TestIndex();
      const writer = await writerOfExisting(before(pattern, drop));
      await expect(writer.commit()).rejects.toMatchObject({ code: "index_not_found" });
      expect(await readManifest(books.store, books.name)).toBeUndefined();
      expect(await readNewestManifest(books.store, books.name)).toMatchObject({ version: 2 });
      await books.close();
    }
  });

  it("does not come back when a writer that made it goes on", async () => {
    const writer = await books.openWriter();
    await add(writer, "a", pagesOf(1, 30));
    await writer.commit();
    await drop();
    await add(writer, "b", pagesOf(2, 20));
    await expect(writer.commit()).rejects.toMatchObject({ code: "index_not_found" });
  });

  it("takes what was waiting when it was made anew meanwhile", async () => {
    const writer = await writerOfExisting();
    await drop();
    await create({ subspaces: 8 });
    expect(await writer.commit()).toMatchObject({ documents: 1, trained: true });
    expect(await books.manifest()).toMatchObject({ codebook: { subspaces: 8 }, settings: { subspaces: 8 } });
    expect(await books.liveNames()).toEqual(["b@0123456789abcdef"]);
  });

  it("is trained anew when it was made anew, with settings of its own or without, after the coding", async () => {
    const trained = [];
    for (const settings of [{ subspaces: 8 }, {}]) {
      await books.close();
      books = new TestIndex();
      // The one that is dropped has the other settings.
      await create(settings.subspaces === undefined ? { subspaces: 8 } : {});
      const replace = async () => {
        await drop();
        await create(settings);
      };
      const writer = await writerOfExisting(before(/segments/, replace));
      expect(await writer.commit()).toMatchObject({ documents: 1, trained: true });
      expect(await books.segments()).toHaveLength(1);
      const { version, codebook } = await books.manifest();
      expect(version).toBe(5);
      trained.push(codebook?.subspaces);
    }
    expect(trained).toEqual([8, 4]);
  });
});

describe("an index that is new to its writer", () => {
  it("is made under the name of a dropped one", async () => {
    await create();
    await drop();
    const writer = await books.openWriter();
    await add(writer, "a", pagesOf(1, 30));
    expect(await writer.commit()).toMatchObject({ manifestVersion: 3, trained: true });
  });

  it("is not made under a name that has become an alias", async () => {
    const writer = await books.openWriter();
    await add(writer, "a", pagesOf(1, 30));
    await createIndex(books, { index: "other", recipe: books.recipe });
    await setAlias(books, { name: books.name, index: "other" });
    await expect(writer.commit()).rejects.toMatchObject({ code: "name_taken" });
    expect(await readNewestManifest(books.store, books.name)).toBeUndefined();
  });

  it("has the settings of one that was created after its documents were coded", async () => {
    const store = before(/segments/, async () => await create({ subspaces: 8, filterableFields: ["year"] }));
    const writer = await books.openWriter({ store });
    await add(writer, "a", pagesOf(1, 30));
    expect(await writer.commit()).toMatchObject({ manifestVersion: 2, trained: true });
    const { codebook, settings } = await books.manifest();
    expect(codebook?.subspaces).toBe(8);
    expect(settings).toEqual({ subspaces: 8, filterableFields: ["year"] });
    // What was coded in vain was removed.
    const { objects } = await books.store.list(`${layout.index(books.name)}codebooks/`);
    expect(objects).toHaveLength(1);
  });
});
