import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { MaxleafError } from "../../shared/errors.ts";
import { readCodebook } from "../../shared/format/codebook.ts";
import { readManifest } from "../../shared/format/manifest-store.ts";
import { NO_CODEBOOK } from "../../shared/format/segment-identity.ts";
import { layout } from "../../shared/store/layout.ts";
import { MAX_CODEBOOK_DRIFT } from "./codebook-drift.ts";
import { deleteDocument } from "./commit-changes.ts";
import { quantizeVectors } from "./page-vectors.ts";
import { add, decorate, pagesOf, TEST_DIM, TestIndex } from "./testing-index.ts";
import { decodedCosines } from "./vector-coder.ts";

let books: TestIndex;
beforeEach(() => {
  books = new TestIndex();
});
afterEach(async () => await books.close());

const target = () => ({ store: books.store, index: books.name });

describe("a first commit", () => {
  it("stores every page, with vectors or without, as it was", async () => {
    const writer = await books.openWriter();
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
      drift: expect.closeTo(1, 1),
      inverted: false,
      codebookStale: false,
    });
    const [segment] = await books.segments();
    expect(segment?.documents.map((entry) => entry.name)).toEqual(["a.pdf", "b.pdf"]);
    const pages = Object.values(documents).flat();
    const all = pages.map((_, page) => page);
    expect(Array.from(segment?.pages.documentOrdinal ?? [])).toEqual([0, 0, 0, 1]);
    expect(segment?.pages.status).toEqual(pages.map((page) => page.status));
    const layouts = await segment?.readLayouts(all);
    expect(layouts?.map(({ text, geometry }) => ({ text, geometry }))).toEqual(
      pages.map(({ text, geometry }) => ({ text, geometry })),
    );
    expect(await segment?.readVectors(all)).toEqual(
      pages.map((page) => quantizeVectors({ values: page.vectors, count: page.vectorCount, dim: TEST_DIM })),
    );
  });

  it("codes the vectors closely, and lists each page's centroids in its bag", async () => {
    const writer = await books.openWriter();
    const pages = pagesOf(3, 200, 150, 250);
    await add(writer, "a.pdf", pages);
    await writer.commit();
    const { codebook } = await books.manifest();
    expect(codebook).toMatchObject({ centroidCount: 64, trainedOnVectors: 600 });
    const decoded = await readCodebook(books.store, books.name, codebook?.id ?? "");
    const [segment] = await books.segments();
    const bags = await segment?.readBags();
    const coded = await segment?.readCodes([0, 1, 2]);
    const residualNorms: number[] = [];
    for (const [page, codes] of (coded ?? []).entries()) {
      const vectors = {
        values: pages[page]?.vectors ?? new Float32Array(),
        count: codes.centroidIds.length,
        dim: TEST_DIM,
      };
      const cosines = decodedCosines(decoded, vectors, codes);
      expect(cosines.reduce((sum, cosine) => sum + cosine, 0) / cosines.length).toBeGreaterThan(0.95);
      for (const [vector, id] of codes.centroidIds.entries()) {
        let squares = 0;
        for (let i = 0; i < TEST_DIM; i++) {
          const centroid = (decoded.centroids[id * TEST_DIM + i] ?? 0) * decoded.centroidScale;
          squares += ((vectors.values[vector * TEST_DIM + i] ?? 0) - centroid) ** 2;
        }
        residualNorms.push(Math.sqrt(squares));
      }
      const bag = bags?.ids.subarray(bags.offsets[page], bags.offsets[page + 1]);
      expect(Array.from(bag ?? [])).toEqual([...new Set(codes.centroidIds)].toSorted((a, b) => a - b));
    }
    const meanNorm = residualNorms.reduce((sum, norm) => sum + norm, 0) / residualNorms.length;
    // Coded from int8, which moves a vector by less than a hundredth.
    expect((await books.manifest()).segments[0]?.meanResidualNorm).toBeCloseTo(meanNorm, 2);
  });

  it("does not depend on the order in which documents were encoded", async () => {
    const tables = [];
    for (const names of [
      ["a", "b", "c"],
      ["c", "a", "b"],
    ]) {
      await books.close();
      books = new TestIndex();
      const writer = await books.openWriter();
      for (const name of names) await add(writer, name, pagesOf(name.charCodeAt(0), 30, 20));
      await writer.commit();
      const [segment] = await books.segments();
      tables.push({
        names: segment?.documents.map((entry) => entry.name),
        codes: await segment?.readCodes([0, 1, 2, 3, 4, 5]),
      });
    }
    expect(tables[1]).toEqual(tables[0]);
  });

  it("does nothing when nothing was added", async () => {
    expect(await (await books.openWriter()).commit()).toBeUndefined();
    expect(await readManifest(books.store, books.name)).toBeUndefined();
  });

  it("spreads documents over segments within the limits, a large one over several", async () => {
    const writer = await books.openWriter({ limits: { maxPages: 3, maxVectors: 1_000 } });
    await add(writer, "a", pagesOf(1, 10, 10));
    const large = await add(writer, "b", pagesOf(2, 10, 10, 10, 10, 10, 10, 10));
    await add(writer, "c", pagesOf(3, 10));
    expect(await writer.commit()).toMatchObject({ documents: 3, pages: 10, segments: 4 });
    expect(await books.liveNames()).toEqual(["a@0123456789abcdef", "b@0123456789abcdef", "c@0123456789abcdef"]);
    const live = await writer.liveDocuments();
    expect(live.get(large)).toMatchObject({
      searchablePages: 7,
      places: [{ ordinal: 0 }, { ordinal: 0 }, { ordinal: 0 }],
    });
    await deleteDocument(target(), large);
    expect((await books.manifest()).segments.map((segment) => segment.deletedDocuments)).toEqual([[], [0]]);
  });
});

describe("documents without any vector", () => {
  it("need no codebook, and stay readable when the index gets one", async () => {
    const writer = await books.openWriter();
    await add(writer, "scan.pdf", pagesOf(1, 0, 0));
    expect(await writer.commit()).toMatchObject({ pages: 2, searchablePages: 0, trained: false });
    expect((await books.manifest()).codebook).toBeUndefined();
    const [scan] = await books.segments();
    expect(scan?.identity.codebookId).toBe(NO_CODEBOOK);

    await add(writer, "text.pdf", pagesOf(2, 30));
    expect(await writer.commit()).toMatchObject({ trained: true });
    await add(writer, "scan2.pdf", pagesOf(3, 0));
    expect(await writer.commit()).toMatchObject({ trained: false });
    expect(await books.liveNames()).toHaveLength(3);
    const segments = await books.segments();
    const { codebook } = await books.manifest();
    expect(segments.map((segment) => segment.identity.codebookId)).toEqual([NO_CODEBOOK, codebook?.id, NO_CODEBOOK]);
  });
});

describe("later commits", () => {
  it("use the codebook that is there and leave older segments alone", async () => {
    const first = await books.openWriter();
    await add(first, "a", pagesOf(1, 50));
    await first.commit();
    const before = await books.manifest();
    const second = await books.openWriter();
    await add(second, "b", pagesOf(2, 50));
    expect(await second.commit()).toMatchObject({ manifestVersion: 2, trained: false });
    const after = await books.manifest();
    expect(after.codebook).toEqual(before.codebook);
    expect(after.segments[0]).toEqual(before.segments[0]);
    expect(await books.liveNames()).toEqual(["a@0123456789abcdef", "b@0123456789abcdef"]);
  });

  it("replace a document in one step and remove the images of its older version only", async () => {
    const writer = await books.openWriter();
    const id = await add(writer, "a", pagesOf(1, 20), "old");
    await add(writer, "b", pagesOf(2, 20), "old");
    await writer.commit();
    for (const revision of ["old", "new", "newer"]) {
      await books.store.put(layout.pageImage(books.name, id, revision, 1), Uint8Array.of(1));
    }
    await add(writer, "a", pagesOf(3, 25), "new");
    expect(await writer.commit()).toMatchObject({ documents: 1, replaced: 1 });
    expect(await books.liveNames()).toEqual(["a@new", "b@old"]);
    expect((await books.manifest()).segments.map((segment) => segment.deletedDocuments)).toEqual([[0], []]);
    const images = (await books.store.list(layout.document(books.name, id))).objects.map((object) => object.key);
    expect(images).toEqual([layout.pageImage(books.name, id, "new", 1), layout.pageImage(books.name, id, "newer", 1)]);
  });

  it("keep the images when a document is added again unchanged", async () => {
    const writer = await books.openWriter();
    const id = await add(writer, "a", pagesOf(1, 20), "same");
    await writer.commit();
    await books.store.put(layout.pageImage(books.name, id, "same", 1), Uint8Array.of(1));
    await add(writer, "a", pagesOf(1, 20), "same");
    expect(await writer.commit()).toMatchObject({ replaced: 1 });
    expect(await books.store.get(layout.pageImage(books.name, id, "same", 1))).toBeDefined();
    // The first segment held nothing else and is no longer listed.
    expect((await books.manifest()).segments).toHaveLength(1);
  });

  it("take the last of two versions added before one commit", async () => {
    const writer = await books.openWriter();
    await add(writer, "a", pagesOf(1, 20), "one");
    await add(writer, "a", pagesOf(1, 30), "two");
    expect(await writer.commit()).toMatchObject({ documents: 1, vectors: 30 });
    expect(await books.liveNames()).toEqual(["a@two"]);
  });

  it("leave a newer version, added while a commit is under way, for the next one", async () => {
    const writer = await books.openWriter();
    await add(writer, "a", pagesOf(1, 300, 300), "one");
    const first = writer.commit();
    await add(writer, "a", pagesOf(2, 20), "two");
    expect(await first).toMatchObject({ pages: 2, vectors: 600 });
    expect(await books.liveNames()).toEqual(["a@one"]);
    expect(await writer.commit()).toMatchObject({ replaced: 1, vectors: 20 });
    expect(await books.liveNames()).toEqual(["a@two"]);
  });

  it("say how much rougher than its training the codebook codes what they add", async () => {
    const writer = await books.openWriter();
    await add(writer, "a", pagesOf(1, 300));
    await writer.commit();
    await add(writer, "b", pagesOf(50, 300));
    const { drift } = (await writer.commit()) ?? {};
    expect(drift).toBeGreaterThan(MAX_CODEBOOK_DRIFT);
    const { codebook, segments } = await books.manifest();
    expect(drift).toBe((segments[1]?.meanResidualNorm ?? 0) / (codebook?.meanResidualNorm ?? 0));
  });

  it("build an inverted file when bags have grown too many", async () => {
    const stages = new Set<string>();
    const writer = await books.openWriter({
      maxUncoveredBagEntries: 3,
      onProgress: ({ stage }) => stages.add(stage),
    });
    await add(writer, "a", pagesOf(1, 10));
    expect(await writer.commit()).toMatchObject({ manifestVersion: 1, inverted: false });
    // One centroid for ten vectors: as many entries as pages.
    await add(writer, "b", pagesOf(2, 10, 10, 10));
    expect(await writer.commit()).toMatchObject({ manifestVersion: 3, inverted: true });
    expect(stages.has("inverting")).toBe(true);
    const { inverted, segments } = await books.manifest();
    expect(inverted?.segmentIds).toEqual(segments.map(({ id }) => id));
  });

  it("succeed without the inverted file when it cannot be built, with a warning", async () => {
    const warnings: string[] = [];
    const store = decorate(books.store, {
      put: async (key, ...rest) => {
        if (key.includes("/inverted/")) throw new MaxleafError("store_unavailable", "the store is full");
        return await books.store.put(key, ...rest);
      },
    });
    const onWarning = (message: string) => void warnings.push(message);
    const writer = await books.openWriter({ store, maxUncoveredBagEntries: 0, onWarning });
    await add(writer, "a", pagesOf(1, 10));
    expect(await writer.commit()).toMatchObject({ manifestVersion: 1, inverted: false });
    expect(warnings).toEqual(['index "books" has no up-to-date inverted file; maxleaf optimize builds it']);
  });

  it("say when the index has outgrown its codebook", async () => {
    const writer = await books.openWriter();
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
    const writer = await books.openWriter();
    const id = await add(writer, "a", pagesOf(1, 20));
    await add(writer, "b", pagesOf(2, 20));
    await writer.commit();
    await books.store.put(layout.source(books.name, id, "0123456789abcdef"), Uint8Array.of(1));
    const { removed } = await deleteDocument(target(), id);
    expect(removed.map(({ entry }) => entry.name)).toEqual(["a"]);
    expect(await books.liveNames()).toEqual(["b@0123456789abcdef"]);
    expect((await books.store.list(layout.document(books.name, id))).objects).toEqual([]);
    await expect(deleteDocument(target(), id)).rejects.toMatchObject({ code: "document_not_found" });
  });

  it("succeeds when the objects cannot be removed, with a warning", async () => {
    const writer = await books.openWriter();
    const id = await add(writer, "a", pagesOf(1, 20));
    await writer.commit();
    await books.store.put(layout.source(books.name, id, "0123456789abcdef"), Uint8Array.of(1));
    const failing = decorate(books.store, {
      delete: () => Promise.reject(new MaxleafError("store_unavailable", "the store is gone")),
    });
    const warnings: string[] = [];
    await deleteDocument({ ...target(), store: failing, onWarning: (message) => warnings.push(message) }, id);
    expect(warnings).toEqual(['objects of "a", which left the index, could not be removed']);
    expect(await books.liveNames()).toEqual([]);
  });

  it("names an index that is not there", async () => {
    const attempt = deleteDocument({ store: books.store, index: "nothing" }, "0123456789abcdef0123");
    await expect(attempt).rejects.toMatchObject({ code: "index_not_found" });
  });
});
