import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { MaxleafError } from "../../shared/errors.ts";
import { NO_OVERLAY } from "../../shared/format/overlay.ts";
import type { EncodedPage } from "../../shared/page.ts";
import { layout } from "../../shared/store/layout.ts";
import type { ObjectStore } from "../../shared/store/object-store.ts";
import { deleteDocument, deleteDocuments } from "./commit-changes.ts";
import { compactIndex, planCompactionOf } from "./compact.ts";
import { buildInvertedFile } from "./inverted-file.ts";
import { commitMerged } from "./merge-commit.ts";
import { mergeSegments } from "./merge-segments.ts";
import { retrainIndex } from "./retrain.ts";
import { add, decorate, pagesOf, TestIndex } from "./testing-index.ts";
import { commitEach, documentCountOf, liveContent } from "./testing-maintenance.ts";

let books: TestIndex;
beforeEach(() => {
  books = new TestIndex();
});
afterEach(async () => await books.close());

const target = (store: ObjectStore = books.store) => ({ store, index: books.name });
const content = async () => await liveContent(books.store, await books.manifest());
const segmentCount = async () => (await books.manifest()).segments.length;

/** `act` is done once, just before the first object with a key that `matches` is written. */
function before(matches: (key: string) => boolean, act: () => Promise<unknown>): ObjectStore {
  let isDone = false;
  return decorate(books.store, {
    put: async (key, ...rest) => {
      if (!isDone && matches(key)) {
        isDone = true;
        await act();
      }
      return await books.store.put(key, ...rest);
    },
  });
}
const isManifest = (key: string) => key.startsWith(layout.manifests(books.name));
const isSegment = (key: string) => key.startsWith(layout.segment(books.name, ""));

/** Four documents in a segment each, one of them without vectors. */
async function fourSegments(): Promise<Map<string, string>> {
  const writer = await books.openWriter();
  const scans = pagesOf(3, 0, 0).map((page): EncodedPage => ({ ...page, text: "" }));
  const read = pagesOf(4, 20, 0, 12).map((page): EncodedPage => ({ ...page, textSource: "ocr" }));
  return await commitEach(writer, { a: pagesOf(1, 30, 0, 25), b: pagesOf(2, 40), scan: scans, c: read });
}

describe("compactIndex", () => {
  it("makes one segment of small ones, with every page as it was", async () => {
    await fourSegments();
    const earlier = await books.manifest();
    const pages = await content();
    const shares: number[] = [];
    const report = await compactIndex(target(), { onProgress: ({ share }) => shares.push(share) });
    expect(report).toEqual({
      manifestVersion: 5,
      segmentsBefore: 4,
      segmentsAfter: 1,
      segmentsRewritten: 4,
      segmentsWritten: 1,
      pagesCopied: 9,
      pagesRemoved: 0,
    });
    expect(shares.at(-1)).toBe(1);
    expect(await content()).toEqual(pages);
    const after = await books.manifest();
    expect(documentCountOf(after)).toBe(4);
    const vectors = earlier.segments.reduce((sum, segment) => sum + segment.vectorCount, 0);
    const norms = earlier.segments.reduce((sum, { vectorCount: n, meanResidualNorm }) => sum + n * meanResidualNorm, 0);
    expect(after.segments[0]?.meanResidualNorm).toBeCloseTo(norms / vectors, 9);
    expect(after.codebook).toEqual(earlier.codebook);
    // Readers of the older manifest still have all of it.
    expect(await liveContent(books.store, earlier)).toEqual(pages);
    expect(await compactIndex(target())).toBeUndefined();
  });

  it("leaves out deleted pages once they are many, and a segment when nothing in it lives", async () => {
    const writer = await books.openWriter();
    for (const name of ["a", "b", "c", "d", "e", "f"]) await add(writer, name, pagesOf(name.charCodeAt(0), 10, 10));
    await writer.commit();
    await deleteDocument(target(), (await idsOf()).get("b") ?? "");
    expect((await planCompactionOf(target())).merges).toEqual([]);
    await deleteDocument(target(), (await idsOf()).get("e") ?? "");
    const pages = await content();
    expect(await compactIndex(target())).toMatchObject({ pagesCopied: 8, pagesRemoved: 4, segmentsAfter: 1 });
    expect(await content()).toEqual(pages);
    expect((await books.manifest()).segments[0]).toMatchObject({ documentCount: 4, deletedDocuments: [] });
  });

  it("writes nothing when all pages are deleted while it works", async () => {
    const ids = await fourSegments();
    const store = before(isManifest, async () => await deleteDocuments(target(), new Set(ids.values())));
    await compactIndex(target(store));
    expect(await segmentCount()).toBe(0);
    expect(await compactIndex(target())).toBeUndefined();
  });

  it("brings parts of a document that spans segments together, in page order", async () => {
    const limits = { maxPages: 3, maxVectors: 1_000 };
    const writer = await books.openWriter({ limits });
    await add(writer, "a", pagesOf(1, 10, 10));
    await add(writer, "b", pagesOf(2, 10, 11, 12, 13, 14, 15, 16));
    await add(writer, "c", pagesOf(3, 10));
    await writer.commit();
    const pages = await content();
    expect((await books.manifest()).segments.some(({ continuedDocuments }) => continuedDocuments !== undefined)).toBe(
      true,
    );
    expect(await compactIndex(target(), { limits })).toBeUndefined();
    expect(await compactIndex(target(), { limits: { maxPages: 12, maxVectors: 1_000 } })).toMatchObject({
      segmentsAfter: 1,
    });
    expect(await content()).toEqual(pages);
    const [segment] = (await books.manifest()).segments;
    expect(segment).toMatchObject({ documentCount: 3 });
    expect(segment?.continuedDocuments).toBeUndefined();
    expect(await books.liveNames()).toHaveLength(3);
  });

  it("never fills a segment beyond its limits", async () => {
    const writer = await books.openWriter();
    const names = Array.from({ length: 30 }, (_, at) => `d${String(at).padStart(2, "0")}`);
    await commitEach(writer, Object.fromEntries(names.map((name, at) => [name, pagesOf(at + 1, 5 + (at % 7))])));
    const pages = await content();
    const limits = { maxPages: 8, maxVectors: 40 };
    await compactIndex(target(), { limits });
    const { segments } = await books.manifest();
    expect(segments.length).toBeLessThan(12);
    for (const { pageCount, vectorCount } of segments) {
      expect(pageCount).toBeLessThanOrEqual(limits.maxPages);
      expect(vectorCount).toBeLessThanOrEqual(limits.maxVectors);
    }
    expect(await content()).toEqual(pages);
  });

  it("makes few segments of two hundred", async () => {
    const writer = await books.openWriter();
    const names = Array.from({ length: 200 }, (_, at) => `d${String(at).padStart(3, "0")}`);
    await commitEach(writer, Object.fromEntries(names.map((name, at) => [name, pagesOf(at + 1, 4)])));
    const pages = await content();
    expect(await compactIndex(target())).toMatchObject({ segmentsBefore: 200, segmentsAfter: 1, pagesCopied: 200 });
    expect(await content()).toEqual(pages);
  });

  it("names an index that is not there, and does nothing when it is stopped", async () => {
    await expect(compactIndex({ store: books.store, index: "nothing" })).rejects.toMatchObject({
      code: "index_not_found",
    });
    await fourSegments();
    const manifest = await books.manifest();
    const stop = new AbortController();
    const keys = await segmentKeys();
    const stopped = compactIndex(target(), { signal: stop.signal, onProgress: () => stop.abort(new Error("stopped")) });
    await expect(stopped).rejects.toThrow("stopped");
    expect(await books.manifest()).toEqual(manifest);
    expect(await segmentKeys()).toEqual(keys);
  });
});

describe("an inverted file", () => {
  it("is there before and after, and at no time not", async () => {
    await fourSegments();
    await buildInvertedFile(target());
    const store = decorate(books.store, {
      put: async (key, bytes, options) => {
        const answer = await books.store.put(key, bytes, options);
        expect((await books.manifest()).inverted).toBeDefined();
        return answer;
      },
    });
    await compactIndex(target(store));
    const { inverted, segments } = await books.manifest();
    expect(segments).toHaveLength(1);
    expect(inverted?.segmentIds).toEqual(segments.map(({ id }) => id));
    expect(inverted?.lexical).toBeDefined();
  });

  it("stays when only segments are rewritten that it does not cover", async () => {
    const writer = await books.openWriter();
    await add(writer, "large", pagesOf(9, ...Array.from({ length: 40 }, () => 4)));
    await writer.commit();
    const built = (await buildInvertedFile(target()))?.inverted;
    await commitEach(writer, { x: pagesOf(1, 10), y: pagesOf(2, 10) });
    await compactIndex(target(), { limits: { maxPages: 50, maxVectors: 10_000 } });
    const { inverted, segments } = await books.manifest();
    expect(segments).toHaveLength(2);
    expect(inverted).toEqual(built);
  });

  it("is built again when a segment that it covers goes before the commit", async () => {
    const writer = await books.openWriter();
    await add(writer, "large", pagesOf(9, ...Array.from({ length: 40 }, () => 4)));
    await writer.commit();
    const ids = await commitEach(writer, { x: pagesOf(1, 10), y: pagesOf(2, 10), z: pagesOf(3, 30, 30, 30, 30, 30) });
    await buildInvertedFile(target());
    const store = before(isManifest, async () => await deleteDocument(target(), (await idsOf()).get("large") ?? ""));
    await compactIndex(target(store), { limits: { maxPages: 50, maxVectors: 200 } });
    const { inverted, segments } = await books.manifest();
    expect(ids.size).toBe(3);
    expect(inverted?.segmentIds).toEqual(segments.map(({ id }) => id));
    expect(await books.liveNames()).toEqual(["x@x-1", "y@y-1", "z@z-1"]);
  });
});

describe("other writers", () => {
  it("delete while it works: before the new segment is written and before the commit", async () => {
    for (const moment of [isSegment, isManifest]) {
      await books.close();
      books = new TestIndex();
      const ids = await fourSegments();
      const store = before(moment, async () => await deleteDocument(target(), ids.get("b") ?? ""));
      await compactIndex(target(store));
      expect(await books.liveNames()).toEqual(["a@a-1", "c@c-1", "scan@scan-1"]);
      expect(await segmentCount()).toBe(1);
    }
  });

  it("delete one of several documents of a segment", async () => {
    const writer = await books.openWriter();
    for (const name of ["a", "b", "c"]) await add(writer, name, pagesOf(name.charCodeAt(0), 10));
    await writer.commit();
    await commitEach(writer, { d: pagesOf(5, 10), e: pagesOf(6, 10) });
    const store = before(isManifest, async () => await deleteDocument(target(), (await idsOf()).get("b") ?? ""));
    await compactIndex(target(store));
    const { segments } = await books.manifest();
    expect(segments).toMatchObject([{ documentCount: 5, deletedDocuments: [1] }]);
    expect((await books.liveNames()).map((name) => name[0])).toEqual(["a", "c", "d", "e"]);
  });

  it("replace a document while it works: the newer version is the only one", async () => {
    await fourSegments();
    const writer = await books.openWriter();
    const store = before(isManifest, async () => {
      await add(writer, "a", pagesOf(7, 12), "a-2");
      await writer.commit();
    });
    await compactIndex(target(store));
    expect(await books.liveNames()).toEqual(["a@a-2", "b@b-1", "c@c-1", "scan@scan-1"]);
    expect(documentCountOf(await books.manifest())).toBe(4);
    await liveContent(books.store, await books.manifest());
  });

  it("add documents while it works, which are left alone", async () => {
    await fourSegments();
    const writer = await books.openWriter();
    const store = before(isManifest, async () => await commitEach(writer, { z: pagesOf(7, 12) }));
    await compactIndex(target(store));
    expect(await books.liveNames()).toHaveLength(5);
    expect(await segmentCount()).toBe(2);
  });

  it("compact while it works: the loser sees that it is done", async () => {
    await fourSegments();
    const pages = await content();
    const store = before(isManifest, async () => await compactIndex(target()));
    expect(await compactIndex(target(store))).toBeUndefined();
    expect(await segmentCount()).toBe(1);
    expect(await content()).toEqual(pages);
    // What the loser wrote is gone.
    expect((await segmentKeys()).length).toBe(2 * 5);
  });

  it("take some of its segments: the rest is committed", async () => {
    const writer = await books.openWriter();
    await commitEach(writer, { a: pagesOf(1, 10), b: pagesOf(2, 10), c: pagesOf(3, 10), d: pagesOf(4, 10) });
    const pages = await content();
    const store = before(isManifest, async () => {
      const from = await books.manifest();
      const work = { store: books.store, index: books.name, from, codebook: from.codebook, overlay: NO_OVERLAY };
      const merged = [await mergeSegments(work, from.segments.slice(1, 2)), await mergeSegments(work, [])];
      await commitMerged(target(), { merged, from, overlay: NO_OVERLAY, storedSinceMs: Date.now() });
    });
    const report = await compactIndex(target(store), { limits: { maxPages: 2, maxVectors: 20 } });
    expect(report).toMatchObject({ segmentsRewritten: 2, segmentsWritten: 1, segmentsAfter: 3 });
    expect(await content()).toEqual(pages);
  });

  it("build an inverted file while it works, which the new segments must be in", async () => {
    await fourSegments();
    const store = before(isManifest, async () => await buildInvertedFile(target()));
    await compactIndex(target(store));
    const { inverted, segments } = await books.manifest();
    expect(inverted?.segmentIds).toEqual(segments.map(({ id }) => id));
  });

  it("keep rewriting its segments: it gives up with a conflict", async () => {
    const writer = await books.openWriter();
    await commitEach(writer, { a: pagesOf(1, 10), b: pagesOf(2, 10) });
    let seed = 10;
    const store = decorate(books.store, {
      put: async (key, ...rest) => {
        if (isManifest(key)) {
          await compactIndex(target());
          seed += 1;
          await commitEach(writer, { [`n${seed}`]: pagesOf(seed, 10), [`m${seed}`]: pagesOf(seed, 11) });
        }
        return await books.store.put(key, ...rest);
      },
    });
    await expect(compactIndex(target(store))).rejects.toMatchObject({ code: "commit_conflict" });
    expect(documentCountOf(await books.manifest())).toBe(8);
    await liveContent(books.store, await books.manifest());
  });

  it("are not taken for themselves when an answer was lost and a read is stale", async () => {
    for (const run of [compactIndex, retrainIndex]) {
      await books.close();
      books = new TestIndex();
      await fourSegments();
      const names = await books.liveNames();
      let stale = "";
      const store = decorate(books.store, {
        put: async (key, ...rest) => {
          const answer = await books.store.put(key, ...rest);
          if (!isManifest(key) || stale !== "") return answer;
          stale = key;
          throw new MaxleafError("store_unavailable", "the answer was lost");
        },
        get: async (key, range) => {
          if (key !== stale) return await books.store.get(key, range);
          stale = "no key";
          return undefined;
        },
      });
      expect(await run(target(store), {})).toMatchObject({ segmentsAfter: 1 });
      expect(await books.liveNames()).toEqual(names);
      await content();
    }
  });

  it("leave the old state after a crash at any write, and another run does the work", async () => {
    await fourSegments();
    await buildInvertedFile(target());
    const pages = await content();
    let writes = 0;
    const counting = decorate(books.store, {});
    for (let allowed = 0; ; allowed++) {
      writes = 0;
      const crashing: ObjectStore = {
        ...counting,
        put: async (...args) => {
          if (writes++ >= allowed) throw new MaxleafError("store_unavailable", "the power is gone");
          return await books.store.put(...args);
        },
        delete: async () => {
          throw new MaxleafError("store_unavailable", "the power is gone");
        },
      };
      const earlier = await books.manifest();
      const attempt = await compactIndex({ ...target(crashing), retries: 0 }).catch((error: unknown) => error);
      expect(await content()).toEqual(pages);
      expect((await books.manifest()).inverted).toBeDefined();
      if (!(attempt instanceof Error)) break;
      expect(await books.manifest()).toEqual(earlier);
    }
    expect(await segmentCount()).toBe(1);
    expect(writes).toBeGreaterThan(5);
  });
});

async function idsOf(): Promise<Map<string, string>> {
  return new Map([...(await content()).values()].map(({ document }) => [document.name, document.id]));
}

async function segmentKeys(): Promise<string[]> {
  return (await books.store.list(layout.segment(books.name, ""))).objects.map(({ key }) => key);
}
