import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readManifest } from "../../shared/format/manifest-store.ts";
import { layout } from "../../shared/store/layout.ts";
import { MemoryStore } from "../../shared/store/memory-store.ts";
import type { ObjectStore } from "../../shared/store/object-store.ts";
import { createIndex, dropIndex, restoreIndex } from "../indexing/index-life.ts";
import { buildInvertedFile } from "../indexing/inverted-file.ts";
import { decorate, TestIndex } from "../indexing/testing-index.ts";
import { collectGarbage, DEFAULT_GRACE_HOURS } from "./collect-garbage.ts";
import { examineIndex } from "./doctor.ts";
import { addWithFiles, aged, keysOf } from "./testing.ts";

const OLD_HOURS = DEFAULT_GRACE_HOURS + 1;

let books: TestIndex;

/** Dropped as version 4: two documents in a segment each, and an inverted file. */
beforeEach(async () => {
  books = new TestIndex();
  const writer = await books.openWriter();
  for (const name of ["a", "b"]) {
    await addWithFiles(books, writer, name, [20, 0, 10]);
    await writer.commit();
  }
  await buildInvertedFile({ store: books.store, index: books.name });
  await dropIndex(books, books.name);
});

afterEach(async () => await books.close());

const isClock = (key: string) => key.includes("/maintenance/");
const collect = async (store: ObjectStore) => await collectGarbage({ store, index: books.name, remove: true });

/** The index in `store` is not damaged: doctor finds nothing, also in the bytes. */
async function expectWhole(store: ObjectStore): Promise<void> {
  const diagnosis = await examineIndex({ store, index: books.name, deep: true });
  expect(diagnosis).toMatchObject({ isWell: true, checked: { segments: 2, documents: 2 } });
}

async function copyOf(store: ObjectStore): Promise<MemoryStore> {
  const copy = new MemoryStore();
  for (const key of await keysOf(store, books.name)) {
    const object = await store.get(layout.index(books.name) + key);
    if (object !== undefined) await copy.put(layout.index(books.name) + key, object.bytes);
  }
  return copy;
}

describe("garbage of a dropped index", () => {
  it("is nothing that the index held until the grace period is over, so that it can be restored", async () => {
    // All that came before the drop is old.
    const isRecent = (key: string) => isClock(key) || key === layout.manifest(books.name, 4);
    const report = await collect(aged(books.store, OLD_HOURS, isRecent));
    expect(report).toMatchObject({ manifestVersion: 4, droppedAtMs: expect.any(Number) });
    expect(Object.keys(report.garbage)).toEqual(["manifest"]);
    await restoreIndex(books, books.name);
    await expectWhole(books.store);
  });

  it("is all of it afterwards but the manifest that says so", async () => {
    expect((await collect(aged(books.store, OLD_HOURS, isClock))).garbage).toMatchObject({
      manifest: { objects: 3 },
      segment: { objects: 2 },
      source: { objects: 2 },
      image: { objects: 6 },
    });
    expect(await keysOf(books.store, books.name)).toEqual(["CURRENT", "manifests/000000000004"]);
    await expect(restoreIndex(books, books.name)).rejects.toMatchObject({
      code: "index_not_found",
      message: expect.stringMatching(/a garbage collection has removed it since$/),
    });
    const again = await collect(aged(books.store, OLD_HOURS, isClock));
    expect(again).toMatchObject({ keptManifests: 1, total: { objects: 0 } });
    const { manifest } = await createIndex(books, { index: books.name, recipe: books.recipe });
    expect(manifest.version).toBe(5);
  });

  it("is whole or gone when it is restored at any moment of a collection", async () => {
    const outcomes: string[] = [];
    for (let moment = 0; ; moment++) {
      const inner = await copyOf(books.store);
      let requests = 0;
      let restored: Promise<unknown> | undefined;
      // Runs between two requests of the collection: before the `moment`-th and after all earlier ones.
      const pass = async () => {
        requests += 1;
        if (requests - 1 !== moment) return;
        restored = restoreIndex({ store: inner }, books.name).catch((error: unknown) => error);
        await restored;
      };
      const racing = decorate(inner, {
        get: async (...args) => {
          await pass();
          return await inner.get(...args);
        },
        list: async (...args) => {
          await pass();
          return await inner.list(...args);
        },
        put: async (...args) => {
          await pass();
          return await inner.put(...args);
        },
        delete: async (keys) => {
          await pass();
          await inner.delete(keys);
        },
      });
      await collect(aged(racing, OLD_HOURS, isClock));
      if (restored === undefined) break;
      const outcome = await restored;
      if (outcome instanceof Error) {
        expect(outcome).toMatchObject({ code: "index_not_found" });
        expect(await readManifest(inner, books.name)).toBeUndefined();
        outcomes.push("gone");
      } else {
        await expectWhole(inner);
        outcomes.push("whole");
      }
    }
    expect(outcomes.length).toBeGreaterThan(10);
    expect(new Set(outcomes)).toEqual(new Set(["whole", "gone"]));
  });
});
