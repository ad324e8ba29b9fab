import { readFile } from "node:fs/promises";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { EncodedQuery } from "../../shared/engine/contract.ts";
import { openIndex } from "../../shared/engine/open-index.ts";
import type { Calibration, Manifest } from "../../shared/format/manifest.ts";
import { compileKernel, type KernelModule } from "../../shared/kernel/webassembly.ts";
import { seededRandom } from "../../shared/seeded-random.ts";
import { calibrateIndex, MIN_CALIBRATED_PAGES, needsCalibration } from "./calibrate.ts";
import { ExactAnswers } from "./calibration/exact-answers.ts";
import { LivePages, pageKey } from "./calibration/live-pages.ts";
import { sampleQueries } from "./calibration/sample-queries.ts";
import { settingsGrid } from "./calibration/settings-grid.ts";
import { deleteDocument } from "./commit-changes.ts";
import { buildInvertedFile } from "./inverted-file.ts";
import { MatrixRunner } from "./matrix-runner.ts";
import { dot, encodedPage, topicVectors } from "./testing.ts";
import { add, decorate, pagesOf, TEST_DIM, TestIndex } from "./testing-index.ts";

let kernelModule: KernelModule;
let runner: MatrixRunner;
beforeAll(async () => {
  kernelModule = await compileKernel(await readFile(new URL("../../shared/kernel/build/kernel.wasm", import.meta.url)));
  runner = await MatrixRunner.create({ threads: 1 });
  return async () => await runner.dispose();
});
let books: TestIndex;
beforeEach(() => {
  books = new TestIndex();
});
afterEach(async () => await books.close());

const target = () => ({ store: books.store, index: books.name, kernelModule, threads: 1 });

/** 90 pages in three segments, the last page of every document blank. */
async function ninetyPages(): Promise<string[]> {
  const writer = await books.openWriter();
  const ids: string[] = [];
  for (const [seed, name] of ["a", "b", "c"].entries()) {
    const counts = Array.from({ length: 30 }, (_, page) => (page === 29 ? 0 : 8 + page));
    ids.push(await add(writer, name, pagesOf(seed + 1, ...counts)));
    await writer.commit();
  }
  return ids;
}

describe("calibrateIndex", () => {
  it("measures every setting that an index can be searched with, and commits what it found", async () => {
    await ninetyPages();
    const stages = new Map<string, number>();
    const manifest = await calibrateIndex({
      ...target(),
      queryCount: 8,
      onProgress: ({ stage, share }) => stages.set(stage, share),
    });
    expect(manifest).toEqual(await books.manifest());
    expect(manifest?.version).toBe(4);
    expect(manifest?.calibration).toMatchObject({ queries: 8, k: 10, source: "sampled" });
    expect(manifest?.calibration?.sampledPages).toBeUndefined();
    const points = manifest?.calibration?.points ?? [];
    expect(points.every(({ path, nprobe }) => path === "resident" && nprobe === 0)).toBe(true);
    // Every page is a candidate and scored by exact vectors, but only by those that codes take for contenders.
    expect(points[0]).toMatchObject({ candidates: 87, exact: 87 });
    expect(points[0]?.recall).toBeGreaterThan(0.9);
    expect(points.length).toBeGreaterThan(2);
    expect(points.every(({ costUs }) => costUs > 0)).toBe(true);
    expect([...stages]).toEqual([
      ["exact", expect.closeTo(1, 0)],
      ["searching", 1],
    ]);
  });

  it("takes the user's own questions", async () => {
    await ninetyPages();
    const vectors = topicVectors({ count: 5, dim: TEST_DIM, topics: 5, spread: 0.3, seed: 9 });
    const { recipeFingerprint } = await books.manifest();
    const tokens = Array.from({ length: 5 }, () => ({ text: "", start: 0, end: 0 }));
    const query = { recipeFingerprint, dim: TEST_DIM, tokenCount: 5, vectors: vectors.values, tokens };
    const manifest = await calibrateIndex({ ...target(), queries: [query] });
    expect(manifest?.calibration).toMatchObject({ queries: 1, source: "given" });
    await expect(calibrateIndex({ ...target(), queries: [] })).rejects.toMatchObject({ code: "invalid_request" });
  });

  it("says when exact answers came from a sample of the pages", async () => {
    await ninetyPages();
    const manifest = await calibrateIndex({ ...target(), queryCount: 4, maxPages: 20 });
    const { sampledPages = 0, points = [] } = manifest?.calibration ?? {};
    expect(sampledPages).toBeGreaterThanOrEqual(20);
    expect(sampledPages).toBeLessThan(87);
    expect(points[0]?.recall).toBeGreaterThan(0.9);
  });

  it("stops when its time is over and keeps what it has", async () => {
    await ninetyPages();
    let nowMs = 1_700_000_000_000;
    const clock = { nowMs: () => (nowMs += 10), sleep: async () => undefined };
    const manifest = await calibrateIndex({ ...target(), queryCount: 2, timeLimitMs: 60, clock });
    const points = manifest?.calibration?.points ?? [];
    expect(points.length).toBeLessThan(4);
  });

  it("leaves an index without vectors alone, and names one that is not there", async () => {
    const writer = await books.openWriter();
    await add(writer, "scan", pagesOf(1, 0));
    await writer.commit();
    expect(await calibrateIndex(target())).toBeUndefined();
    await expect(calibrateIndex({ ...target(), index: "nothing" })).rejects.toMatchObject({ code: "index_not_found" });
  });

  it("handles an index of one page of one vector", async () => {
    const writer = await books.openWriter();
    await add(writer, "one", pagesOf(1, 1));
    await writer.commit();
    const manifest = await calibrateIndex({ ...target(), queryCount: 3 });
    expect(manifest?.calibration?.points).toMatchObject([{ candidates: 1, exact: 1, recall: 1 }]);
  });

  it("stays in the manifest when documents come", async () => {
    const [idOfA = ""] = await ninetyPages();
    const calibrated = await calibrateIndex({ ...target(), queryCount: 2 });
    await deleteDocument(target(), idOfA);
    expect((await books.manifest()).calibration).toEqual(calibrated?.calibration);
  });

  it("keeps its calibration to itself when the index was made anew meanwhile", async () => {
    await ninetyPages();
    const store = decorate(books.store, {
      put: async (key, ...rest) => {
        if (!key.includes("/manifests/")) return await books.store.put(key, ...rest);
        const manifest = await books.manifest();
        const codebook = manifest.codebook && { ...manifest.codebook, id: "another-codebook" };
        const bytes = new TextEncoder().encode(
          JSON.stringify({ ...manifest, codebook, version: manifest.version + 1 }),
        );
        await books.store.put(key, bytes);
        return await books.store.put(key, ...rest);
      },
    });
    const calibrating = calibrateIndex({ ...target(), store, queryCount: 1 });
    await expect(calibrating).rejects.toMatchObject({ code: "commit_conflict" });
  });
});

describe("the lists of an index with an inverted file", () => {
  it("are measured by the path that reads them", async () => {
    await ninetyPages();
    await buildInvertedFile(target());
    const manifest = await calibrateIndex({ ...target(), queryCount: 4 });
    const pruned = (manifest?.calibration?.points ?? []).filter(({ path }) => path === "pruned");
    expect(pruned[0]).toMatchObject({ nprobe: 128, candidates: 87 });
    expect(pruned[0]?.recall).toBeGreaterThan(0.9);
    expect(pruned.length).toBeGreaterThan(1);
  });
});

describe("ExactAnswers", () => {
  it("are brute force over every live page", async () => {
    const [idOfA = ""] = await ninetyPages();
    await deleteDocument(target(), idOfA);
    const manifest = await books.manifest();
    const pages = await LivePages.read(books.store, manifest);
    expect(pages.count).toBe(58);
    const queries = await sampleQueries(pages, manifest, 3, seededRandom(1));
    const answers = new ExactAnswers(3, manifest.recipe);
    await answers.add(runner, queries, pages.all());
    for (const [query, encoded] of queries.entries()) {
      const scores = (await Promise.all(pages.all().map(async (run) => await bruteForce(run, encoded))))
        .flat()
        .toSorted((a, b) => b.score - a.score);
      const keys = scores.map(({ key }) => key);
      expect(answers.recall(query, keys.slice(0, 10))).toBe(1);
      expect(answers.recall(query, keys.slice(7, 17))).toBeCloseTo(0.3);
      expect(answers.recall(query, [])).toBe(0);
    }
  });

  it.each([undefined, 0.05])("are what a search that is asked for them finds, with length prior %j", async (b) => {
    books = new TestIndex({ lengthPrior: b });
    await ninetyPages();
    const manifest = await books.manifest();
    const pages = await LivePages.read(books.store, manifest);
    const queries = await sampleQueries(pages, manifest, 12, seededRandom(2));
    const answers = new ExactAnswers(queries.length, manifest.recipe);
    await answers.add(runner, queries, pages.all());
    const index = await openIndex({ store: books.store, index: books.name, kernelModule });
    for (const [position, query] of queries.entries()) {
      const { hits } = await index.search({ query, k: 10, accuracy: "exact", bare: true });
      const found = hits.map(({ documentId, pageNumber }) => pageKey(documentId, pageNumber));
      expect(answers.recall(position, found)).toBe(1);
      const best = answers.bestScores(position);
      for (const [rank, { score }] of hits.entries()) expect(score).toBeCloseTo(best[rank] ?? NaN, 5);
    }
    index.close();
  });

  it("let duplicates of a page take each other's place", async () => {
    const writer = await books.openWriter();
    const vectors = topicVectors({ count: 6, dim: TEST_DIM, topics: 6, spread: 0.3, seed: 1 });
    await add(
      writer,
      "copies",
      Array.from({ length: 15 }, (_, page) => encodedPage(vectors, page + 1)),
    );
    await writer.commit();
    const manifest = await calibrateIndex({ ...target(), queryCount: 3 });
    expect(manifest?.calibration?.points.every(({ recall }) => recall === 1)).toBe(true);
  });
});

async function bruteForce(
  { reader, pages }: ReturnType<LivePages["all"]>[number],
  { vectors, tokenCount }: EncodedQuery,
): Promise<{ key: string; score: number }[]> {
  const all = await reader.readVectors(pages);
  return all.map(({ scales, values }, at) => {
    const rows = Float32Array.from(values, (value, i) => value * (scales[Math.floor(i / TEST_DIM)] ?? 0));
    let score = 0;
    for (let token = 0; token < tokenCount; token++) {
      const products = Array.from(scales, (_, row) => dot(vectors, token, rows, row, TEST_DIM));
      score += Math.max(...products);
    }
    const page = pages[at] ?? 0;
    const document = reader.documents[reader.pages.documentOrdinal[page] ?? 0];
    return { key: `${document?.id}/${reader.pages.pageNumber[page]}`, score };
  });
}

describe("sampleQueries", () => {
  it("are near a run of vectors of a page, but not on it", async () => {
    await ninetyPages();
    const manifest = await books.manifest();
    const pages = await LivePages.read(books.store, manifest);
    const queries = await sampleQueries(pages, manifest, 5, seededRandom(3));
    expect(queries).toHaveLength(5);
    for (const { vectors, tokenCount, tokens, recipeFingerprint } of queries) {
      expect(recipeFingerprint).toBe(manifest.recipeFingerprint);
      expect(tokens).toHaveLength(tokenCount);
      for (let token = 0; token < tokenCount; token++)
        expect(dot(vectors, token, vectors, token, TEST_DIM)).toBeCloseTo(1);
    }
    expect(await sampleQueries(pages, manifest, 5, seededRandom(3))).toEqual(queries);
  });
});

describe("needsCalibration", () => {
  const manifestOf = (pages: number, facts: Partial<Manifest> = {}): Manifest => ({
    format: 2,
    index: "books",
    version: 1,
    commitId: "00000000-0000-4000-8000-000000000000",
    committedAtMs: 0,
    recipe: books.recipe,
    recipeFingerprint: "0123456789abcdef",
    codebook: {
      id: "codebook-1",
      bytes: 1,
      centroidCount: 1,
      subspaces: 4,
      cellCount: 1,
      meanResidualNorm: 0.4,
      trainedOnVectors: 1,
    },
    segments: [
      {
        id: "segment-1",
        bytes: 1,
        vectorsBytes: 1,
        documentCount: 1,
        pageCount: pages,
        searchablePageCount: pages,
        vectorCount: pages,
        bagEntries: pages,
        meanResidualNorm: 0.4,
        deletedDocuments: [],
      },
    ],
    ...facts,
  });
  const calibration: Calibration = {
    measuredAtMs: 1,
    queries: 1,
    k: 10,
    source: "sampled",
    points: [{ path: "resident", nprobe: 0, candidates: 1, exact: 1, recall: 1, costUs: 1 }],
  };
  const inverted = {
    id: "inverted-1",
    bytes: 1,
    openBytes: 1,
    parts: [1],
    segmentIds: ["segment-1"],
    pageCount: 1,
    bagEntries: 1,
  };

  it("is for large indexes that are new, have doubled, or got an inverted file", () => {
    const before = manifestOf(1_000, { calibration });
    expect(needsCalibration(undefined, manifestOf(MIN_CALIBRATED_PAGES - 1))).toBe(false);
    expect(needsCalibration(undefined, manifestOf(MIN_CALIBRATED_PAGES))).toBe(true);
    expect(needsCalibration(before, manifestOf(1_999, { calibration }))).toBe(false);
    expect(needsCalibration(before, manifestOf(2_000, { calibration }))).toBe(true);
    expect(needsCalibration(before, manifestOf(1_000))).toBe(true);
    expect(needsCalibration(before, manifestOf(1_000, { calibration, inverted }))).toBe(true);
    expect(needsCalibration(before, manifestOf(1_000, { calibration, codebook: undefined }))).toBe(false);
  });
});

describe("settingsGrid", () => {
  it("has every setting once, none deeper than the index", () => {
    for (const holding of ["bags", "lists", "heads"] as const) {
      for (const pages of [1, 20, 40, 100_000]) {
        const grid = settingsGrid(holding, pages, "late");
        const distinct = new Set(grid.map((point) => JSON.stringify(point)));
        expect(distinct.size).toBe(grid.length);
        for (const { candidates, exact } of grid) {
          expect(candidates).toBeLessThanOrEqual(pages);
          expect(exact).toBeLessThanOrEqual(candidates);
        }
      }
    }
  });
});
