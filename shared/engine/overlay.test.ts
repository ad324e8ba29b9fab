import fc from "fast-check";
import { readFile } from "node:fs/promises";
import { beforeAll, describe, expect, it } from "vitest";
import { OVERLAY_HEAP_FACTOR } from "../format/overlay.ts";
import { compileKernel, type KernelModule } from "../kernel/webassembly.ts";
import { seededRandom } from "../seeded-random.ts";
import { CountingStore } from "../store/counting-store.ts";
import { layout } from "../store/layout.ts";
import { MemoryStore } from "../store/memory-store.ts";
import type { SearchFilter, VectorSearchRequest } from "./contract.ts";
import { openIndex } from "./open-index.ts";
import { holdingBytes } from "./planner/holding.ts";
import {
  addSegment,
  changeMetadata,
  coverSegments,
  createRandomIndex,
  deleteDocument,
  type RandomIndex,
} from "./testing/random-index.ts";
import { randomQuery } from "./testing/random-material.ts";
import { referenceSearch } from "./testing/reference-search.ts";

const SHAPE = { dim: 16, subspaces: 4, centroidCount: 30 };
const HOLDINGS = ["bags", "lists", "heads"] as const;

let kernelModule: KernelModule;

beforeAll(async () => {
  kernelModule = await compileKernel(await readFile(new URL("../kernel/build/kernel.wasm", import.meta.url)));
});

/** Documents of some pages each, in segments; the first one has a part in each of the first two. */
async function writeLibrary(segmentCount: number, seed: number): Promise<RandomIndex> {
  const index = await createRandomIndex(new MemoryStore(), "library", SHAPE, seededRandom(seed));
  for (let segment = 0; segment < segmentCount; segment++) {
    const long = { name: "long.pdf", pages: [9, 8], firstPage: 1 + 2 * segment, metadata: { language: "en" } };
    const others = Array.from({ length: 4 }, (_, number) => ({
      name: `${segment}-${number}.pdf`,
      pages: [7, 0, 12],
      metadata: { language: number % 2 === 0 ? "en" : "de" },
    }));
    await addSegment(index, segment < 2 ? [long, ...others] : others);
  }
  return index;
}

function request(index: RandomIndex, filter?: SearchFilter): VectorSearchRequest {
  const query = randomQuery(index.fingerprint, SHAPE.dim, 5, index.random);
  return { query, k: 1_000, nprobe: SHAPE.centroidCount, filter, bare: true };
}

const idsOf = (index: RandomIndex) => [...new Set(index.pages.map(({ document }) => document.id))];
const fields = fc.record(
  { language: fc.constantFrom("en", "de", "fr"), shelf: fc.constantFrom("a", "b") },
  { requiredKeys: [] },
);

describe("an index whose metadata has changed", () => {
  it.each(HOLDINGS)("held by %s, is filtered by what is true now and shows it", async (holding) => {
    const rounds = fc.array(fc.array(fc.tuple(fc.nat(), fields), { minLength: 1, maxLength: 6 }), {
      minLength: 1,
      maxLength: 3,
    });
    await fc.assert(
      fc.asyncProperty(fc.nat(0xffff_ffff), rounds, async (seed, changes) => {
        const index = await writeLibrary(3, seed);
        await coverSegments(index);
        await addSegment(index, [{ name: "late.pdf", pages: [6, 6], metadata: { language: "de" } }]);
        // The last one keeps its fields, so that they stay known.
        const ids = idsOf(index).slice(0, -1);
        await deleteDocument(index, ids[2] ?? "");
        const opened = await openIndex({ store: index.store, index: index.name, kernelModule, holding });
        for (const round of changes) {
          await changeMetadata(index, new Map(round.map(([which, to]) => [ids[which % ids.length] ?? "", to])));
          await opened.refresh();
          for (const filter of [{ metadata: { language: ["en"] } }, { metadata: { language: ["de", "fr"] } }, {}]) {
            const asked = request(index, filter);
            const { hits, pagesMatched } = await opened.search(asked);
            const found = hits.map(({ documentId, pageNumber, score }) => ({ documentId, pageNumber, score }));
            const expected = referenceSearch(index, asked, holding);
            expect(found).toEqual(expected);
            expect(pagesMatched).toBe(expected.length);
            for (const { documentId, metadata } of hits) {
              expect(metadata).toEqual(
                index.pages.find(({ document }) => document.id === documentId)?.document.metadata,
              );
            }
          }
        }
        opened.close();
      }),
      { numRuns: 15 },
    );
  });

  it("knows fields by what is true now", async () => {
    const index = await writeLibrary(1, 3);
    const opened = await openIndex({ store: index.store, index: index.name, kernelModule });
    const byShelf = request(index, { metadata: { shelf: ["a"] } });
    const byLanguage = request(index, { metadata: { language: ["en"] } });
    await expect(opened.search(byShelf)).rejects.toMatchObject({ code: "invalid_filter" });
    await changeMetadata(index, new Map(idsOf(index).map((id) => [id, { shelf: "a" }])));
    await opened.refresh();
    expect((await opened.search(byShelf)).hits.length).toBeGreaterThan(0);
    await expect(opened.search(byLanguage)).rejects.toMatchObject({ code: "invalid_filter" });
    // What is shown in full has it too.
    const { hits } = await opened.search({ ...byShelf, bare: false });
    expect(hits.map(({ metadata }) => metadata)).toEqual(hits.map(() => ({ shelf: "a" })));
  });

  it("is opened with one read more, beside the others, and refreshed without when the overlay is the same", async () => {
    const index = await writeLibrary(2, 4);
    const plain = new CountingStore(index.store);
    await openIndex({ store: plain, index: index.name, kernelModule });
    const manifest = await changeMetadata(index, new Map([[idsOf(index)[0] ?? "", { language: "fr" }]]));
    const counting = new CountingStore(index.store);
    const opened = await openIndex({ store: counting, index: index.name, kernelModule });
    expect(counting.counts.gets).toBe(plain.counts.gets + 1);
    expect(counting.counts.serialReadWaves).toBe(plain.counts.serialReadWaves);
    await deleteDocument(index, idsOf(index)[1] ?? "");
    const before = counting.counts;
    await opened.refresh();
    // The hint, the version it names and the next one.
    expect(counting.counts.gets - before.gets).toBe(3);
    expect(opened.overlay.size).toBe(manifest.overlay?.documents);
    // A look at the next version alone.
    const known = counting.counts;
    await opened.refresh("next");
    expect(counting.counts.gets - known.gets).toBe(1);
    await changeMetadata(index, new Map([[idsOf(index)[2] ?? "", { language: "fr" }]]));
    await opened.refresh("next");
    // That, the one after it, and the overlay.
    expect(counting.counts.gets - known.gets).toBe(1 + 3);
    expect(opened.overlay.size).toBe(2);
  });

  it("counts the overlay among what it holds, and plans for it", async () => {
    const index = await writeLibrary(1, 5);
    const opened = await openIndex({ store: index.store, index: index.name, kernelModule });
    const before = opened.memoryBytes;
    const planned = holdingBytes(opened.manifest).bags?.heap ?? 0;
    const wide = Object.fromEntries(Array.from({ length: 32 }, (_, field) => [`field${field}`, "x".repeat(512)]));
    const { overlay } = await changeMetadata(index, new Map(idsOf(index).map((id) => [id, wide])));
    await opened.refresh();
    const bytes = OVERLAY_HEAP_FACTOR * (overlay?.bytes ?? 0);
    expect(bytes).toBeGreaterThan(100_000);
    expect(opened.memoryBytes - before).toBeCloseTo(bytes);
    expect((holdingBytes(opened.manifest).bags?.heap ?? 0) - planned).toBeCloseTo(bytes);
  });

  it("is refused when its overlay is damaged or gone, and holds nothing then", async () => {
    const index = await writeLibrary(1, 6);
    const { overlay } = await changeMetadata(index, new Map([[idsOf(index)[0] ?? "", { language: "fr" }]]));
    const key = layout.overlay(index.name, overlay?.id ?? "");
    await index.store.delete([key]);
    const opening = openIndex({ store: index.store, index: index.name, kernelModule });
    await expect(opening).rejects.toMatchObject({ code: "corrupt_data", message: expect.stringContaining("overlay") });
  });
});
