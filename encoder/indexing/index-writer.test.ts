import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { MaxleafError } from "../../shared/errors.ts";
import { readCodebook } from "../../shared/format/codebook.ts";
import { readManifest } from "../../shared/format/manifest-store.ts";
import type { Manifest } from "../../shared/format/manifest.ts";
import { NO_CODEBOOK, segmentIdentityOf } from "../../shared/format/segment-identity.ts";
import { openSegment } from "../../shared/format/segment-reader.ts";
import type { EncodedPage } from "../../shared/page.ts";
import { layout } from "../../shared/store/layout.ts";
import { MemoryStore } from "../../shared/store/memory-store.ts";
import type { ObjectStore } from "../../shared/store/object-store.ts";
import { deleteDocument } from "./commit-changes.ts";
import { DocumentTables } from "./document-index.ts";
import { IndexWriter, type IndexWriterOptions } from "./index-writer.ts";
import { quantizeVectors } from "./page-vectors.ts";
import { documentEntry, encodedPage, testRecipe, topicVectors } from "./testing.ts";
import { decodedCosines } from "./vector-coder.ts";

const index = "books";
const dim = 16;
const recipe = testRecipe(dim);

let store: MemoryStore;
const writers: IndexWriter[] = [];
beforeEach(() => {
  store = new MemoryStore();
});
afterEach(async () => {
  await Promise.all(writers.splice(0).map(async (writer) => await writer.close()));
});

async function openWriter(options: Partial<IndexWriterOptions> = {}): Promise<IndexWriter> {
  const writer = await IndexWriter.open({ store, index, recipe, threads: 1, ...options });
  writers.push(writer);
  return writer;
}

/** Pages with the given numbers of vectors. */
function pagesOf(seed: number, ...vectorCounts: number[]): EncodedPage[] {
  return vectorCounts.map((count, page) => {
    const vectors = topicVectors({ count, dim, topics: 6, spread: 0.4, seed: seed * 100 + page });
    return encodedPage(vectors, page + 1);
  });
}

async function add(writer: IndexWriter, name: string, pages: EncodedPage[], revision?: string): Promise<string> {
  const entry = await documentEntry(name, pages.length, revision);
  await writer.addDocument(entry, pages);
  return entry.id;
}

async function manifestNow(): Promise<Manifest> {
  const manifest = await readManifest(store, index);
  if (manifest === undefined) throw new Error("there is no index");
  return manifest;
}

/** Names of the live documents, with their revisions. */
async function liveNames(from: ObjectStore = store): Promise<string[]> {
  const live = await new DocumentTables(from, index).liveDocuments(await manifestNow());
  return [...live.values()].map(({ entry }) => `${entry.name}@${entry.revision}`).toSorted();
}

async function openSegments() {
  const manifest = await manifestNow();
  const open = manifest.segments.map(async (entry) => {
    const expected = segmentIdentityOf(manifest, entry);
    return await openSegment(store, { index, id: entry.id, expected, bytes: entry.bytes });
  });
  return await Promise.all(open);
}

describe("a first commit", () => {
  it("stores every page, with vectors or without, as it was", async () => {
    const writer = await openWriter();
    const documents = { "a.pdf": pagesOf(1, 40, 0, 25), "b.pdf": pagesOf(2, 60) };
    for (const [name, pages] of Object.entries(documents)) await add(writer, name, pages);
    expect(await writer.commit()).toEqual({
      manifestVersion: 1,
      documents: 2,
      replaced: 0,
      pages: 4,
      searchablePages: 3,
      vectors: 125,
      segments: 1,
      trained: true,
      codebookStale: false,
    });
    const [segment] = await openSegments();
    expect(segment?.documents.map((entry) => entry.name)).toEqual(["a.pdf", "b.pdf"]);
    const pages = Object.values(documents).flat();
    const all = pages.map((_, page) => page);
    expect(Array.from(segment?.pages.documentOrdinal ?? [])).toEqual([0, 0, 0, 1]);
    expect(segment?.pages.status).toEqual(pages.map((page) => page.status));
    expect(await segment?.readText(all)).toEqual(pages.map((page) => page.text));
    expect(await segment?.readGeometry(all)).toEqual(pages.map((page) => page.geometry));
    expect(await segment?.readVectors(all)).toEqual(
      pages.map((page) => quantizeVectors({ values: page.vectors, count: page.vectorCount, dim })),
    );
  });

  it("codes the vectors closely, and lists each page's centroids in its bag", async () => {
    const writer = await openWriter();
    const pages = pagesOf(3, 200, 150, 250);
    await add(writer, "a.pdf", pages);
    await writer.commit();
    const { codebook } = await manifestNow();
    expect(codebook).toMatchObject({ centroidCount: 64, trainedOnVectors: 600 });
    const decoded = await readCodebook(store, index, codebook?.id ?? "");
    const [segment] = await openSegments();
    const bags = await segment?.readBags();
    const coded = await segment?.readCodes([0, 1, 2]);
    for (const [page, codes] of (coded ?? []).entries()) {
      const vectors = { values: pages[page]?.vectors ?? new Float32Array(), count: codes.centroidIds.length, dim };
      const cosines = decodedCosines(decoded, vectors, codes);
      expect(cosines.reduce((sum, cosine) => sum + cosine, 0) / cosines.length).toBeGreaterThan(0.95);
      const bag = bags?.ids.subarray(bags.offsets[page], bags.offsets[page + 1]);
      expect(Array.from(bag ?? [])).toEqual([...new Set(codes.centroidIds)].toSorted((a, b) => a - b));
    }
  });

  it("does not depend on the order in which documents were encoded", async () => {
    const tables = [];
    for (const names of [
      ["a", "b", "c"],
      ["c", "a", "b"],
    ]) {
      store = new MemoryStore();
      const writer = await openWriter();
      for (const name of names) await add(writer, name, pagesOf(name.charCodeAt(0), 30, 20));
      await writer.commit();
      const [segment] = await openSegments();
      tables.push({
        names: segment?.documents.map((entry) => entry.name),
        codes: await segment?.readCodes([0, 1, 2, 3, 4, 5]),
      });
    }
    expect(tables[1]).toEqual(tables[0]);
  });

  it("does nothing when nothing was added", async () => {
    expect(await (await openWriter()).commit()).toBeUndefined();
    expect(await readManifest(store, index)).toBeUndefined();
  });

  it("spreads documents over segments within the limits, a large one over several", async () => {
    const writer = await openWriter({ limits: { maxPages: 3, maxVectors: 1_000 } });
    await add(writer, "a", pagesOf(1, 10, 10));
    const large = await add(writer, "b", pagesOf(2, 10, 10, 10, 10, 10, 10, 10));
    await add(writer, "c", pagesOf(3, 10));
    expect(await writer.commit()).toMatchObject({ documents: 3, pages: 10, segments: 4 });
    expect(await liveNames()).toEqual(["a@0123456789abcdef", "b@0123456789abcdef", "c@0123456789abcdef"]);
    const live = await writer.liveDocuments();
    expect(live.get(large)).toMatchObject({
      searchablePages: 7,
      places: [{ ordinal: 0 }, { ordinal: 0 }, { ordinal: 0 }],
    });
    await deleteDocument({ store, index }, large);
    expect((await manifestNow()).segments.map((segment) => segment.deletedDocuments)).toEqual([[], [0]]);
  });
});

describe("documents without any vector", () => {
  it("need no codebook, and stay readable when the index gets one", async () => {
    const writer = await openWriter();
    await add(writer, "scan.pdf", pagesOf(1, 0, 0));
    expect(await writer.commit()).toMatchObject({ pages: 2, searchablePages: 0, trained: false });
    expect((await manifestNow()).codebook).toBeUndefined();
    const [scan] = await openSegments();
    expect(scan?.identity.codebookId).toBe(NO_CODEBOOK);

    await add(writer, "text.pdf", pagesOf(2, 30));
    expect(await writer.commit()).toMatchObject({ trained: true });
    await add(writer, "scan2.pdf", pagesOf(3, 0));
    expect(await writer.commit()).toMatchObject({ trained: false });
    expect(await liveNames()).toHaveLength(3);
    const segments = await openSegments();
    const { codebook } = await manifestNow();
    expect(segments.map((segment) => segment.identity.codebookId)).toEqual([NO_CODEBOOK, codebook?.id, NO_CODEBOOK]);
  });
});

describe("later commits", () => {
  it("use the codebook that is there and leave older segments alone", async () => {
    const first = await openWriter();
    await add(first, "a", pagesOf(1, 50));
    await first.commit();
    const before = await manifestNow();
    const second = await openWriter();
    await add(second, "b", pagesOf(2, 50));
    expect(await second.commit()).toMatchObject({ manifestVersion: 2, trained: false });
    const after = await manifestNow();
    expect(after.codebook).toEqual(before.codebook);
    expect(after.segments[0]).toEqual(before.segments[0]);
    expect(await liveNames()).toEqual(["a@0123456789abcdef", "b@0123456789abcdef"]);
  });

  it("replace a document in one step and remove the images of its older version only", async () => {
    const writer = await openWriter();
    const id = await add(writer, "a", pagesOf(1, 20), "old");
    await add(writer, "b", pagesOf(2, 20), "old");
    await writer.commit();
    for (const revision of ["old", "new", "newer"]) {
      await store.put(layout.pageImage(index, id, revision, 1), Uint8Array.of(1));
    }
    await add(writer, "a", pagesOf(3, 25), "new");
    expect(await writer.commit()).toMatchObject({ documents: 1, replaced: 1 });
    expect(await liveNames()).toEqual(["a@new", "b@old"]);
    expect((await manifestNow()).segments.map((segment) => segment.deletedDocuments)).toEqual([[0], []]);
    const images = (await store.list(layout.document(index, id))).objects.map((object) => object.key);
    expect(images).toEqual([layout.pageImage(index, id, "new", 1), layout.pageImage(index, id, "newer", 1)]);
  });

  it("keep the images when a document is added again unchanged", async () => {
    const writer = await openWriter();
    const id = await add(writer, "a", pagesOf(1, 20), "same");
    await writer.commit();
    await store.put(layout.pageImage(index, id, "same", 1), Uint8Array.of(1));
    await add(writer, "a", pagesOf(1, 20), "same");
    expect(await writer.commit()).toMatchObject({ replaced: 1 });
    expect(await store.get(layout.pageImage(index, id, "same", 1))).toBeDefined();
    // The first segment held nothing else and is no longer listed.
    expect((await manifestNow()).segments).toHaveLength(1);
  });

  it("take the last of two versions added before one commit", async () => {
    const writer = await openWriter();
    await add(writer, "a", pagesOf(1, 20), "one");
    await add(writer, "a", pagesOf(1, 30), "two");
    expect(await writer.commit()).toMatchObject({ documents: 1, vectors: 30 });
    expect(await liveNames()).toEqual(["a@two"]);
  });

  it("say when the index has outgrown its codebook", async () => {
    const writer = await openWriter();
    await add(writer, "a", pagesOf(1, 10));
    await writer.commit();
    await add(writer, "b", pagesOf(2, 70));
    expect(await writer.commit()).toMatchObject({ codebookStale: false });
    await add(writer, "c", pagesOf(3, 1));
    expect(await writer.commit()).toMatchObject({ codebookStale: true });
  });
});

describe("deleteDocument", () => {
  it("removes the document from the index, then its objects", async () => {
    const writer = await openWriter();
    const id = await add(writer, "a", pagesOf(1, 20));
    await add(writer, "b", pagesOf(2, 20));
    await writer.commit();
    await store.put(layout.source(index, id, "0123456789abcdef"), Uint8Array.of(1));
    const { removed } = await deleteDocument({ store, index }, id);
    expect(removed.map(({ entry }) => entry.name)).toEqual(["a"]);
    expect(await liveNames()).toEqual(["b@0123456789abcdef"]);
    expect((await store.list(layout.document(index, id))).objects).toEqual([]);
    await expect(deleteDocument({ store, index }, id)).rejects.toMatchObject({ code: "document_not_found" });
  });

  it("succeeds when the objects cannot be removed, with a warning", async () => {
    const writer = await openWriter();
    const id = await add(writer, "a", pagesOf(1, 20));
    await writer.commit();
    await store.put(layout.source(index, id, "0123456789abcdef"), Uint8Array.of(1));
    const failing = decorate(store, {
      delete: () => Promise.reject(new MaxleafError("store_unavailable", "the store is gone")),
    });
    const warnings: string[] = [];
    await deleteDocument({ store: failing, index, onWarning: (message) => warnings.push(message) }, id);
    expect(warnings).toEqual(['objects of "a", which left the index, could not be removed']);
    expect(await liveNames()).toEqual([]);
  });

  it("names an index that is not there", async () => {
    const attempt = deleteDocument({ store, index: "nothing" }, "0123456789abcdef0123");
    await expect(attempt).rejects.toMatchObject({ code: "index_not_found" });
  });
});

describe("failures", () => {
  it("drop the document whose pages fail, and no other", async () => {
    const writer = await openWriter();
    await add(writer, "good", pagesOf(1, 20));
    const broken = async function* () {
      yield* pagesOf(2, 20);
      await Promise.resolve();
      throw new MaxleafError("file_unreadable", "page 2 is broken");
    };
    const entry = await documentEntry("bad", 2);
    await expect(writer.addDocument(entry, broken())).rejects.toMatchObject({ code: "file_unreadable" });
    expect(await writer.commit()).toMatchObject({ documents: 1, pages: 1 });
    expect(await liveNames()).toEqual(["good@0123456789abcdef"]);
  });

  it("keep the older version of a document whose newer one fails", async () => {
    const writer = await openWriter();
    await add(writer, "a", pagesOf(1, 20), "old");
    await writer.commit();
    await expect(writer.addDocument(await documentEntry("a", 3, "new"), pagesOf(2, 20))).rejects.toMatchObject({
      message: '"a" should have 3 pages but 1 were encoded',
    });
    expect(await writer.commit()).toBeUndefined();
    expect(await liveNames()).toEqual(["a@old"]);
  });

  it("refuse a document without pages and another recipe's index", async () => {
    const writer = await openWriter();
    await expect(writer.addDocument(await documentEntry("a", 0), [])).rejects.toMatchObject({ code: "file_empty" });
    await add(writer, "b", pagesOf(1, 5));
    await writer.commit();
    const other = openWriter({ recipe: { ...recipe, revision: "other" } });
    await expect(other).rejects.toThrow(/made by the recipe "test".*revision: "1" ≠ "other"/);
  });

  it("leave the old state after a crash at any write, and the documents for another commit", async () => {
    const setup = await openWriter();
    await add(setup, "a", pagesOf(1, 30), "old");
    await setup.commit();
    // A commit writes vectors, segment, manifest and CURRENT: it is stopped before each of the first three.
    for (let writes = 0; writes < 3; writes++) {
      const crashing = decorate(store, {
        put: async (...args) => {
          if (left-- === 0) throw new MaxleafError("store_unavailable", "the power is gone");
          return await store.put(...args);
        },
      });
      let left = writes;
      const writer = await openWriter({ store: crashing, retries: 0 });
      await add(writer, "a", pagesOf(2, 30), `new${writes}`);
      const before = await manifestNow();
      await expect(writer.commit()).rejects.toMatchObject({ code: "store_unavailable" });
      expect(await manifestNow()).toEqual(before);
      await openSegments();
      left = Infinity;
      expect(await writer.commit()).toMatchObject({ documents: 1, replaced: 1 });
      expect(await liveNames()).toEqual([`a@new${writes}`]);
    }
  });
});

describe("several writers at once", () => {
  it("all survive, though only one can train the codebook", async () => {
    const names = ["a", "b", "c", "d"];
    const all = await Promise.all(names.map(async () => await openWriter()));
    await Promise.all(
      names.map(async (name, at) => await add(all[at] ?? (await openWriter()), name, pagesOf(at, 40, 0))),
    );
    const reports = await Promise.all(all.map(async (writer) => await writer.commit()));
    expect(reports.filter((report) => report?.trained)).toHaveLength(1);
    expect(await liveNames()).toEqual(names.map((name) => `${name}@0123456789abcdef`));
    const segments = await openSegments();
    for (const segment of segments) expect(await segment.readCodes([0])).toHaveLength(1);
    // What was coded under a codebook that lost is gone.
    expect((await store.list(`indexes/${index}/codebooks/`)).objects).toHaveLength(1);
    expect((await store.list(`indexes/${index}/segments/`)).objects).toHaveLength(2 * names.length);
  });

  it("leave one version of a document that both replace", async () => {
    const [first, second] = [await openWriter(), await openWriter()];
    await add(first, "a", pagesOf(1, 20), "zero");
    await first.commit();
    await add(first, "a", pagesOf(2, 20), "one");
    await add(second, "a", pagesOf(3, 20), "two");
    await Promise.all([first.commit(), second.commit()]);
    const names = await liveNames();
    expect(names).toHaveLength(1);
    expect(["a@one", "a@two"]).toContain(names[0]);
  });

  it("may share one writer", async () => {
    const writer = await openWriter();
    const names = ["a", "b", "c", "d", "e", "f"];
    await Promise.all(
      names.map(async (name, seed) => {
        await add(writer, name, pagesOf(seed, 20, 10));
        await writer.commit();
      }),
    );
    expect(await writer.commit()).toBeUndefined();
    expect(await liveNames()).toEqual(names.map((name) => `${name}@0123456789abcdef`));
  });
});

/** `store` with some of its methods replaced. */
function decorate(base: ObjectStore, methods: Partial<ObjectStore>): ObjectStore {
  return {
    get: async (...args) => await base.get(...args),
    put: async (...args) => await base.put(...args),
    delete: async (keys) => await base.delete(keys),
    list: async (...args) => await base.list(...args),
    ...methods,
  };
}
