import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { commitManifest } from "../../shared/format/manifest-store.ts";
import { extendedOverlay, readOverlay, storeOverlay } from "../../shared/format/overlay.ts";
import { layout } from "../../shared/store/layout.ts";
import type { ObjectStore } from "../../shared/store/object-store.ts";
import { deleteDocuments, draftOf, withOverlay } from "./commit-changes.ts";
import { compactIndex, planCompactionOf } from "./compact.ts";
import { compactionDue } from "./compact-plan.ts";
import { DocumentTables } from "./document-index.ts";
import { retrainIndex } from "./retrain.ts";
import { add, decorate, pagesOf, TestIndex } from "./testing-index.ts";
import { commitEach, liveContent } from "./testing-maintenance.ts";
import { updateMetadata } from "./update-metadata.ts";

let books: TestIndex;
beforeEach(() => {
  books = new TestIndex();
});
afterEach(async () => await books.close());

const target = (store: ObjectStore = books.store) => ({ store, index: books.name });
const update = async (id: string | undefined, year: string) =>
  await updateMetadata(target(), new Map([[id ?? "", { year }]]));
const isManifest = (key: string) => key.startsWith(layout.manifests(books.name));

/** Years of all documents by name. */
async function years(): Promise<Record<string, string | undefined>> {
  const pages = await liveContent(books.store, await books.manifest());
  return Object.fromEntries([...pages.values()].map(({ document }) => [document.name, document.metadata["year"]]));
}

/** `acts` are done one by one, each before another manifest is written. */
function beforeManifests(...acts: (() => Promise<unknown>)[]): ObjectStore {
  return decorate(books.store, {
    put: async (key, ...rest) => {
      if (isManifest(key)) await acts.shift()?.();
      return await books.store.put(key, ...rest);
    },
  });
}

describe.each([
  ["compaction", async (store?: ObjectStore) => await compactIndex(target(store))],
  ["retraining", async (store?: ObjectStore) => await retrainIndex(target(store), { threads: 1 })],
])("changed metadata in a %s", (_name, run) => {
  it("is written into segments and layouts, and needs no overlay any more", async () => {
    const ids = await commitEach(await books.openWriter(), { a: pagesOf(1, 20), b: pagesOf(2, 20) });
    await update(ids.get("a"), "2024");
    await run();
    const { overlay, segments } = await books.manifest();
    expect([overlay, segments.length]).toEqual([undefined, 1]);
    expect(await years()).toEqual({ a: "2024", b: undefined });
    const [segment] = await books.segments();
    const layouts = await segment?.readLayouts([0, 1]);
    expect(layouts?.map(({ document }) => document.metadata)).toEqual([{ year: "2024" }, {}]);
  });

  it("that changes again meanwhile is what the newest update says", async () => {
    const ids = await commitEach(await books.openWriter(), { a: pagesOf(1, 20), b: pagesOf(2, 20) });
    await update(ids.get("a"), "2024");
    await run(
      beforeManifests(
        async () => await update(ids.get("a"), "2025"),
        async () => await update(ids.get("b"), "2026"),
      ),
    );
    expect(await years()).toEqual({ a: "2025", b: "2026" });
    expect((await books.manifest()).overlay).toMatchObject({ documents: 2 });
  });
});

it("keeps the overlay of documents that are not rewritten, and of parts of one that is larger than a segment", async () => {
  const limits = { maxPages: 4, maxVectors: 1_000 };
  const writer = await books.openWriter({ limits });
  const full = await add(writer, "full", pagesOf(1, 5, 5, 5, 5));
  await writer.commit();
  const ids = await commitEach(writer, { a: pagesOf(2, 10), b: pagesOf(3, 10) });
  const large = await add(writer, "large", pagesOf(4, 5, 5, 5, 5, 5));
  await writer.commit();
  for (const id of [full, large, ids.get("a")]) await update(id, "2024");
  // The last page of the large document has a segment with room, the first four have a full one.
  expect(await compactIndex(target(), { limits })).toMatchObject({ segmentsBefore: 5, segmentsAfter: 3 });
  expect((await books.manifest()).overlay).toMatchObject({ documents: 2 });
  expect(await years()).toEqual({ full: "2024", large: "2024", a: "2024", b: undefined });
});

it("rewrites segments for it when an overlay has grown large", async () => {
  const writer = await books.openWriter();
  for (let at = 0; at < 5; at++) await add(writer, `d${at}`, pagesOf(at + 1, 2));
  await writer.commit();
  const [first, ...others] = await documentIds();
  await update(first, "2024");
  expect((await planCompactionOf(target())).merges).toEqual([]);
  const fields = Object.fromEntries(Array.from({ length: 20 }, (_, at) => [`field${at}`, "x".repeat(500)]));
  // Some hundred documents of 10 kB: 1.1 MB.
  const many = Array.from({ length: 110 }, (_, at) => `m${at}`);
  for (const name of many) await add(writer, name, pagesOf(9, 1));
  await writer.commit();
  const patches = (await documentIds()).filter((id) => !others.includes(id)).map((id) => [id, fields] as const);
  await updateMetadata(target(), new Map(patches));
  expect((await books.manifest()).overlay?.bytes).toBeGreaterThan(1024 * 1024);
  await compactIndex(target());
  expect((await books.manifest()).overlay).toBeUndefined();
  const pages = await liveContent(books.store, await books.manifest());
  expect([...pages.values()].filter(({ document }) => document.metadata["field0"] !== undefined)).toHaveLength(111);
});

describe("a large overlay of documents that are gone", () => {
  const LARGE = Object.fromEntries(Array.from({ length: 20 }, (_, at) => [`field${at}`, "x".repeat(500)]));

  /** `old` documents with 10 kB of metadata each, replaced or deleted without a word about the overlay. */
  async function leaveStale(old: number): Promise<void> {
    const writer = await books.openWriter();
    await add(writer, "kept", pagesOf(1, 20));
    await writer.commit();
    const [kept = ""] = await documentIds();
    const names = Array.from({ length: old }, (_, at) => `old${at}`);
    for (const name of names) await add(writer, name, pagesOf(2, 1));
    await writer.commit();
    const ids = (await documentIds()).filter((id) => id !== kept);
    await updateMetadata(target(), new Map(ids.map((id) => [id, LARGE])));
    await deleteDocuments(target(), new Set(ids));
    expect(compactionDue(await books.manifest())).toBe(true);
  }

  it("goes although no segment has to be rewritten, so that nothing is due any more", async () => {
    await leaveStale(110);
    expect(await planCompactionOf(target())).toMatchObject({ merges: [], dropsOverlay: true });
    const { segments } = await books.manifest();
    expect(await compactIndex(target())).toMatchObject({ segmentsRewritten: 0, segmentsBefore: 1, segmentsAfter: 1 });
    const after = await books.manifest();
    expect([after.overlay, after.segments]).toEqual([undefined, segments]);
    expect(compactionDue(after)).toBe(false);
    expect(await planCompactionOf(target())).toMatchObject({ merges: [], dropsOverlay: false });
    expect(await compactIndex(target())).toBeUndefined();
  });

  it("goes with a compaction that rewrites what is live of it", async () => {
    await leaveStale(110);
    const [kept] = await documentIds();
    const { overlay } = await books.manifest();
    const stale = await readOverlay(books.store, books.name, overlay);
    // An update would prune it: what a writer of an earlier release has left.
    const live = await new DocumentTables(books.store, books.name).liveDocuments(await books.manifest());
    const entries = Array.from(live.values(), ({ entry }) => ({ ...entry, metadata: { year: "2024" } }));
    const whole = await storeOverlay(books.store, books.name, extendedOverlay(stale, entries));
    const manifest = await books.manifest();
    await commitManifest(books.store, books.name, () => withOverlay(draftOf(manifest, [...manifest.segments]), whole));
    expect((await books.manifest()).overlay).toMatchObject({ documents: 111 });
    expect(await compactIndex(target())).toMatchObject({ segmentsRewritten: 1 });
    expect((await books.manifest()).overlay).toBeUndefined();
    expect(await documentIds()).toEqual([kept]);
    expect(await years()).toEqual({ kept: "2024" });
  });

  it("keeps what an update says in the moment before the commit", async () => {
    await leaveStale(110);
    const [kept] = await documentIds();
    await compactIndex(target(beforeManifests(async () => await update(kept, "2025"))));
    expect(await years()).toEqual({ kept: "2025" });
    expect((await books.manifest()).overlay).toMatchObject({ documents: 1 });
  });
});

it("writes a document that is larger than a segment with its changed metadata, all parts of it", async () => {
  const limits = { maxPages: 4, maxVectors: 1_000 };
  const writer = await books.openWriter({ limits });
  const id = await add(writer, "large", pagesOf(4, 5, 5, 5, 5, 5));
  await writer.commit();
  await update(id, "2024");
  await retrainIndex(target(books.store), { threads: 1, limits });
  expect((await books.manifest()).segments).toHaveLength(2);
  expect((await books.manifest()).overlay).toBeUndefined();
  expect(await years()).toEqual({ large: "2024" });
});

async function documentIds(): Promise<string[]> {
  const pages = await liveContent(books.store, await books.manifest());
  return [...pages.values()].map(({ document }) => document.id);
}
