import { readFile } from "node:fs/promises";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { commitManifest } from "../format/manifest-store.ts";
import { compileKernel, type KernelModule } from "../kernel/webassembly.ts";
import { seededRandom } from "../seeded-random.ts";
import { CountingStore } from "../store/counting-store.ts";
import { layout } from "../store/layout.ts";
import { MemoryStore } from "../store/memory-store.ts";
import type { VectorSearchRequest, SearchResult } from "./contract.ts";
import { openIndex } from "./open-index.ts";
import { GatedStore } from "./testing/gated-store.ts";
import { addSegment, createRandomIndex, deleteDocument, type RandomIndex } from "./testing/random-index.ts";
import { randomQuery } from "./testing/random-material.ts";
import { referenceSearch } from "./testing/reference-search.ts";

let kernelModule: KernelModule;
let index: RandomIndex;

const shape = { dim: 32, subspaces: 8, centroidCount: 40 };

beforeAll(async () => {
  kernelModule = await compileKernel(await readFile(new URL("../kernel/build/kernel.wasm", import.meta.url)));
});

beforeEach(async () => {
  index = await createRandomIndex(new MemoryStore(), "papers", shape, seededRandom(1));
  await addSegment(index, [
    { name: "a.pdf", pages: [20, 0, 30], metadata: { language: "en" } },
    { name: "b.pdf", pages: [25, 10], metadata: { language: "de", year: "2026" } },
  ]);
});

function request(change: Partial<VectorSearchRequest> = {}): VectorSearchRequest {
  return { query: randomQuery(index.fingerprint, shape.dim, 12, index.random), k: 10, ...change };
}

function ranking({ hits }: SearchResult): { documentId: string; pageNumber: number; score: number }[] {
  return hits.map(({ documentId, pageNumber, score }) => ({ documentId, pageNumber, score }));
}

function documentId(name: string): string {
  const page = index.pages.find((written) => written.document.name === name);
  if (page === undefined) throw new Error(`${name} was not written`);
  return page.document.id;
}

describe("openIndex", () => {
  it("says that there is no such index", async () => {
    await expect(openIndex({ store: index.store, index: "nothing", kernelModule })).rejects.toMatchObject({
      code: "index_not_found",
      message: 'there is no index "nothing"',
    });
  });

  it("tells its manifest before anything else is read", async () => {
    const counting = new CountingStore(index.store);
    let getsBefore = Number.POSITIVE_INFINITY;
    const opened = await openIndex({
      store: counting,
      index: "papers",
      kernelModule,
      onManifest: (manifest) => {
        expect(manifest.index).toBe("papers");
        getsBefore = counting.counts.gets;
      },
    });
    // Codebook, bags and tables.
    expect(counting.counts.gets).toBeGreaterThanOrEqual(getsBefore + 2);
    opened.close();
  });

  it("opens an index that has no page yet, and finds nothing", async () => {
    const empty = await createRandomIndex(new MemoryStore(), "empty", shape, seededRandom(2));
    const opened = await openIndex({ store: empty.store, index: "empty", kernelModule });
    const result = await opened.search(request({ query: randomQuery(empty.fingerprint, shape.dim, 3, empty.random) }));
    expect(result).toMatchObject({ hits: [], pagesMatched: 0, manifestVersion: 1 });
  });

  it("opens an index of pages without vectors", async () => {
    const scans = await createRandomIndex(new MemoryStore(), "scans", shape, seededRandom(2));
    await addSegment(scans, [{ name: "scan.pdf", pages: [0, 0] }]);
    const opened = await openIndex({ store: scans.store, index: "scans", kernelModule });
    const query = randomQuery(scans.fingerprint, shape.dim, 3, scans.random);
    expect(await opened.search(request({ query }))).toMatchObject({ hits: [], pagesMatched: 0 });
    const [page] = scans.pages;
    const explanation = await opened.explain({ query, documentId: page?.document.id ?? "", pageNumber: 2 });
    expect(explanation).toMatchObject({ boxes: [], scores: [[], [], []] });
  });

  it("refuses an index that does not fit its memory budget", async () => {
    const large = await createRandomIndex(
      new MemoryStore(),
      "large",
      { ...shape, centroidCount: 3_000 },
      seededRandom(2),
    );
    await addSegment(large, [{ name: "a.pdf", pages: [5] }]);
    await expect(
      openIndex({ store: large.store, index: "large", kernelModule, kernelBytes: 65_536 }),
    ).rejects.toMatchObject({
      code: "overloaded",
    });
  });

  it("refuses bags that name centroids the codebook does not have", async () => {
    const other = await createRandomIndex(index.store, "other", { ...shape, centroidCount: 3 }, seededRandom(2));
    await addSegment(other, [{ name: "a.pdf", pages: [5] }]);
    const [entry] = (await openIndex({ store: index.store, index: index.name, kernelModule })).manifest.segments;
    if (entry === undefined) throw new Error("no segment was written");
    const segment = await index.store.get(layout.segment(index.name, entry.id));
    await other.store.put(layout.segment("other", entry.id), segment?.bytes ?? new Uint8Array(0));
    await commitManifest(other.store, "other", (current) => {
      if (current === undefined) throw new Error("not created");
      return { ...current, segments: [...current.segments, entry] };
    });
    await expect(openIndex({ store: other.store, index: "other", kernelModule })).rejects.toMatchObject({
      code: "corrupt_data",
      message: expect.stringContaining("not below the codebook's 3 centroids"),
    });
  });
});

describe("search", () => {
  /** Pages so long that no section comes with the read that opens the segment. */
  async function writeLongPages(): Promise<void> {
    index = await createRandomIndex(new MemoryStore(), "long", shape, seededRandom(4));
    await addSegment(index, [{ name: "long.pdf", pages: [3_000, 3_000, 3_000, 3_000] }]);
  }

  it("tells what it read, and reads nothing the second time", async () => {
    await writeLongPages();
    const opened = await openIndex({ store: index.store, index: index.name, kernelModule });
    const asked = request();
    const cold = await opened.search(asked);
    // Codes with layouts; exact vectors.
    expect(cold.performance).toMatchObject({
      pagesSearched: 4,
      candidates: 4,
      exactPages: 4,
      reads: 2,
      serialReadWaves: 2,
    });
    expect(cold.performance.cacheHits).toBe(0);
    const warm = await opened.search(asked);
    expect(warm.performance).toMatchObject({ reads: 0, bytesRead: 0, serialReadWaves: 0, cacheHits: 12 });
    expect(ranking(warm)).toEqual(ranking(cold));
  });

  it("counts the reads of each search apart when they overlap", async () => {
    await writeLongPages();
    const counting = new CountingStore(index.store);
    const opened = await openIndex({ store: counting, index: index.name, kernelModule, cacheBytes: 0 });
    const before = counting.counts.gets;
    const results = await Promise.all(Array.from({ length: 5 }, () => opened.search(request())));
    expect(results.map((result) => result.performance.reads)).toEqual([2, 2, 2, 2, 2]);
    expect(counting.counts.gets - before).toBe(10);
  });

  it("gives overlapping searches the answers they get alone", async () => {
    const opened = await openIndex({ store: index.store, index: index.name, kernelModule, cacheBytes: 0 });
    const requests = Array.from({ length: 20 }, () => request({ bare: true }));
    const together = await Promise.all(requests.map((asked) => opened.search(asked)));
    expect(together.map(ranking)).toEqual(requests.map((asked) => referenceSearch(index, asked)));
  });

  it("refuses work beyond its memory budget with `overloaded`, and goes on afterwards", async () => {
    const store = new GatedStore();
    index = await createRandomIndex(store, "gated", shape, seededRandom(1));
    await addSegment(index, [{ name: "a.pdf", pages: [20] }]);
    // Room for the codebook (34 KB) and the tables of one query (69 KB, and 64 KB that they are made of).
    const opened = await openIndex({ store, index: "gated", kernelModule, kernelBytes: 192 * 1024, cacheBytes: 0 });
    const open = store.close("/segments/");
    const first = opened.search(request());
    await store.arrived;
    await expect(opened.search(request())).rejects.toMatchObject({ code: "overloaded", status: 503 });
    open();
    await expect(first).resolves.toMatchObject({ hits: [{ pageNumber: 1 }] });
    await expect(opened.search(request())).resolves.toMatchObject({ hits: [{ pageNumber: 1 }] });
  });

  it("holds no more memory after many searches than after the first", async () => {
    const opened = await openIndex({ store: index.store, index: index.name, kernelModule });
    await opened.search(request());
    const { memoryBytes } = opened;
    for (let i = 0; i < 50; i++) await opened.search(request());
    expect(opened.memoryBytes).toBe(memoryBytes);
  });

  it("refuses a query of another recipe and names the field", async () => {
    const opened = await openIndex({ store: index.store, index: index.name, kernelModule });
    const query = randomQuery("0000000000000000", shape.dim, 3, index.random);
    await expect(opened.search(request({ query }))).rejects.toMatchObject({
      code: "recipe_mismatch",
      message: expect.stringContaining('recipeFingerprint is "0000000000000000"'),
      details: { field: "recipeFingerprint" },
    });
  });

  it.each([
    ["no tokens", { tokenCount: 0 }, "empty_query"],
    ["too many tokens", { tokenCount: 511 }, "query_too_long"],
    ["fewer vectors than tokens", { tokenCount: 4 }, "invalid_request"],
    ["a value that is no number", { vectors: new Float32Array(96).fill(Number.NaN) }, "invalid_request"],
  ])("refuses a query with %s", async (_what, change, code) => {
    const opened = await openIndex({ store: index.store, index: index.name, kernelModule });
    const query = { ...randomQuery(index.fingerprint, shape.dim, 3, index.random), ...change };
    await expect(opened.search(request({ query }))).rejects.toMatchObject({ code });
  });

  it.each([{ k: 0 }, { k: 1e9 }, { k: 1.5 }, { candidates: 0 }, { exact: -1 }])("refuses %o", async (change) => {
    const opened = await openIndex({ store: index.store, index: index.name, kernelModule });
    await expect(opened.search(request(change))).rejects.toMatchObject({ code: "invalid_request" });
  });
});

describe("filters", () => {
  it("refuse a document or a field that the index does not have", async () => {
    const opened = await openIndex({ store: index.store, index: index.name, kernelModule });
    await expect(opened.search(request({ filter: { documents: ["nope"] } }))).rejects.toMatchObject({
      code: "invalid_filter",
      message: 'the filter names document "nope", which the index does not have',
    });
    await expect(opened.search(request({ filter: { metadata: { author: ["x"] } } }))).rejects.toMatchObject({
      code: "invalid_filter",
      message: 'the filter names field "author", which no document has',
    });
    await expect(opened.search(request({ filter: { metadata: { toString: ["x"] } } }))).rejects.toMatchObject({
      code: "invalid_filter",
    });
  });

  it("find nothing for a value that no document has", async () => {
    const opened = await openIndex({ store: index.store, index: index.name, kernelModule });
    const result = await opened.search(request({ filter: { metadata: { language: ["fr"] } } }));
    expect(result).toMatchObject({ hits: [], pagesMatched: 0, performance: { candidates: 0, reads: 0 } });
  });

  it("let through what has all fields", async () => {
    const opened = await openIndex({ store: index.store, index: index.name, kernelModule });
    const result = await opened.search(request({ filter: { metadata: { language: ["en", "de"], year: ["2026"] } } }));
    expect(result.hits.map((hit) => hit.documentName)).toEqual(["b.pdf", "b.pdf"]);
    expect(result.pagesMatched).toBe(2);
  });
});

describe("refresh", () => {
  it("shows new documents and hides deleted ones, reading only what is new", async () => {
    const counting = new CountingStore(index.store);
    const opened = await openIndex({ store: counting, index: index.name, kernelModule });
    await addSegment(index, [{ name: "c.pdf", pages: [15] }]);
    await deleteDocument(index, documentId("a.pdf"));
    const asked = request({ bare: true });
    expect((await opened.search(asked)).hits.map((hit) => hit.documentName)).not.toContain("c.pdf");

    const before = counting.counts.gets;
    await opened.refresh();
    // Hint, its version, the next one; end and bags of the new segment, if the bags did not come with the end.
    expect(counting.counts.gets - before).toBeLessThanOrEqual(5);
    const result = await opened.search(asked);
    expect(result.hits.map((hit) => hit.documentName)).toContain("c.pdf");
    expect(result.hits.map((hit) => hit.documentName)).not.toContain("a.pdf");
    expect(ranking(result)).toEqual(referenceSearch(index, asked));
    await expect(opened.search(request({ filter: { documents: [documentId("a.pdf")] } }))).rejects.toMatchObject({
      code: "invalid_filter",
    });
  });

  it("does nothing when nothing was committed", async () => {
    const opened = await openIndex({ store: index.store, index: index.name, kernelModule });
    const { manifest } = opened;
    const segment = await opened.openSegment(0);
    await opened.refresh();
    expect(opened.manifest).toBe(manifest);
    expect(await opened.openSegment(0)).toBe(segment);
  });

  it("leaves searches under way on the version they began with", async () => {
    const store = new GatedStore();
    index = await createRandomIndex(store, "gated", shape, seededRandom(3));
    await addSegment(index, [
      { name: "a.pdf", pages: [20] },
      { name: "b.pdf", pages: [25] },
    ]);
    const opened = await openIndex({ store, index: "gated", kernelModule, cacheBytes: 0 });
    const asked = request({ bare: true });
    const expected = referenceSearch(index, asked);
    const open = store.close("/segments/");
    const search = opened.search(asked);
    await store.arrived;
    await deleteDocument(index, documentId("a.pdf"));
    await opened.refresh();
    open();
    const result = await search;
    expect(result.manifestVersion).toBe(2);
    expect(ranking(result)).toEqual(expected);
    const later = await opened.search(asked);
    expect(later).toMatchObject({ manifestVersion: 3, pagesMatched: 1 });
  });

  it("keeps what it has when the new version cannot be read, and gives the memory back", async () => {
    const opened = await openIndex({ store: index.store, index: index.name, kernelModule });
    const { memoryBytes } = opened;
    await addSegment(index, [{ name: "c.pdf", pages: [15] }]);
    const added = index.pages.at(-1)?.segmentId ?? "";
    await index.store.delete([layout.segment(index.name, added)]);
    for (let i = 0; i < 30; i++) await expect(opened.refresh()).rejects.toMatchObject({ code: "corrupt_data" });
    expect(opened.manifest.version).toBe(2);
    expect(opened.memoryBytes).toBe(memoryBytes);
    await expect(opened.search(request())).resolves.toMatchObject({ pagesMatched: 4 });
  });

  it("does not grow over many versions", async () => {
    const opened = await openIndex({ store: index.store, index: index.name, kernelModule });
    for (let i = 0; i < 20; i++) {
      await addSegment(index, [{ name: `new-${i}.pdf`, pages: [10] }]);
      await commitManifest(index.store, index.name, (current) => {
        if (current === undefined) throw new Error("not created");
        return { ...current, segments: current.segments.slice(-1) };
      });
      await opened.refresh();
    }
    // Codebook, tables of a query and two segments fit the first three pages of WebAssembly memory.
    await opened.search(request());
    expect(opened.memoryBytes).toBeLessThan(400_000);
    expect(opened.manifest.segments).toHaveLength(1);
  });

  it("says when the index is gone", async () => {
    const opened = await openIndex({ store: index.store, index: index.name, kernelModule });
    const { objects } = await index.store.list(layout.index(index.name));
    await index.store.delete(objects.map((object) => object.key));
    await expect(opened.refresh()).rejects.toMatchObject({ code: "index_not_found" });
  });
});

describe("close", () => {
  it("lets searches under way end and refuses new ones", async () => {
    const opened = await openIndex({ store: index.store, index: index.name, kernelModule });
    const search = opened.search(request());
    opened.close();
    await expect(search).resolves.toMatchObject({ pagesMatched: 4 });
    await expect(opened.search(request())).rejects.toMatchObject({ code: "internal" });
    opened.close();
  });
});
