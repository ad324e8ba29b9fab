import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openInvertedFile } from "../../shared/format/inverted/inverted-reader.ts";
import type { SegmentEntry } from "../../shared/format/manifest.ts";
import { segmentIdentityOf } from "../../shared/format/segment-identity.ts";
import { layout } from "../../shared/store/layout.ts";
import { deleteDocument } from "./commit-changes.ts";
import {
  buildInvertedFile,
  MAX_UNCOVERED_BAG_ENTRIES,
  MAX_UNCOVERED_SHARE,
  needsInvertedFile,
} from "./inverted-file.ts";
import { add, decorate, pagesOf, TestIndex } from "./testing-index.ts";

let books: TestIndex;
beforeEach(() => {
  books = new TestIndex();
});
afterEach(async () => await books.close());

const target = () => ({ store: books.store, index: books.name });
const invertedKeys = async () =>
  (await books.store.list(layout.inverted(books.name, ""))).objects.map((object) => object.key);

/** Two segments with vectors and one without, committed one by one. */
async function threeSegments(): Promise<string[]> {
  const writer = await books.openWriter();
  const ids: string[] = [];
  for (const [name, pages] of [
    ["a", pagesOf(1, 40, 0, 25)],
    ["b", pagesOf(2, 0)],
    ["c", pagesOf(3, 30, 10)],
  ] as const) {
    ids.push(await add(writer, name, pages));
    await writer.commit();
  }
  return ids;
}

describe("buildInvertedFile", () => {
  it("covers every page of every segment", async () => {
    const [, , idOfC = ""] = await threeSegments();
    const shares: number[] = [];
    const manifest = await buildInvertedFile(target(), { onProgress: (share) => shares.push(share) });
    expect(shares.at(-1)).toBe(1);
    const entry = manifest?.inverted;
    if (manifest === undefined || entry === undefined) throw new Error("there is no inverted file");
    expect(manifest).toEqual(await books.manifest());
    expect(entry).toMatchObject({ pageCount: 6, segmentIds: manifest.segments.map((segment) => segment.id) });
    expect(entry.bagEntries).toBe(manifest.segments.reduce((sum, segment) => sum + segment.bagEntries, 0));
    const identity = segmentIdentityOf(manifest, { vectorCount: 1 });
    const file = await openInvertedFile(books.store, { index: books.name, entry, identity });
    expect(Array.from(file.vectorCounts)).toEqual([40, 0, 25, 0, 30, 10]);
    expect(await file.findDocument(idOfC)).toEqual([{ segment: 2, documentOrdinal: 0 }]);
    const records = await file.records(2).readRecords([1]);
    expect(records[0]?.layout.document.name).toBe("c");
  });

  it("does nothing for an index without vectors, and names one that is not there", async () => {
    const writer = await books.openWriter();
    await add(writer, "scan", pagesOf(1, 0));
    await writer.commit();
    expect(await buildInvertedFile(target())).toBeUndefined();
    expect((await books.manifest()).version).toBe(1);
    const missing = buildInvertedFile({ store: books.store, index: "nothing" });
    await expect(missing).rejects.toMatchObject({ code: "index_not_found" });
  });

  it("stays when documents come or go, and goes with a segment that it covers", async () => {
    const [idOfA = ""] = await threeSegments();
    const writer = await books.openWriter();
    await add(writer, "d", pagesOf(4, 10));
    await add(writer, "e", pagesOf(5, 10));
    await writer.commit();
    const built = (await buildInvertedFile(target()))?.inverted;
    await add(writer, "f", pagesOf(6, 10));
    await writer.commit();
    await add(writer, "e", pagesOf(7, 12));
    await writer.commit();
    expect((await books.manifest()).inverted).toEqual(built);
    await deleteDocument(target(), idOfA);
    expect((await books.manifest()).inverted).toBeUndefined();
  });

  it("survives another writer's commit, and is built again when a segment goes meanwhile", async () => {
    const [idOfA = ""] = await threeSegments();
    const writer = await books.openWriter();
    let steps: (() => Promise<unknown>)[] = [
      async () => {
        await add(writer, "d", pagesOf(4, 10));
        await writer.commit();
      },
    ];
    const store = decorate(books.store, {
      put: async (key, ...rest) => {
        const isHead = key.startsWith(layout.inverted(books.name, "")) && !key.includes(".");
        if (isHead) await steps.shift()?.();
        return await books.store.put(key, ...rest);
      },
    });
    const first = await buildInvertedFile({ store, index: books.name });
    expect(first?.inverted?.segmentIds).toHaveLength(3);
    expect(first?.segments).toHaveLength(4);

    steps = [async () => await deleteDocument(target(), idOfA)];
    const second = await buildInvertedFile({ store, index: books.name });
    expect(second?.inverted?.segmentIds).toEqual(second?.segments.map((segment) => segment.id));
    // The file of the first try went; the one that was replaced is left for searches under way.
    const ids = new Set((await invertedKeys()).map((key) => key.split("/").at(-1)?.split(".")[0]));
    expect(ids).toEqual(new Set([first?.inverted?.id, second?.inverted?.id]));
  });

  it("gives up when segments keep going", async () => {
    const writer = await books.openWriter();
    const names = ["a", "b", "c", "d"];
    const ids: string[] = [];
    for (const [seed, name] of names.entries()) {
      ids.push(await add(writer, name, pagesOf(seed, 10)));
      await writer.commit();
    }
    const store = decorate(books.store, {
      put: async (key, ...rest) => {
        const isHead = key.startsWith(layout.inverted(books.name, "")) && !key.includes(".");
        if (isHead) await deleteDocument(target(), ids.pop() ?? "");
        return await books.store.put(key, ...rest);
      },
    });
    const building = buildInvertedFile({ store, index: books.name });
    await expect(building).rejects.toMatchObject({ code: "commit_conflict" });
    expect(await invertedKeys()).toEqual([]);
  });

  it("removes files that nobody can be reading any more", async () => {
    await threeSegments();
    const old = (await buildInvertedFile(target()))?.inverted?.id ?? "";
    const replaced = (await buildInvertedFile(target()))?.inverted?.id ?? "";
    const later = { nowMs: () => Date.now() + 73 * 3_600_000, sleep: async () => undefined };
    const current = (await buildInvertedFile({ ...target(), clock: later }))?.inverted?.id ?? "";
    const keys = await invertedKeys();
    expect(keys.filter((key) => key.includes(old))).toEqual([]);
    for (const id of [replaced, current]) expect(keys).toContain(layout.inverted(books.name, id));
  });
});

describe("needsInvertedFile", () => {
  const segment = (id: string, bagEntries: number): SegmentEntry => ({
    id,
    bagEntries,
    bytes: 1,
    vectorsBytes: 1,
    documentCount: 1,
    pageCount: 1,
    searchablePageCount: 1,
    vectorCount: 1,
    meanResidualNorm: 0,
    deletedDocuments: [],
  });
  const invertedOf = (...segments: SegmentEntry[]) => ({
    id: "inverted-1",
    bytes: 1,
    openBytes: 1,
    parts: [1],
    segmentIds: segments.map(({ id }) => id),
    pageCount: segments.length,
    bagEntries: segments.reduce((sum, { bagEntries }) => sum + bagEntries, 0),
  });

  it("goes by the bags that are not covered", () => {
    const small = segment("small-segment", MAX_UNCOVERED_BAG_ENTRIES);
    const one = segment("one-more-page", 1);
    expect(needsInvertedFile({ segments: [small] })).toBe(false);
    expect(needsInvertedFile({ segments: [small, one] })).toBe(true);
    expect(needsInvertedFile({ segments: [small, one], inverted: invertedOf(one) })).toBe(false);
    const large = segment("large-segment", MAX_UNCOVERED_BAG_ENTRIES * 10);
    const growth = MAX_UNCOVERED_SHARE * large.bagEntries;
    expect(needsInvertedFile({ segments: [large, segment("added-one", growth)], inverted: invertedOf(large) })).toBe(
      false,
    );
    expect(
      needsInvertedFile({ segments: [large, segment("added-one", growth + 1)], inverted: invertedOf(large) }),
    ).toBe(true);
  });
});
