import { readFile } from "node:fs/promises";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { compileKernel, type KernelModule } from "../../kernel/webassembly.ts";
import { MAX_CONCURRENT_READS } from "../../limits.ts";
import { seededRandom } from "../../seeded-random.ts";
import { CountingStore } from "../../store/counting-store.ts";
import { MemoryStore } from "../../store/memory-store.ts";
import type { Holding } from "../planner/holding.ts";
import { openIndex } from "../open-index.ts";
import { addSegment, coverSegments, createRandomIndex, type RandomIndex } from "../testing/random-index.ts";
import { randomQuery } from "../testing/random-material.ts";

const shape = { dim: 32, subspaces: 8, centroidCount: 40 };
const PAGE_WORDS = 300;
/** So many words that those asked for lie in blocks of their own once there are many pages. */
const VOCABULARY = Array.from({ length: 3_000 }, (_, i) => `term${i}`);
const TEXT = "term1 term40 term400";

let kernelModule: KernelModule;

beforeAll(async () => {
  kernelModule = await compileKernel(await readFile(new URL("../../kernel/build/kernel.wasm", import.meta.url)));
});

async function writeIndex(segments: number, isCovered: boolean): Promise<RandomIndex> {
  const index = await createRandomIndex(new MemoryStore(), "words", shape, seededRandom(4));
  index.vocabulary = VOCABULARY;
  for (let i = 0; i < segments; i++) await addSegment(index, [{ name: `${i}.pdf`, pages: [PAGE_WORDS, PAGE_WORDS] }]);
  if (isCovered) await coverSegments(index);
  return index;
}

async function measure(index: RandomIndex, mode: "lexical" | "hybrid", holding: Holding) {
  const counting = new CountingStore(index.store);
  const opened = await openIndex({
    store: counting,
    index: index.name,
    kernelModule,
    holding,
    cacheBytes: 64 * 1024 * 1024,
  });
  const request = { query: randomQuery(index.fingerprint, shape.dim, 4, seededRandom(5)), text: TEXT, k: 10, mode };
  const before = counting.counts;
  const cold = await opened.search(request);
  const after = counting.counts;
  const warm = await opened.search(request);
  opened.close();
  expect(warm.hits).toEqual(cold.hits);
  expect(cold.performance).toMatchObject({
    reads: after.gets - before.gets,
    bytesRead: after.bytesRead - before.bytesRead,
  });
  return { cold: cold.performance, warm: warm.performance, hits: cold.hits };
}

describe("reads of a search by words", () => {
  it.each([1, 10, 100])("of %d segments without an inverted file grow with them", async (segments) => {
    const index = await writeIndex(segments, false);
    const { cold, warm, hits } = await measure(index, "lexical", "bags");
    // One of a segment's words: its blocks are near each other. Then what is shown, neighbours in one.
    const shown = new Set(hits.map(({ documentId }) => documentId)).size;
    expect(cold).toMatchObject({ reads: segments + shown, serialHops: 2, terms: 3 });
    expect(cold.serialReadWaves).toBe(
      Math.ceil(segments / MAX_CONCURRENT_READS) + Math.ceil(shown / MAX_CONCURRENT_READS),
    );
    expect(warm).toMatchObject({ reads: 0, serialHops: 0 });
  });

  it.each([1, 10, 100])("of %d segments with one do not", async (segments) => {
    const index = await writeIndex(segments, true);
    for (const holding of ["heads", "lists"] as const) {
      const { cold, warm, hits } = await measure(index, "lexical", holding);
      const shown = new Set(hits.map(({ documentId }) => documentId)).size;
      // The table, which stays; the blocks; what is shown.
      expect(cold.reads).toBeLessThanOrEqual(1 + cold.terms + shown);
      expect(cold.serialHops).toBe(3);
      expect(warm).toMatchObject({ reads: 0, serialHops: 0 });
    }
  });

  it("of a hybrid search go along with those for candidates", async () => {
    const index = await writeIndex(10, true);
    const { cold, warm } = await measure(index, "hybrid", "heads");
    // The table and lists of centroids; blocks; codes and layouts (no exact vectors where only heads are held).
    expect(cold.serialHops).toBe(3);
    expect(warm).toMatchObject({ reads: 0, serialHops: 0 });
    const bags = await measure(index, "hybrid", "bags");
    expect(bags.cold.serialHops).toBe(4);
  });

  it("of a hybrid search begin before its vectors are there", async () => {
    const index = await writeIndex(10, true);
    const counting = new CountingStore(index.store);
    const opened = await openIndex({ store: counting, index: index.name, kernelModule, holding: "bags" });
    const vectors = randomQuery(index.fingerprint, shape.dim, 4, seededRandom(5));
    const { promise: query, resolve } = Promise.withResolvers<typeof vectors>();
    const opening = counting.counts.gets;
    const asked = opened.search({ query, text: TEXT, k: 10, mode: "hybrid" });
    // The table, and then the blocks of three words.
    await vi.waitFor(() => expect(counting.counts.gets).toBeGreaterThanOrEqual(opening + 2));
    resolve(vectors);
    const { hits } = await asked;
    expect(hits).toEqual((await opened.search({ query: vectors, text: TEXT, k: 10, mode: "hybrid" })).hits);
    await expect(
      opened.search({ query: Promise.reject(new Error("no encoder")), text: TEXT, k: 10, mode: "hybrid" }),
    ).rejects.toThrow("no encoder");
    opened.close();
  });

  it("of words alone are for words and what is shown, not for vectors", async () => {
    const index = await writeIndex(10, true);
    const { cold, hits } = await measure(index, "lexical", "bags");
    const hybrid = await measure(index, "hybrid", "bags");
    expect(hits.length).toBeGreaterThan(0);
    // Records of pages are read without codes: less than half of what a page has.
    expect(cold.bytesRead).toBeLessThan(hybrid.cold.bytesRead / 2);
    expect(cold.reads).toBeLessThan(hybrid.cold.reads);
  });
});
