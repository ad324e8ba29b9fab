import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readManifestVersion } from "../../shared/format/manifest-store.ts";
import { MAX_OVERLAY_BYTES, readOverlay } from "../../shared/format/overlay.ts";
import type { DocumentEntry } from "../../shared/page.ts";
import { seededRandom } from "../../shared/seeded-random.ts";
import { layout } from "../../shared/store/layout.ts";
import type { ObjectStore } from "../../shared/store/object-store.ts";
import { deleteDocument } from "./commit-changes.ts";
import { compactIndex } from "./compact.ts";
import { DocumentTables } from "./document-index.ts";
import { documentEntry } from "./testing.ts";
import { add, decorate, pagesOf, TEST_REVISION, TestIndex } from "./testing-index.ts";
import { type MetadataPatch, updateMetadata } from "./update-metadata.ts";

let books: TestIndex;
beforeEach(() => {
  books = new TestIndex();
});
afterEach(async () => await books.close());

const target = (store: ObjectStore = books.store) => ({ store, index: books.name });
const patchesOf = (...patches: [string, MetadataPatch][]) => new Map(patches);

async function metadataOf(id: string): Promise<Record<string, string> | undefined> {
  const live = await new DocumentTables(books.store, books.name).liveDocuments(await books.manifest());
  return live.get(id)?.entry.metadata;
}

/** Commits documents with these names; their ids. */
async function addDocuments(...names: string[]): Promise<string[]> {
  const writer = await books.openWriter();
  const ids: string[] = [];
  for (const name of names) ids.push(await add(writer, name, pagesOf(ids.length, 12)));
  await writer.commit();
  return ids;
}

async function overlayObjects(): Promise<string[]> {
  const { objects } = await books.store.list(layout.overlay(books.name, ""));
  return objects.map(({ key }) => key);
}

describe("updateMetadata", () => {
  it("sets, replaces and removes fields of many documents in one commit, and writes nothing but the overlay", async () => {
    const [a = "", b = "", c = ""] = await addDocuments("a", "b", "c");
    const before = await books.manifest();
    const written: string[] = [];
    const watched = decorate(books.store, {
      put: async (key, ...rest) => {
        written.push(key.slice(layout.index(books.name).length).replace(/\/.*/, ""));
        return await books.store.put(key, ...rest);
      },
    });
    const first = await updateMetadata(
      target(watched),
      patchesOf([a, { year: "2023", team: "red" }], [b, { year: "2024" }]),
    );
    expect(first.manifest.version).toBe(before.version + 1);
    expect(first.manifest.segments).toEqual(before.segments);
    expect(first.changed.map(({ name }) => name)).toEqual(["a", "b"]);
    expect(written).toEqual(["overlays", "manifests", "CURRENT"]);
    await updateMetadata(target(), patchesOf([a, { year: "2025", team: null, none: null }]));
    expect(await metadataOf(a)).toEqual({ year: "2025" });
    expect(await metadataOf(b)).toEqual({ year: "2024" });
    expect(await metadataOf(c)).toEqual({});
    // Readers of older versions still find theirs.
    const older = await readManifestVersion(books.store, books.name, first.manifest.version);
    expect((await readOverlay(books.store, books.name, older?.overlay)).get(a)?.metadata).toEqual({
      year: "2023",
      team: "red",
    });
  });

  it("makes no version when nothing would be another", async () => {
    const [a = ""] = await addDocuments("a");
    await updateMetadata(target(), patchesOf([a, { year: "2023" }]));
    const { version } = await books.manifest();
    const report = await updateMetadata(target(), patchesOf([a, { year: "2023", team: null }]));
    expect(report.changed).toEqual([]);
    expect(report.unchanged.map(({ name }) => name)).toEqual(["a"]);
    expect(report.manifest.version).toBe(version);
    expect((await books.manifest()).version).toBe(version);
  });

  it("keeps saying what a compaction under way may be writing otherwise", async () => {
    const [a = ""] = await addDocuments("a");
    await updateMetadata(target(), patchesOf([a, { year: "2023" }]));
    await updateMetadata(target(), patchesOf([a, { year: null }]));
    expect(await metadataOf(a)).toEqual({});
    const { overlay } = await books.manifest();
    expect((await readOverlay(books.store, books.name, overlay)).get(a)?.metadata).toEqual({});
  });

  it("names documents that are not there, and then changes nothing", async () => {
    const [a = ""] = await addDocuments("a");
    const { version } = await books.manifest();
    const none = "0123456789abcdef0123";
    const updating = updateMetadata(target(), patchesOf([a, { year: "1" }], [none, { year: "1" }]));
    await expect(updating).rejects.toMatchObject({
      code: "document_not_found",
      message: expect.stringContaining(none),
    });
    expect((await books.manifest()).version).toBe(version);
    expect(await overlayObjects()).toEqual([]);
    const elsewhere = updateMetadata({ ...target(), index: "none" }, patchesOf([a, { year: "1" }]));
    await expect(elsewhere).rejects.toMatchObject({ code: "index_not_found" });
  });

  it("refuses what is past the limits", async () => {
    const [a = ""] = await addDocuments("a");
    const many = (first: number, count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, field) => [`field${first + field}`, "x"]));
    await updateMetadata(target(), patchesOf([a, many(0, 32)]));
    const refused: MetadataPatch[] = [
      { "": "x" },
      { ["__proto__"]: "x" },
      { ["f".repeat(513)]: "x" },
      { field0: "x".repeat(513) },
      many(32, 1),
    ];
    for (const patch of refused) {
      const updating = updateMetadata(target(), patchesOf([a, patch]));
      await expect(updating).rejects.toMatchObject({ code: "invalid_request" });
    }
    expect(Object.keys((await metadataOf(a)) ?? {})).toHaveLength(32);
  });

  it("says that compaction is needed when too much has changed", async () => {
    const names = Array.from({ length: Math.ceil(MAX_OVERLAY_BYTES / (32 * 512)) }, (_, number) => `book ${number}`);
    const ids = await addDocuments(...names);
    const full = Object.fromEntries(Array.from({ length: 32 }, (_, field) => [`field${field}`, "x".repeat(512)]));
    const updating = updateMetadata(target(), new Map(ids.map((id) => [id, full])));
    await expect(updating).rejects.toMatchObject({
      code: "compaction_needed",
      message: expect.stringContaining("maxleaf compact"),
    });
    expect((await books.manifest()).overlay).toBeUndefined();
  });

  it("says nothing of a document that was deleted and came back", async () => {
    const [a = "", b = ""] = await addDocuments("a", "b");
    await updateMetadata(target(), patchesOf([a, { year: "2023" }], [b, { year: "2024" }]));
    await deleteDocument(target(), a);
    const writer = await books.openWriter();
    await add(writer, "a", pagesOf(7, 12), "fedcba9876543210");
    await writer.commit();
    expect(await metadataOf(a)).toEqual({});
    const overlaid = async () => {
      const { overlay } = await books.manifest();
      return [...(await readOverlay(books.store, books.name, overlay)).keys()].toSorted();
    };
    await updateMetadata(target(), patchesOf([b, { year: "2025" }]));
    expect(await overlaid()).toEqual([a, b].toSorted());
    expect(await metadataOf(a)).toEqual({});
    // One that has grown is freed of the entry of the old version.
    await updateMetadata(target(), patchesOf([b, { year: "2026" }]), { pruneFromBytes: 1 });
    expect(await overlaid()).toEqual([b]);
  });

  it("changes all parts of a document that is larger than a segment", async () => {
    const writer = await books.openWriter({ limits: { maxVectors: 30, maxPages: 2 } });
    const id = await add(writer, "long", pagesOf(1, 12, 12, 12, 12, 12));
    await writer.commit();
    expect((await books.manifest()).segments.length).toBeGreaterThan(1);
    await updateMetadata(target(), patchesOf([id, { year: "2023" }]));
    expect(await metadataOf(id)).toEqual({ year: "2023" });
    expect((await books.manifest()).overlay?.documents).toBe(1);
  });
});

describe("updateMetadata under concurrent writers", () => {
  it("loses no update, whatever the order of their reads and writes (200 interleavings)", async () => {
    const names = ["a", "b", "c"];
    const ids = await addDocuments(...names);
    let run = 0;
    await fc.assert(
      fc.asyncProperty(fc.nat(0xffff_ffff), fc.integer({ min: 2, max: 5 }), async (seed, writers) => {
        run += 1;
        const random = seededRandom(seed);
        const store = inAnyOrder(books.store, random);
        const options = { random, clock: { nowMs: () => Date.now(), sleep: async () => await Promise.resolve() } };
        const [shared = ""] = ids;
        const own = (writer: number) => ids[1 + (writer % (ids.length - 1))] ?? "";
        await Promise.all(
          Array.from({ length: writers }, async (_, writer) => {
            const patches = patchesOf(
              [own(writer), { [`by${writer}`]: `${run}` }],
              [shared, { [`on${writer}`]: `${run}` }],
            );
            await updateMetadata({ store, index: books.name, retries: 40, ...options }, patches);
          }),
        );
        for (let writer = 0; writer < writers; writer++) {
          expect(await metadataOf(own(writer))).toMatchObject({ [`by${writer}`]: `${run}` });
          expect(await metadataOf(shared)).toMatchObject({ [`on${writer}`]: `${run}` });
        }
      }),
      { numRuns: 200, seed: 20_261_125 },
    );
    // They were in each other's way: overlays were stored for commits that others came before.
    const { version } = await books.manifest();
    expect((await overlayObjects()).length).toBeGreaterThan(version + 100);
  }, 60_000);

  it("is not undone by a compaction that began before it", async () => {
    const ids: string[] = [];
    for (const name of ["a", "b", "c"]) ids.push(...(await addDocuments(name)));
    const [a = "", b = "", c = ""] = ids;
    await updateMetadata(target(), patchesOf([a, { year: "2023" }], [b, { year: "2023" }]));
    let isUpdated = false;
    const store = decorate(books.store, {
      put: async (key, ...rest) => {
        if (!isUpdated && key.startsWith(layout.manifests(books.name))) {
          isUpdated = true;
          // Back to what the segment said, to something else, and for the first time.
          await updateMetadata(target(), patchesOf([a, { year: null }], [b, { year: "2024" }], [c, { year: "2025" }]));
        }
        return await books.store.put(key, ...rest);
      },
    });
    const report = await compactIndex(target(store));
    expect(report).toMatchObject({ segmentsBefore: 3, segmentsAfter: 1 });
    expect(isUpdated).toBe(true);
    expect(await metadataOf(a)).toEqual({});
    expect(await metadataOf(b)).toEqual({ year: "2024" });
    expect(await metadataOf(c)).toEqual({ year: "2025" });
  });

  it("keeps what was changed while its document was being ingested anew", async () => {
    const entry: DocumentEntry = { ...(await documentEntry("a", 1)), metadata: { year: "2022" } };
    const writer = await books.openWriter({ keepsMetadata: true });
    await writer.addDocument(entry, pagesOf(1, 12));
    await writer.commit();
    // The ingestion has seen the metadata of 2022; the update comes before its commit.
    await writer.addDocument({ ...entry, revision: "fedcba9876543210" }, pagesOf(2, 12));
    await updateMetadata(target(), patchesOf([entry.id, { year: "2023" }]));
    await writer.commit();
    expect(await books.liveNames()).toEqual(["a@fedcba9876543210"]);
    expect(await metadataOf(entry.id)).toEqual({ year: "2023" });
  });

  it("leaves out of the overlay what an ingestion has made most of it about", async () => {
    const writer = await books.openWriter({ keepsMetadata: true });
    const entries: DocumentEntry[] = [];
    for (const name of ["a", "b", "c"]) entries.push(await documentEntry(name, 1));
    for (const entry of entries) await writer.addDocument(entry, pagesOf(1, 12));
    await writer.commit();
    await updateMetadata(target(), new Map(entries.map(({ id }) => [id, { year: "2023" }])));
    const overlaidDocuments = async () => (await books.manifest()).overlay?.documents;
    expect(await overlaidDocuments()).toBe(3);
    const [a, b] = entries.map((entry) => ({ ...entry, revision: "fedcba9876543210", metadata: { year: "2023" } }));
    if (a === undefined || b === undefined) throw new Error("there are no entries");
    await writer.addDocument(a, pagesOf(2, 12));
    await writer.commit();
    // Not worth another object.
    expect(await overlaidDocuments()).toBe(3);
    await writer.addDocument(b, pagesOf(2, 12));
    await writer.commit();
    expect(await overlaidDocuments()).toBe(1);
    for (const { id } of entries) expect(await metadataOf(id)).toEqual({ year: "2023" });
  });

  it.each(["fedcba9876543210", TEST_REVISION])(
    "gives way to metadata that an ingestion was told to put (%s)",
    async (revision) => {
      const entry: DocumentEntry = { ...(await documentEntry("a", 1)), metadata: { year: "2022" } };
      const writer = await books.openWriter();
      await writer.addDocument(entry, pagesOf(1, 12));
      await writer.commit();
      await updateMetadata(target(), patchesOf([entry.id, { year: "2023" }]));
      await writer.addDocument({ ...entry, revision }, pagesOf(2, 12));
      await writer.commit();
      expect(await metadataOf(entry.id)).toEqual({ year: "2022" });
    },
  );
});

/** `store` whose answers come late by as many turns as `random` says, before and after they take effect. */
function inAnyOrder(store: ObjectStore, random: { next(): number }): ObjectStore {
  const pass = async () => {
    for (let turns = Math.floor(random.next() * 12); turns > 0; turns--) await Promise.resolve();
  };
  const delayed =
    <A extends unknown[], R>(work: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      await pass();
      const result = await work(...args).finally(pass);
      return result;
    };
  return decorate(store, {
    get: delayed(async (...args: Parameters<ObjectStore["get"]>) => await store.get(...args)),
    put: delayed(async (...args: Parameters<ObjectStore["put"]>) => await store.put(...args)),
    list: delayed(async (...args: Parameters<ObjectStore["list"]>) => await store.list(...args)),
  });
}
