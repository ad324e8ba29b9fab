import { afterEach, beforeEach, expect, it } from "vitest";
import { MaxleafError } from "../../shared/errors.ts";
import type { ObjectStore } from "../../shared/store/object-store.ts";
import { DUE_SEGMENTS_PER_TIER } from "../indexing/compact-plan.ts";
import { add, decorate, pagesOf, TestIndex } from "../indexing/testing-index.ts";
import { commitEach } from "../indexing/testing-maintenance.ts";
import { maintainIngested } from "./maintain-ingested.ts";

let books: TestIndex;
let log: string[];
let warnings: string[];
beforeEach(() => {
  books = new TestIndex();
  log = [];
  warnings = [];
});
afterEach(async () => await books.close());

async function maintain(store: ObjectStore = books.store, signal = new AbortController().signal): Promise<void> {
  await maintainIngested({
    store,
    index: books.name,
    threads: 1,
    executionProvider: "cpu",
    signal,
    onLog: (line) => void log.push(line),
    onWarning: (message) => void warnings.push(message),
  });
}

/** As many segments of a page as may be, and `more`. The first trains on so much that nothing is due for it. */
async function smallSegments(more = 1): Promise<void> {
  const writer = await books.openWriter();
  const names = Array.from({ length: DUE_SEGMENTS_PER_TIER + more }, (_, at) => `d${at}`);
  await commitEach(
    writer,
    Object.fromEntries(names.map((name, at) => [name, at === 0 ? pagesOf(1, 200) : pagesOf(1, 5)])),
  );
}

it("leaves an index alone for which nothing is due, or which is not there", async () => {
  await maintain();
  await smallSegments(0);
  const manifest = await books.manifest();
  await maintain();
  expect(await books.manifest()).toEqual(manifest);
  expect([log, warnings]).toEqual([[], []]);
});

it("compacts when segments have become too many, and says so", async () => {
  await smallSegments();
  await maintain();
  expect((await books.manifest()).segments).toHaveLength(1);
  expect(log).toEqual([expect.stringMatching(/^books: compacted, 9 → 1 segments, in \d+ s$/)]);
  await maintain();
  expect(log).toHaveLength(1);
});

it("trains anew when the codebook is outgrown, which compacts too", async () => {
  const writer = await books.openWriter();
  await add(writer, "first", pagesOf(1, 20));
  await writer.commit();
  await add(writer, "many", pagesOf(2, 100, 100));
  await writer.commit();
  const { codebook } = await books.manifest();
  await maintain();
  const manifest = await books.manifest();
  expect(manifest.codebook?.id).not.toBe(codebook?.id);
  expect(manifest.segments).toHaveLength(1);
  expect(log).toEqual([expect.stringMatching(/^books: trained anew, \d+ → \d+ centroids, 2 → 1 segments, in \d+ s$/)]);
});

it("does it once when several workers do it at once", async () => {
  await smallSegments();
  await Promise.all([maintain(), maintain(), maintain()]);
  expect((await books.manifest()).segments).toHaveLength(1);
  expect(log.filter((line) => line.includes("compacted"))).toHaveLength(1);
  expect(warnings).toEqual([]);
});

it("fails as a warning, and says nothing when it was stopped", async () => {
  await smallSegments();
  const failing = decorate(books.store, {
    put: async () => await Promise.reject(new MaxleafError("store_unavailable", "the store is gone")),
  });
  await maintain(failing);
  expect(warnings).toEqual([expect.stringMatching(/maxleaf compact .*: the store is gone$/)]);
  const stop = new AbortController();
  stop.abort(new Error("stopped"));
  await maintain(books.store, stop.signal);
  expect(warnings).toHaveLength(1);
});
