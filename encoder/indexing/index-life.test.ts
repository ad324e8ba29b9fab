import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readManifest, readNewestManifest } from "../../shared/format/manifest-store.ts";
import { testRecipe } from "../../shared/recipe/testing.ts";
import { layout } from "../../shared/store/layout.ts";
import { removeAlias, setAlias } from "./change-aliases.ts";
import { createIndex, dropIndex, restoreIndex } from "./index-life.ts";
import { add, decorate, pagesOf, TEST_DIM, TestIndex } from "./testing-index.ts";

let index: TestIndex;

beforeEach(() => {
  index = new TestIndex();
});

afterEach(async () => {
  await index.close();
});

/** An index `books` with a document. */
async function fill(): Promise<void> {
  const writer = await index.openWriter();
  await add(writer, "a.pdf", pagesOf(1, 30, 20));
  await writer.commit();
}

const target = () => ({ store: index.store });
const newIndex = () => ({ index: index.name, recipe: index.recipe });

describe("createIndex", () => {
  it("makes an index without documents, with its recipe and settings", async () => {
    const settings = { subspaces: 8, filterableFields: ["year"] };
    const { manifest, created } = await createIndex(target(), { ...newIndex(), settings });
    expect(created).toBe(true);
    expect(manifest).toMatchObject({ version: 1, segments: [], settings, recipe: index.recipe });
    expect(await index.manifest()).toEqual(manifest);
  });

  it("has the first training use its subspaces, and keeps its settings", async () => {
    const settings = { subspaces: 8, filterableFields: ["year"] };
    await createIndex(target(), { ...newIndex(), settings });
    await fill();
    expect(await index.manifest()).toMatchObject({ version: 2, codebook: { subspaces: 8 }, settings });
    expect((await index.segments())[0]?.pageCount).toBe(2);
    // What suits the dimension is another number, so the setting did decide.
    const other = new TestIndex();
    const writer = await other.openWriter();
    await add(writer, "a.pdf", pagesOf(1, 30, 20));
    await writer.commit();
    expect((await other.manifest()).codebook?.subspaces).not.toBe(8);
    await other.close();
  });

  it("leaves one alone that is there already with the same recipe and settings, whatever it holds", async () => {
    await createIndex(target(), newIndex());
    await fill();
    const before = await index.manifest();
    expect(await createIndex(target(), newIndex())).toEqual({ manifest: before, created: false });
    expect(await index.manifest()).toEqual(before);
  });

  it("refuses a name that another index has, and says in what it is another", async () => {
    await createIndex(target(), { ...newIndex(), settings: { filterableFields: ["year"] } });
    const create = async (change: object) => await createIndex(target(), { ...newIndex(), ...change });
    await expect(create({})).rejects.toMatchObject({
      code: "name_taken",
      message: expect.stringContaining('it filters by "year", not by any field'),
    });
    await expect(create({ settings: { filterableFields: ["year"], subspaces: 16 } })).rejects.toMatchObject({
      code: "name_taken",
      message: expect.stringMatching(/it has \d+ subspaces, not 16/),
    });
    await expect(create({ recipe: testRecipe({ dim: TEST_DIM, name: "others" }) })).rejects.toMatchObject({
      code: "name_taken",
      message: expect.stringContaining('"others"'),
    });
  });

  it("refuses subspaces that do not divide the dimension", async () => {
    await expect(createIndex(target(), { ...newIndex(), settings: { subspaces: 32 } })).rejects.toMatchObject({
      code: "invalid_request",
      message: expect.stringContaining("16 values, which cannot be cut into 32 equal parts"),
    });
    expect(await readNewestManifest(index.store, index.name)).toBeUndefined();
  });

  it("refuses a name that an alias has", async () => {
    await createIndex(target(), { ...newIndex(), index: "other" });
    await setAlias(target(), { name: index.name, index: "other" });
    await expect(createIndex(target(), newIndex())).rejects.toMatchObject({ code: "name_taken" });
    expect(await readNewestManifest(index.store, index.name)).toBeUndefined();
  });

  it("goes on with the versions of a dropped index", async () => {
    await fill();
    await dropIndex(target(), index.name);
    expect(await createIndex(target(), newIndex())).toMatchObject({ created: true, manifest: { version: 3 } });
    await fill();
    expect(await index.manifest()).toMatchObject({ version: 4 });
    expect(await index.liveNames()).toHaveLength(1);
    await expect(restoreIndex(target(), index.name)).rejects.toMatchObject({ code: "name_taken" });
  });
});

describe("dropIndex and restoreIndex", () => {
  it("take an index away and bring it back as it was", async () => {
    await createIndex(target(), { ...newIndex(), settings: { filterableFields: ["year"] } });
    await fill();
    const before = await index.manifest();
    const names = await index.liveNames();
    const clock = { nowMs: () => 5_000, sleep: async () => undefined };
    const { manifest, content } = await dropIndex({ ...target(), clock }, index.name);
    expect(content).toEqual(before);
    expect(manifest).toMatchObject({ version: 3, segments: [], droppedAtMs: 5_000 });
    expect(await readManifest(index.store, index.name)).toBeUndefined();

    const restored = await restoreIndex(target(), index.name);
    const { commitId, committedAtMs } = restored;
    expect(restored).toEqual({ ...before, version: 4, commitId, committedAtMs });
    expect(restored.settings).toEqual({ filterableFields: ["year"] });
    expect(await index.liveNames()).toEqual(names);
    expect(await index.segments()).toHaveLength(1);
  });

  it("take back a drop of an index without documents", async () => {
    await createIndex(target(), newIndex());
    await dropIndex(target(), index.name);
    expect(await restoreIndex(target(), index.name)).toMatchObject({ version: 3, segments: [] });
  });

  it("say that there is no such index", async () => {
    for (const change of [dropIndex, restoreIndex]) {
      await expect(change(target(), "nothing")).rejects.toMatchObject({ code: "index_not_found" });
    }
    await fill();
    await dropIndex(target(), index.name);
    await expect(dropIndex(target(), index.name)).rejects.toMatchObject({ code: "index_not_found" });
  });

  it("do not follow an alias", async () => {
    await fill();
    await setAlias(target(), { name: "shelf", index: index.name });
    await expect(dropIndex(target(), "shelf")).rejects.toMatchObject({
      code: "index_not_found",
      message: 'there is no index "shelf"; it is an alias of "books"',
    });
    await expect(restoreIndex(target(), "shelf")).rejects.toMatchObject({ code: "name_taken" });
    expect(await index.liveNames()).toHaveLength(1);
  });

  it("do not restore what is not dropped, nor over an alias", async () => {
    await fill();
    await expect(restoreIndex(target(), index.name)).rejects.toMatchObject({ code: "name_taken" });
    await createIndex(target(), { ...newIndex(), index: "other" });
    await dropIndex(target(), index.name);
    await setAlias(target(), { name: index.name, index: "other" });
    await expect(restoreIndex(target(), index.name)).rejects.toMatchObject({ code: "name_taken" });
    expect(await readManifest(index.store, index.name)).toBeUndefined();
    await removeAlias(target(), { name: index.name });
    await restoreIndex(target(), index.name);
    expect(await index.liveNames()).toHaveLength(1);
  });

  it("do not restore half an index: its manifest or any object that it names is gone", async () => {
    await fill();
    const { segments, codebook } = await index.manifest();
    await dropIndex(target(), index.name);
    const segment = segments[0]?.id ?? "";
    const keys = [
      layout.segment(index.name, segment),
      layout.vectors(index.name, segment),
      layout.codebook(index.name, codebook?.id ?? ""),
      layout.manifest(index.name, 1),
    ];
    for (const key of keys) {
      const stored = await index.store.get(key);
      await index.store.delete([key]);
      await expect(restoreIndex(target(), index.name)).rejects.toMatchObject({
        code: "index_not_found",
        message: expect.stringMatching(/^index "books" cannot be restored: it was dropped on \d{4}-/),
      });
      // A truncated one is no better.
      await index.store.put(key, new Uint8Array(3));
      await expect(restoreIndex(target(), index.name)).rejects.toMatchObject({
        code: key.includes("manifests") ? "corrupt_data" : "index_not_found",
      });
      await index.store.put(key, stored?.bytes ?? new Uint8Array());
    }
    expect(await readManifest(index.store, index.name)).toBeUndefined();
    await restoreIndex(target(), index.name);
    expect(await index.segments()).toHaveLength(1);
  });

  it("take a restore back when a garbage collection began meanwhile", async () => {
    await fill();
    await dropIndex(target(), index.name);
    const store = decorate(index.store, {
      put: async (key, ...rest) => {
        const answer = await index.store.put(key, ...rest);
        // The collection had judged by what it saw before this commit, and removes manifests first.
        if (key === layout.manifest(index.name, 3)) await index.store.delete([layout.manifest(index.name, 1)]);
        return answer;
      },
    });
    await expect(restoreIndex({ store }, index.name)).rejects.toMatchObject({ code: "index_not_found" });
    expect(await readManifest(index.store, index.name)).toBeUndefined();
  });
});
