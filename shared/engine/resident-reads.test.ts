import { readFile } from "node:fs/promises";
import { beforeAll, describe, expect, it } from "vitest";
import { readManifest } from "../format/manifest-store.ts";
import { segmentIdentityOf } from "../format/segment-identity.ts";
import { openSegment } from "../format/segment-reader.ts";
import { vectorsRecordBytes } from "../format/vectors.ts";
import { compileKernel, type KernelModule } from "../kernel/webassembly.ts";
import { MAX_CONCURRENT_READS } from "../limits.ts";
import { seededRandom } from "../seeded-random.ts";
import { CountingStore } from "../store/counting-store.ts";
import { HedgePolicy, MIN_LATENCY_SAMPLES } from "../store/hedge-policy.ts";
import { MemoryStore } from "../store/memory-store.ts";
import type { ObjectStore, StoredObject } from "../store/object-store.ts";
import type { SearchRequest } from "./contract.ts";
import { MemoryBudget } from "./memory-budget.ts";
import { openIndex } from "./open-index.ts";
import { addSegment, createRandomIndex, type RandomIndex } from "./testing/random-index.ts";
import { randomQuery } from "./testing/random-material.ts";

const shape = { dim: 32, subspaces: 8, centroidCount: 40 };
/** So long that records of a segment do not come with the read that opens it. */
const LONG_PAGE = 3_000;

let kernelModule: KernelModule;

beforeAll(async () => {
  kernelModule = await compileKernel(await readFile(new URL("../kernel/build/kernel.wasm", import.meta.url)));
});

/** An index with one document in each of its segments. */
async function writeIndex(
  segments: readonly (readonly number[])[],
  store: ObjectStore = new MemoryStore(),
): Promise<RandomIndex> {
  const index = await createRandomIndex(store, "papers", shape, seededRandom(4));
  for (const [i, pages] of segments.entries()) await addSegment(index, [{ name: `${i}.pdf`, pages }]);
  return index;
}

async function openCounted(index: RandomIndex, options: { memory?: MemoryBudget; cacheBytes?: number } = {}) {
  const counting = new CountingStore(index.store);
  const opened = await openIndex({ store: counting, index: index.name, kernelModule, ...options });
  return { counting, opened, openingCounts: counting.counts };
}

function request(index: RandomIndex, change: Partial<SearchRequest> = {}): SearchRequest {
  return { query: randomQuery(index.fingerprint, shape.dim, 12, index.random), k: 10, ...change };
}

/** Bytes of all records, and of all exact vectors, of the index's segments. */
async function storedBytes(index: RandomIndex): Promise<{ records: number; vectors: number }> {
  const manifest = await readManifest(index.store, index.name);
  if (manifest === undefined) throw new Error("the index was not written");
  let [records, vectors] = [0, 0];
  for (const entry of manifest.segments) {
    const expected = segmentIdentityOf(manifest, entry);
    const segment = await openSegment(index.store, { index: index.name, id: entry.id, expected });
    records += (segment.recordOffsets.at(-1) ?? 0) - (segment.recordOffsets[0] ?? 0);
    for (const count of segment.pages.vectorCount) vectors += vectorsRecordBytes(count, shape.dim);
  }
  return { records, vectors };
}

describe("reads of the resident path", () => {
  it("are one to open a segment besides manifest and codebook, six in flight", async () => {
    const index = await writeIndex(Array.from({ length: 7 }, () => [LONG_PAGE]));
    const { openingCounts } = await openCounted(index);
    // The hint, then its version and the next one; the codebook; the end of every segment, with its bags.
    expect(openingCounts).toMatchObject({ gets: 3 + 1 + 7, serialReadWaves: 2 + 1 + 2 });
  });

  it("are one for neighbouring pages with what is shown of them, and one for their exact vectors", async () => {
    const index = await writeIndex([[LONG_PAGE, LONG_PAGE, LONG_PAGE, LONG_PAGE]]);
    const { counting, opened, openingCounts } = await openCounted(index);
    const asked = request(index);
    const cold = await opened.search(asked);
    const { records, vectors } = await storedBytes(index);
    expect(cold.performance).toMatchObject({
      reads: 2,
      bytesRead: records + vectors,
      serialReadWaves: 2,
      serialHops: 2,
      cacheHits: 0,
      hedgedReads: 0,
      storeCacheHits: 0,
    });
    expect(counting.counts.gets - openingCounts.gets).toBe(2);
    expect(counting.counts.bytesRead - openingCounts.bytesRead).toBe(records + vectors);

    const warm = await opened.search(asked);
    expect(warm.performance).toMatchObject({ reads: 0, bytesRead: 0, serialReadWaves: 0, serialHops: 0 });
    expect(warm.hits).toEqual(cold.hits);
  });

  it("are for the missing pages only", async () => {
    const index = await writeIndex([[LONG_PAGE, LONG_PAGE], [LONG_PAGE]]);
    const { opened } = await openCounted(index);
    const first = index.pages[0]?.document.id ?? "";
    const part = await opened.search(request(index, { filter: { documents: [first] } }));
    expect(part.performance).toMatchObject({ reads: 2, serialReadWaves: 2 });
    const whole = await opened.search(request(index));
    const { records, vectors } = await storedBytes(index);
    expect(whole.performance).toMatchObject({
      reads: 2,
      bytesRead: records + vectors - part.performance.bytesRead,
    });
  });

  it("wait for each other by six, over all segments, without being further hops", async () => {
    const index = await writeIndex(Array.from({ length: 13 }, () => [LONG_PAGE]));
    const { opened } = await openCounted(index);
    const { performance } = await opened.search(request(index));
    const waves = Math.ceil(13 / MAX_CONCURRENT_READS);
    expect(performance).toMatchObject({ reads: 26, serialReadWaves: 2 * waves, serialHops: 2 });
  });

  it("are none but of candidates when nothing is to be shown of them or settled", async () => {
    const index = await writeIndex([[LONG_PAGE, LONG_PAGE]]);
    const { opened } = await openCounted(index);
    const { performance } = await opened.search(request(index, { exact: 0, bare: true }));
    expect(performance).toMatchObject({ reads: 1, serialReadWaves: 1, serialHops: 1 });
  });

  it("are hedged when one hangs", async () => {
    /** Answers every read but the first of exact vectors. */
    class HangingStore extends MemoryStore {
      #hung = 0;

      override async get(...asked: Parameters<MemoryStore["get"]>): Promise<StoredObject | undefined> {
        if (asked[0].endsWith(".vectors") && this.#hung++ === 0) await new Promise(() => undefined);
        return await super.get(...asked);
      }
    }
    const index = await writeIndex([[100, 100]], new HangingStore());
    const hedging = new HedgePolicy();
    for (let i = 0; i < MIN_LATENCY_SAMPLES; i++) hedging.observe(5);
    const opened = await openIndex({ store: index.store, index: index.name, kernelModule, hedging });
    const { hits, performance } = await opened.search(request(index));
    expect(hits).toHaveLength(2);
    expect(performance.hedgedReads).toBeGreaterThanOrEqual(1);
  });
});

describe("memory of resident indexes", () => {
  it("stays below the budget that they share, whatever they read", async () => {
    const pages = Array.from({ length: 30 }, () => 400);
    const indexes = await Promise.all([writeIndex([pages, pages]), writeIndex([pages])]);
    const memory = new MemoryBudget(1024 * 1024);
    const opened = await Promise.all(indexes.map(async (index) => (await openCounted(index, { memory })).opened));
    const { records, vectors } = await storedBytes(indexes[0] ?? (await writeIndex([])));
    expect(records + vectors).toBeGreaterThan(memory.limitBytes - memory.residentBytes);
    for (let round = 0; round < 5; round++) {
      await Promise.all(
        indexes.map(async (index, i) => {
          await opened[i]?.search(request(index, { k: 50 }));
          expect(memory.residentBytes + memory.recordBytes).toBeLessThanOrEqual(memory.limitBytes);
        }),
      );
    }
    const held = opened.reduce((sum, index) => sum + index.memoryBytes, 0);
    expect(held).toBe(memory.residentBytes + memory.recordBytes);
    for (const index of opened) index.close();
    expect([memory.residentBytes, memory.recordBytes]).toEqual([0, 0]);
  });
});
