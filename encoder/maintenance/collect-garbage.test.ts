import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { MaxleafError } from "../../shared/errors.ts";
import { readManifest } from "../../shared/format/manifest-store.ts";
import { layout } from "../../shared/store/layout.ts";
import type { ObjectStore } from "../../shared/store/object-store.ts";
import { deleteDocument } from "../indexing/commit-changes.ts";
import { DocumentTables } from "../indexing/document-index.ts";
import { buildInvertedFile } from "../indexing/inverted-file.ts";
import { add, decorate, pagesOf, TestIndex } from "../indexing/testing-index.ts";
import { collectGarbage, DEFAULT_GRACE_HOURS } from "./collect-garbage.ts";
import { addWithFiles, aged, DyingStore, keysOf, storeFiles } from "./testing.ts";

const OLD_HOURS = DEFAULT_GRACE_HOURS + 1;

let books: TestIndex;
beforeEach(() => {
  books = new TestIndex();
});
afterEach(async () => await books.close());

/** An object by which a collection asks the time, but not the one that a crashed collection left. */
const isClock = (key: string) => key.includes("/maintenance/") && !key.endsWith("0000-dead");
/** Everything in the bucket is old; what the collection itself writes is new. */
const oldStore = (inner: ObjectStore = books.store) => aged(inner, OLD_HOURS, isClock);
const collect = async (store: ObjectStore, more = {}) =>
  await collectGarbage({ store, index: books.name, remove: true, ...more });

/** Three commits: a and b, then an inverted file, then b replaced. Besides, all that crashes leave behind. */
async function indexWithGarbage(): Promise<void> {
  const writer = await books.openWriter();
  await addWithFiles(books, writer, "a", [20, 0, 10]);
  await addWithFiles(books, writer, "b", [15]);
  await writer.commit();
  await buildInvertedFile({ store: books.store, index: books.name });
  await addWithFiles(books, writer, "b", [12, 8], "fedcba9876543210");
  await writer.commit();
  await buildInvertedFile({ store: books.store, index: books.name });
  await orphans();
}

/** What a crash between storing and committing leaves, of every kind. */
async function orphans(): Promise<void> {
  const { store, name } = books;
  const bytes = new Uint8Array(100);
  await store.put(layout.segment(name, "0000-dead"), bytes);
  await store.put(layout.vectors(name, "0000-dead"), bytes);
  await store.put(layout.codebook(name, "0000-dead"), bytes);
  await store.put(layout.inverted(name, "0000-dead"), bytes);
  await store.put(layout.invertedPart(name, "0000-dead", 0), bytes);
  await store.put(layout.lexical(name, "0000-dead"), bytes);
  await store.put(layout.lexicalPart(name, "0000-dead", 1), bytes);
  await storeFiles(books, "gone", 2);
}

/** Every object that the newest manifest needs is there. */
async function expectIntact(): Promise<void> {
  const { store, name } = books;
  for (const segment of await books.segments()) {
    const pages = Array.from({ length: segment.pageCount }, (_, page) => page);
    expect(await segment.readRecords(pages)).toHaveLength(pages.length);
    expect(await segment.readVectors(pages)).toHaveLength(pages.length);
  }
  const live = await new DocumentTables(store, name).liveDocuments(await books.manifest());
  for (const { id, revision, pageCount } of [...live.values()].map(({ entry }) => entry)) {
    expect(await store.get(layout.source(name, id, revision))).toBeDefined();
    for (let page = 1; page <= pageCount; page++) {
      expect(await store.get(layout.pageImage(name, id, revision, page))).toBeDefined();
      expect(await store.get(layout.pageThumbnail(name, id, revision, page))).toBeDefined();
    }
  }
}

describe("collectGarbage", () => {
  it("finds every kind of garbage, and only says so in a dry run", async () => {
    await indexWithGarbage();
    const before = await keysOf(books.store, books.name);
    const report = await collectGarbage({ store: oldStore(), index: books.name });
    expect(await keysOf(books.store, books.name)).toEqual(before);
    expect(report.removed).toBe(false);
    expect(Object.fromEntries(report.kinds.map(([kind, { objects }]) => [kind, objects]))).toMatchObject({
      manifest: 3,
      codebook: 1,
      segment: 1,
      vectors: 1,
      source: 1,
      image: 2,
      thumbnail: 2,
    });
    expect(report.garbage.manifest?.bytes).toBeGreaterThan(0);
    expect(report.garbage.source).toEqual({ objects: 1, bytes: 1_000 });
    expect(report.total.objects).toBe(report.kinds.reduce((sum, [, { objects }]) => sum + objects, 0));
  });

  it("removes exactly that, and finds nothing the second time", async () => {
    await indexWithGarbage();
    const before = await keysOf(books.store, books.name);
    const dry = await collectGarbage({ store: oldStore(), index: books.name });
    const report = await collect(oldStore());
    expect(report.kinds).toEqual(dry.kinds);
    const after = await keysOf(books.store, books.name);
    expect(before.length - after.length).toBe(report.total.objects);
    expect(after.filter((key) => key.includes("0000-dead"))).toEqual([]);
    expect(after.filter((key) => key.startsWith("manifests/"))).toHaveLength(1);
    await expectIntact();
    expect((await collect(oldStore())).total).toEqual({ objects: 0, bytes: 0 });
  });

  it("leaves what is younger than the grace period, and documents of which any object is", async () => {
    await indexWithGarbage();
    const before = await keysOf(books.store, books.name);
    const young = await collect(books.store);
    expect(young.total.objects).toBe(0);
    expect(young.young.objects).toBeGreaterThan(10);
    expect(await keysOf(books.store, books.name)).toEqual(before);
    // The last thumbnail of the document that nobody has yet was stored just now.
    const isFresh = (key: string) => isClock(key) || key.endsWith("pages/2.thumb.webp");
    const report = await collect(aged(books.store, OLD_HOURS, isFresh));
    expect(report.garbage.source).toBeUndefined();
    expect(report.garbage.image).toBeUndefined();
    expect(report.garbage.segment?.objects).toBe(1);
    expect(report.young.objects).toBe(5);
  });

  it("never removes what the store cannot tell the age of", async () => {
    await indexWithGarbage();
    const ageless = decorate(books.store, {
      list: async (...args) => {
        const page = await books.store.list(...args);
        const objects = page.objects.map((object) => (isClock(object.key) ? object : { ...object, lastModifiedMs: 0 }));
        return { ...page, objects };
      },
    });
    expect((await collect(ageless)).total.objects).toBe(0);
  });

  it("keeps manifests that were the newest within the grace period, and what they refer to", async () => {
    const writer = await books.openWriter();
    await addWithFiles(books, writer, "a", [20]);
    await writer.commit();
    const first = await books.manifest();
    await deleteDocument({ store: books.store, index: books.name }, await addWithFiles(books, writer, "a", [20]));
    expect((await books.manifest()).segments).toEqual([]);
    // Version 1 is old, but it was replaced just now: a reader may have opened it a second ago.
    const isFresh = (key: string) => isClock(key) || key.endsWith("000000000002");
    const kept = await collect(aged(books.store, OLD_HOURS, isFresh));
    expect(kept.total.objects).toBe(0);
    expect(kept.keptManifests).toBe(2);
    expect(await keysOf(books.store, books.name)).toContain(`segments/${first.segments[0]?.id}`);
    const removed = await collect(oldStore());
    expect(removed.garbage.segment?.objects).toBe(1);
    expect(await keysOf(books.store, books.name)).toEqual([
      "CURRENT",
      `codebooks/${first.codebook?.id}`,
      "manifests/000000000002",
    ]);
  });

  it("tells ages by the clock of the store, not by that of the machine", async () => {
    await indexWithGarbage();
    const tomorrow = { nowMs: () => Date.now() + 1_000 * 3_600_000, sleep: async () => await Promise.resolve() };
    expect((await collect(books.store, { clock: tomorrow })).total.objects).toBe(0);
  });

  it("touches nothing that it does not know, nor other indexes", async () => {
    const strange = [`${layout.index(books.name)}notes.txt`, `${layout.index(books.name)}segments/a.newkind`];
    const foreign = [`${layout.index("books2")}segments/0000-dead`, "other/thing"];
    for (const key of [...strange, ...foreign]) await books.store.put(key, new Uint8Array(7));
    await indexWithGarbage();
    const report = await collect(oldStore());
    expect(report.unknown).toEqual({ objects: 2, bytes: 14, examples: strange });
    for (const key of [...strange, ...foreign]) expect(await books.store.get(key)).toBeDefined();
  });

  it("cleans up after an index whose first commit never came", async () => {
    await orphans();
    await books.store.put(`${layout.index(books.name)}maintenance/0000-dead`, new Uint8Array(1));
    expect((await collect(books.store)).total.objects).toBe(0);
    expect((await collect(oldStore())).total.objects).toBe(13);
    expect(await keysOf(books.store, books.name)).toEqual([]);
  });

  it("removes nothing when what is referred to cannot be known", async () => {
    await indexWithGarbage();
    const before = await keysOf(books.store, books.name);
    const newest = layout.manifest(books.name, (await books.manifest()).version);
    const good = await books.store.get(newest);
    await books.store.put(newest, new TextEncoder().encode("{"));
    await expect(collect(oldStore())).rejects.toMatchObject({ code: "corrupt_data" });
    await books.store.put(newest, good?.bytes ?? new Uint8Array(0));
    const [segment] = (await books.manifest()).segments;
    await books.store.delete([layout.segment(books.name, segment?.id ?? "")]);
    await expect(collect(oldStore())).rejects.toMatchObject({ code: "corrupt_data" });
    const manifests = before.filter((key) => key.startsWith("manifests/")).map((key) => layout.index(books.name) + key);
    await books.store.delete(manifests);
    await expect(collect(oldStore())).rejects.toThrow(/CURRENT but no manifest/);
    const lost = new Set([`segments/${segment?.id}`, ...before.filter((key) => key.startsWith("manifests/"))]);
    expect(await keysOf(books.store, books.name)).toEqual(before.filter((key) => !lost.has(key)));
  });

  it("moves a CURRENT that is far behind before it removes the manifests in between", async () => {
    await indexWithGarbage();
    const { version } = await books.manifest();
    await books.store.put(layout.current(books.name), new TextEncoder().encode("1"));
    // It dies after the first manifest went, then after CURRENT was moved.
    const dying = new DyingStore(books.store, 4);
    await expect(collect(oldStore(oneByOne(dying.store)))).rejects.toMatchObject({ code: "store_unavailable" });
    expect((await readManifest(books.store, books.name))?.version).toBe(version);
    expect(new TextDecoder().decode((await books.store.get(layout.current(books.name)))?.bytes)).toBe(String(version));
    await collect(oldStore());
    expect((await readManifest(books.store, books.name))?.version).toBe(version);
  });
});

/** Deletes key by key, so that a crash may come between two of them. */
function oneByOne(store: ObjectStore): ObjectStore {
  return decorate(store, {
    delete: async (keys) => {
      for (const key of keys) await store.delete([key]);
    },
  });
}

describe("races", () => {
  it("cannot lose a segment that is committed while the collection runs", async () => {
    await indexWithGarbage();
    const gate = Promise.withResolvers<void>();
    const arrived = Promise.withResolvers<void>();
    // The commit has stored its segment and stands before its manifest.
    const gated = decorate(books.store, {
      put: async (key, ...rest) => {
        if (key.includes("/manifests/")) {
          arrived.resolve();
          await gate.promise;
        }
        return await books.store.put(key, ...rest);
      },
    });
    const writer = await books.openWriter({ store: gated });
    const before = new Set(await keysOf(books.store, books.name));
    await addWithFiles(books, writer, "late", [9, 9]);
    const commit = writer.commit();
    await arrived.promise;
    const isFresh = (key: string) => isClock(key) || !before.has(key.slice(layout.index(books.name).length));
    const report = await collect(aged(books.store, OLD_HOURS, isFresh));
    expect(report.garbage.segment?.objects).toBe(1);
    expect(report.young.objects).toBe(7);
    gate.resolve();
    await commit;
    expect(await books.liveNames()).toContain("late@0123456789abcdef");
    await expectIntact();
  });

  it("cannot lose what a slow commit refers to between listing and deleting", async () => {
    await indexWithGarbage();
    const writer = await books.openWriter();
    const hold = Promise.withResolvers<void>();
    const listed = Promise.withResolvers<void>();
    const gated = decorate(books.store, {
      list: async (prefix, ...rest) => {
        const page = await books.store.list(prefix, ...rest);
        if (prefix === layout.index(books.name)) {
          listed.resolve();
          await hold.promise;
        }
        return page;
      },
    });
    // A document whose files had been left by a crash long ago comes back, under the same keys.
    const collection = collect(aged(gated, OLD_HOURS, (key) => isClock(key) || rewritten.has(key)));
    const rewritten = new Set<string>();
    await listed.promise;
    const id = await addWithFiles(books, writer, "gone", [5, 5]);
    await writer.commit();
    hold.resolve();
    const report = await collection;
    expect(report.garbage.source).toBeUndefined();
    expect(report.raced).toEqual([]);
    expect(await books.store.get(layout.source(books.name, id, "0123456789abcdef"))).toBeDefined();
    await expectIntact();
  });

  it("cannot lose a segment older than the grace period that a commit takes up after the listing", async () => {
    await books.store.put(layout.segment(books.name, "0000-dead"), new Uint8Array(9));
    const gate = Promise.withResolvers<void>();
    const arrived = Promise.withResolvers<void>();
    const slow = decorate(books.store, {
      put: async (key, ...rest) => {
        if (key.includes("/manifests/")) {
          arrived.resolve();
          await gate.promise;
        }
        return await books.store.put(key, ...rest);
      },
    });
    const writer = await books.openWriter({ store: slow });
    // Without files: the look at those of a document would see the commit first.
    await add(writer, "slow", pagesOf(1, 9, 9));
    const commit = writer.commit();
    await arrived.promise;
    const listing = decorate(books.store, {
      list: async (prefix, ...rest) => {
        const page = await books.store.list(prefix, ...rest);
        // All is listed, and the segment is old and nobody's: now it becomes somebody's.
        if (prefix === layout.index(books.name)) {
          gate.resolve();
          await commit;
        }
        return page;
      },
    });
    const report = await collect(oldStore(listing));
    expect(report.garbage.segment?.objects).toBe(1);
    expect(await books.liveNames()).toEqual(["slow@0123456789abcdef"]);
    for (const segment of await books.segments()) expect(await segment.readVectors([0, 1])).toHaveLength(2);
  });

  it("does not take away the files of a document that is being ingested again", async () => {
    await indexWithGarbage();
    const prefix = layout.index(books.name);
    const rewritten = new Set<string>();
    const gated = decorate(books.store, {
      list: async (asked, ...rest) => {
        const page = await books.store.list(asked, ...rest);
        if (asked !== prefix || rewritten.size > 0) return page;
        // The listing is taken; now the source is written again, and nothing is committed yet.
        await storeFiles(books, "gone", 1);
        const id = page.objects.find(({ key }) => key.endsWith("/pages/2.webp") && key.includes("0123456789abcdef"));
        expect(id).toBeDefined();
        for (const { key } of page.objects) if (/\/(source|1\.webp)$/.test(key)) rewritten.add(key);
        return page;
      },
    });
    const store = decorate(gated, {
      list: async (asked, ...rest) => {
        const page = await gated.list(asked, ...rest);
        const isFresh = (key: string) => isClock(key) || (asked !== prefix && rewritten.has(key));
        const objects = page.objects.map((object) =>
          isFresh(object.key) ? object : { ...object, lastModifiedMs: object.lastModifiedMs - OLD_HOURS * 3_600_000 },
        );
        return { ...page, objects };
      },
    });
    const report = await collect(store);
    expect(report.garbage.image).toBeUndefined();
    expect(report.raced).toEqual([]);
    expect((await keysOf(books.store, books.name)).filter((key) => key.endsWith("/source"))).toHaveLength(3);
  });

  it("names the document when an import of it begins in the very moment of the removal", async () => {
    await indexWithGarbage();
    const rewritten = new Set<string>();
    const racing = decorate(books.store, {
      delete: async (keys) => {
        await books.store.delete(keys);
        const source = keys.find((key) => key.endsWith("/source"));
        if (source === undefined) return;
        await books.store.put(source, new Uint8Array(1_000));
        rewritten.add(source);
      },
    });
    const report = await collect(aged(racing, OLD_HOURS, (key) => isClock(key) || rewritten.has(key)));
    expect(report.raced).toEqual([expect.stringMatching(/^[0-9a-f]{20}\/0123456789abcdef$/)]);
  });
});

describe("killed after any write", () => {
  it("leaves the index as it was, and the next run does the rest", async () => {
    let deaths = 0;
    for (let after = 0; ; after++) {
      books = new TestIndex();
      await indexWithGarbage();
      const before = await books.manifest();
      const dying = new DyingStore(books.store, after);
      let failure: unknown;
      try {
        await collect(oldStore(oneByOne(dying.store)));
      } catch (error) {
        failure = error;
      }
      expect(await books.manifest()).toEqual(before);
      await expectIntact();
      await collect(oldStore());
      await expectIntact();
      expect((await collect(oldStore())).total.objects).toBe(0);
      expect((await keysOf(books.store, books.name)).filter((key) => key.includes("0000-dead"))).toEqual([]);
      await books.close();
      if (failure === undefined) break;
      expect(failure).toBeInstanceOf(MaxleafError);
      deaths += 1;
    }
    expect(deaths).toBeGreaterThan(15);
  });
});
