import { readFile } from "node:fs/promises";
import { beforeAll, describe, expect, it } from "vitest";
import { encodeCodebook } from "../format/codebook.ts";
import { commitManifest } from "../format/manifest-store.ts";
import { compileKernel, type KernelModule } from "../kernel/webassembly.ts";
import { seededRandom } from "../seeded-random.ts";
import { CountingStore } from "../store/counting-store.ts";
import { layout } from "../store/layout.ts";
import { MemoryStore } from "../store/memory-store.ts";
import type { ObjectStore } from "../store/object-store.ts";
import type { SearchResult, VectorSearchRequest } from "./contract.ts";
import { MemoryBudget } from "./memory-budget.ts";
import { openIndex } from "./open-index.ts";
import { GatedStore } from "./testing/gated-store.ts";
import {
  addSegment,
  coverSegments,
  createRandomIndex,
  deleteDocument,
  type DocumentPlan,
  type RandomIndex,
} from "./testing/random-index.ts";
import { randomQuery } from "./testing/random-material.ts";
import { referenceSearch } from "./testing/reference-search.ts";

const shape = { dim: 32, subspaces: 8, centroidCount: 60 };

let kernelModule: KernelModule;

beforeAll(async () => {
  kernelModule = await compileKernel(await readFile(new URL("../kernel/build/kernel.wasm", import.meta.url)));
});

async function writeIndex(
  segments: readonly (readonly DocumentPlan[])[],
  { store = new MemoryStore(), centroidCount = shape.centroidCount } = {},
): Promise<RandomIndex> {
  const index = await createRandomIndex(store, "papers", { ...shape, centroidCount }, seededRandom(11));
  for (const documents of segments) await addSegment(index, documents);
  return index;
}

function openPruned(index: RandomIndex, store: ObjectStore = index.store) {
  return openIndex({ store, index: index.name, kernelModule, holding: "heads" });
}

/** Looks at the lists of all centroids unless told otherwise. */
function request(index: RandomIndex, change: Partial<VectorSearchRequest> = {}): VectorSearchRequest {
  const query = randomQuery(index.fingerprint, shape.dim, 12, index.random);
  return { query, k: 10, nprobe: index.codebook.centroidCount, ...change };
}

function ranking({ hits }: SearchResult): { documentId: string; pageNumber: number; score: number }[] {
  return hits.map(({ documentId, pageNumber, score }) => ({ documentId, pageNumber, score }));
}

/** `count` documents of ten pages of `vectors` vectors. */
function documents(name: string, count: number, vectors: number): DocumentPlan[] {
  return Array.from({ length: count }, (_, i) => ({
    name: `${name}-${i}.pdf`,
    pages: Array.from({ length: 10 }, () => vectors),
    metadata: { language: i % 2 === 0 ? "en" : "de" },
  }));
}

describe("the pruned path", () => {
  /** 2,000 pages, 400 centroids in 80 cells. */
  let large: RandomIndex;

  beforeAll(async () => {
    large = await writeIndex([documents("a", 100, 40), documents("b", 100, 40)], { centroidCount: 400 });
    await coverSegments(large);
  });

  it("opens with one read beside manifest and codebook, whatever the number of segments", async () => {
    const counting = new CountingStore(large.store);
    const opened = await openPruned(large, counting);
    // The hint, its version, the next one; the codebook; the end of the inverted file's head.
    expect(counting.counts.gets).toBe(5);
    expect(opened.manifest.segments).toHaveLength(2);
  });

  it("answers a cold query in two hops, 36 reads and a megabyte, and a warm one without a read", async () => {
    const counting = new CountingStore(large.store);
    const opened = await openPruned(large, counting);
    const before = counting.counts;
    const asked = request(large, { nprobe: undefined });
    const cold = await opened.search(asked);
    const { performance } = cold;
    expect(performance).toMatchObject({ path: "pruned", candidateSource: "lists", nprobe: 64, candidates: 20 });
    expect(performance).toMatchObject({ exactPages: 0, serialHops: 2 });
    expect(performance.reads).toBeLessThanOrEqual(36);
    expect(performance.reads).toBeGreaterThan(1);
    expect(performance.bytesRead).toBeLessThan(1_000_000);
    expect(performance.cellsRead).toBeGreaterThan(0);
    expect(counting.counts.gets - before.gets).toBe(performance.reads);
    expect(counting.counts.bytesRead - before.bytesRead).toBe(performance.bytesRead);
    expect(cold.hits).toHaveLength(10);
    expect(cold.hits[0]?.snippet).not.toBe("");

    const warm = await opened.search(asked);
    expect(warm.performance).toMatchObject({ reads: 0, bytesRead: 0, serialHops: 0 });
    expect(warm.hits).toEqual(cold.hits);
  });

  it("needs a third hop for exact vectors, and no other for what is shown", async () => {
    const opened = await openPruned(large);
    const { performance } = await opened.search(request(large, { candidates: 40, exact: 12 }));
    expect(performance).toMatchObject({ serialHops: 3, exactPages: 12 });
    expect(performance.reads).toBeLessThanOrEqual(24 + 40 + 12);
  });

  it("never holds more than its memory budget, however much passes through", async () => {
    const memory = new MemoryBudget(1_500_000);
    const opened = await openIndex({ store: large.store, index: large.name, kernelModule, holding: "heads", memory });
    let bytesRead = 0;
    for (let i = 0; i < 20; i++) {
      const { performance } = await opened.search(request(large, { candidates: 100 }));
      bytesRead += performance.bytesRead;
      expect(opened.memoryBytes).toBeLessThanOrEqual(memory.limitBytes);
      expect(memory.residentBytes + memory.recordBytes).toBeLessThanOrEqual(memory.limitBytes);
    }
    expect(bytesRead).toBeGreaterThan(2 * memory.limitBytes);
  });

  it("reads no more lists than its budget, and gets better the more it may read", async () => {
    const index = await writeIndex([documents("a", 30, 15)], { centroidCount: 200 });
    await coverSegments(index);
    const opened = await openPruned(index);
    const asked = request(index, { nprobe: undefined, exact: 0, bare: true });
    const wanted = referenceSearch(index, { ...asked, candidates: 300, exact: 0 }, "heads");
    const recall = async (change: Partial<VectorSearchRequest>): Promise<number> => {
      const found = ranking(await opened.search({ ...asked, ...change }));
      return (
        wanted.filter((hit) =>
          found.some((other) => other.documentId === hit.documentId && other.pageNumber === hit.pageNumber),
        ).length / 10
      );
    };
    const recalls = [
      await recall({ nprobe: 1, candidates: 10 }),
      await recall({ nprobe: 200, candidates: 100 }),
      await recall({ nprobe: 200, candidates: 300 }),
    ];
    expect(recalls[1]).toBeGreaterThan(recalls[0] ?? 1);
    expect(recalls[2]).toBe(1);
  });

  it("says that there is no such way without an inverted file", async () => {
    const index = await writeIndex([[{ name: "a.pdf", pages: [5] }]]);
    await expect(openPruned(index)).rejects.toMatchObject({ code: "path_unavailable" });
    const opened = await openIndex({ store: index.store, index: index.name, kernelModule });
    await expect(opened.search(request(index, { path: "pruned" }))).rejects.toMatchObject({
      code: "path_unavailable",
      status: 409,
      message: expect.stringContaining("no inverted file"),
    });
    await expect(opened.search(request(index, { path: "sharded" }))).rejects.toMatchObject({
      code: "path_unavailable",
    });
  });

  it("is there for one request of an index that is held otherwise, and the other way round", async () => {
    const index = await writeIndex([documents("a", 3, 20)]);
    await coverSegments(index);
    const resident = await openIndex({ store: index.store, index: index.name, kernelModule });
    const asked = request(index, { candidates: 20, bare: true });
    const pruned = await resident.search({ ...asked, path: "pruned" });
    expect(pruned.performance).toMatchObject({ path: "pruned", candidateSource: "lists" });
    expect((await resident.search(asked)).performance).toMatchObject({ path: "resident", candidateSource: "lists" });
    const fiveAtOnce = () =>
      Promise.all(Array.from({ length: 5 }, () => resident.search({ ...asked, path: "pruned" })));
    await fiveAtOnce();
    const { memoryBytes } = resident;
    for (let i = 0; i < 10; i++) await fiveAtOnce();
    expect(resident.memoryBytes).toBe(memoryBytes);

    const opened = await openPruned(index);
    const back = await opened.search({ ...asked, path: "resident" });
    expect(back.performance.path).toBe("resident");
    expect(ranking(back)).toEqual(referenceSearch(index, asked, "lists"));
    opened.close();
    await expect(opened.search({ ...asked, path: "resident" })).rejects.toMatchObject({ code: "internal" });
  });
});

describe("filters on the pruned path", () => {
  it("give what brute force gives under them, and read the document tables once", async () => {
    const index = await writeIndex([documents("a", 6, 12), documents("b", 5, 9)]);
    await coverSegments(index);
    await addSegment(index, documents("c", 4, 7));
    const opened = await openPruned(index);
    const wanted = request(index, { filter: { metadata: { language: ["de"] } }, candidates: 40 });
    const cold = await opened.search(wanted);
    expect(ranking(cold)).toEqual(referenceSearch(index, wanted, "heads"));
    expect(cold.pagesMatched).toBe(70);
    const other = await opened.search(request(index, { filter: { metadata: { language: ["de"] } }, candidates: 40 }));
    // Lists and the tables of both covered segments are there.
    expect(other.performance.reads).toBeLessThanOrEqual(40);
    expect(other.performance.serialHops).toBeLessThanOrEqual(2);
  });

  it("find documents of covered segments by their ids", async () => {
    const index = await writeIndex([documents("a", 6, 12)]);
    await coverSegments(index);
    await addSegment(index, documents("c", 2, 7));
    const ids = [3, 61].map((page) => index.pages[page]?.document.id ?? "");
    const opened = await openPruned(index);
    const wanted = request(index, { filter: { documents: ids } });
    const result = await opened.search(wanted);
    expect(result.pagesMatched).toBe(20);
    expect(ranking(result)).toEqual(referenceSearch(index, wanted, "heads"));
    await expect(opened.search(request(index, { filter: { documents: ["nope"] } }))).rejects.toMatchObject({
      code: "invalid_filter",
    });
    await expect(opened.search(request(index, { filter: { metadata: { author: ["x"] } } }))).rejects.toMatchObject({
      code: "invalid_filter",
    });
  });
});

describe("documents on the pruned path", () => {
  it("are found, explained and listed without holding their segments", async () => {
    const index = await writeIndex([documents("a", 3, 12), documents("b", 2, 8)]);
    await coverSegments(index);
    const opened = await openPruned(index);
    const page = index.pages[37];
    if (page === undefined) throw new Error("no page was written");
    expect(await opened.findDocument(page.document.id)).toEqual([{ segment: 1, ordinal: 0 }]);
    expect(await opened.findDocument("nope")).toEqual([]);
    const { query } = request(index);
    const asked = { query, documentId: page.document.id, pageNumber: page.pageNumber };
    const resident = await openIndex({ store: index.store, index: index.name, kernelModule });
    expect(await opened.explain(asked)).toEqual(await resident.explain(asked));
    expect((await opened.openSegment(1)).documents).toEqual((await resident.openSegment(1)).documents);
    await expect(opened.explain({ ...asked, documentId: "nope" })).rejects.toMatchObject({
      code: "document_not_found",
    });
    await expect(opened.explain({ ...asked, pageNumber: 11 })).rejects.toMatchObject({ code: "page_not_found" });
  });

  it("are gone when they were deleted", async () => {
    const index = await writeIndex([documents("a", 3, 12)]);
    await coverSegments(index);
    const opened = await openPruned(index);
    const id = index.pages[0]?.document.id ?? "";
    await deleteDocument(index, id);
    await opened.refresh();
    const asked = request(index, { k: 20, candidates: 20 });
    const result = await opened.search(asked);
    expect(result.pagesMatched).toBe(20);
    expect(ranking(result)).toEqual(referenceSearch(index, asked, "heads"));
    expect(await opened.findDocument(id)).toEqual([]);
    await expect(opened.search(request(index, { filter: { documents: [id] } }))).rejects.toMatchObject({
      code: "invalid_filter",
    });
  });
});

describe("segments that come after the inverted file", () => {
  it("are found with those that it covers, each read once", async () => {
    const index = await writeIndex([documents("a", 3, 12)]);
    await coverSegments(index);
    const counting = new CountingStore(index.store);
    const opened = await openPruned(index, counting);
    for (let i = 0; i < 4; i++) {
      await addSegment(index, documents(`new-${i}`, 1, 8));
      const before = counting.counts.gets;
      await opened.refresh();
      // Hint, its version, the next one; tables and bags of the new segment.
      expect(counting.counts.gets - before).toBeLessThanOrEqual(5);
      const asked = request(index, { candidates: 25, k: 25 });
      expect(ranking(await opened.search(asked))).toEqual(referenceSearch(index, asked, "heads"));
    }
    const { memoryBytes } = opened;
    await deleteDocument(index, index.pages.at(-1)?.document.id ?? "");
    await coverSegments(index);
    await opened.refresh();
    const asked = request(index, { candidates: 25, k: 25 });
    expect(ranking(await opened.search(asked))).toEqual(referenceSearch(index, asked, "heads"));
    expect(opened.memoryBytes).toBeLessThan(memoryBytes * 1.5);
  });
});

describe("hard cases", () => {
  const cases: [string, DocumentPlan[][]][] = [
    ["one page", [[{ name: "a.pdf", pages: [7] }]]],
    ["pages of one vector", [[{ name: "a.pdf", pages: Array.from({ length: 30 }, () => 1) }]]],
    ["a page of 5,000 vectors", [[{ name: "a.pdf", pages: [5_000, 3, 40] }]]],
    ["blank pages", [[{ name: "a.pdf", pages: [0, 9, 0, 0, 4] }], [{ name: "b.pdf", pages: [0] }]]],
    ["200 segments", Array.from({ length: 200 }, (_, i) => [{ name: `${i}.pdf`, pages: [i % 7, 5] }])],
  ];

  it.each(cases)("%s", async (_what, segments) => {
    const index = await writeIndex(segments);
    await coverSegments(index);
    const asked = request(index, { k: 30, candidates: 25 });
    for (const holding of ["bags", "lists", "heads"] as const) {
      const opened = await openIndex({ store: index.store, index: index.name, kernelModule, holding });
      expect(ranking(await opened.search(asked))).toEqual(referenceSearch(index, asked, holding));
      opened.close();
    }
  });

  it("equal pages, in the order in which they were written", async () => {
    const index = await writeIndex([]);
    index.twins = true;
    await addSegment(index, [{ name: "first.pdf", pages: [6] }]);
    await addSegment(index, documents("a", 4, 6));
    await coverSegments(index);
    await addSegment(index, documents("b", 2, 6));
    const opened = await openPruned(index);
    const asked = request(index, { k: 30 });
    const result = await opened.search(asked);
    expect(new Set(result.hits.map((hit) => hit.score)).size).toBe(1);
    expect(ranking(result)).toEqual(referenceSearch(index, asked, "heads"));
  });

  it("more centroids than vectors", async () => {
    const index = await writeIndex([[{ name: "a.pdf", pages: [2, 1, 3] }]], { centroidCount: 500 });
    await coverSegments(index);
    const opened = await openPruned(index);
    const asked = request(index, { nprobe: undefined });
    expect(ranking(await opened.search(asked))).toEqual(referenceSearch(index, asked, "heads"));
  });

  it.each(["bags", "heads"] as const)("a codebook that is replaced while a query runs (%s)", async (holding) => {
    const store = new GatedStore();
    const index = await writeIndex([documents("a", 4, 10)], { store });
    await coverSegments(index);
    const opened = await openIndex({ store, index: index.name, kernelModule, holding, cacheBytes: 0 });
    const asked = request(index, { bare: true, candidates: 30 });
    const expected = referenceSearch(index, asked, holding);
    const open = store.close(".vectors");
    const search = opened.search({ ...asked, exact: 10 });
    await store.arrived;
    // All anew: other centroids, segments coded by them, nothing of before.
    const rebuilt = await createRandomIndex(new MemoryStore(), index.name, shape, seededRandom(12));
    rebuilt.codebook.id = "codebook-2";
    await addSegment(rebuilt, documents("z", 4, 10));
    const manifest = await coverSegments(rebuilt);
    const { objects } = await rebuilt.store.list(layout.index(index.name));
    for (const { key } of objects.filter(
      (object) => !object.key.includes("manifest") && !object.key.endsWith("CURRENT"),
    )) {
      const object = await rebuilt.store.get(key);
      await store.put(key, object?.bytes ?? new Uint8Array(0));
    }
    await store.put(layout.codebook(index.name, "codebook-2"), encodeCodebook(rebuilt.codebook));
    const { recipe, recipeFingerprint, segments, codebook, inverted } = manifest;
    await commitManifest(store, index.name, () => ({
      recipe,
      recipeFingerprint,
      segments,
      ...(codebook && { codebook }),
      ...(inverted && { inverted }),
    }));
    await opened.refresh();
    open();
    const during = await search;
    expect(during.hits.map((hit) => hit.documentName).every((name) => name.startsWith("a-"))).toBe(true);
    expect(ranking(during)).toEqual(referenceSearch(index, { ...asked, exact: 10 }, holding));
    expect(expected).toHaveLength(10);
    const after = await opened.search(asked);
    expect(ranking(after)).toEqual(referenceSearch(rebuilt, asked, holding));
  });
});
