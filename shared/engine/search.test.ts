import fc from "fast-check";
import { readFile } from "node:fs/promises";
import { beforeAll, describe, expect, it } from "vitest";
import { readManifest } from "../format/manifest-store.ts";
import type { KernelModule } from "../kernel/webassembly.ts";
import { compileKernel } from "../kernel/webassembly.ts";
import { seededRandom } from "../seeded-random.ts";
import { MemoryStore } from "../store/memory-store.ts";
import type { SearchFilter, VectorSearchRequest } from "./contract.ts";
import { openIndex } from "./open-index.ts";
import {
  addSegment,
  coverSegments,
  createRandomIndex,
  deleteDocument,
  type RandomIndex,
  type WrittenPage,
} from "./testing/random-index.ts";
import { randomQuery } from "./testing/random-material.ts";
import { referenceSearch } from "./testing/reference-search.ts";

let kernelModule: KernelModule;

beforeAll(async () => {
  kernelModule = await compileKernel(await readFile(new URL("../kernel/build/kernel.wasm", import.meta.url)));
});

const corpora = fc.record({
  seed: fc.integer(),
  dim: fc.constantFrom<number>(16, 32, 48),
  subspaces: fc.constantFrom<number>(4, 8, 16),
  centroidCount: fc.integer({ min: 1, max: 60 }),
  tokenCount: fc.oneof(fc.constantFrom(1, 32, 33), fc.integer({ min: 2, max: 70 })),
  segments: fc.array(
    fc.array(fc.array(fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 30 })), { minLength: 1, maxLength: 8 }), {
      minLength: 1,
      maxLength: 6,
    }),
    { minLength: 0, maxLength: 4 },
  ),
  twins: fc.boolean(),
  deletions: fc.array(fc.nat(), { maxLength: 4 }),
  k: fc.oneof(fc.constantFrom(1, 10, 1_000), fc.integer({ min: 1, max: 40 })),
  candidates: fc.option(fc.integer({ min: 1, max: 60 }), { nil: undefined }),
  exact: fc.option(fc.integer({ min: 0, max: 60 }), { nil: undefined }),
  filtersByLanguage: fc.boolean(),
  lengthPrior: fc.constantFrom(undefined, 0.001, 0.03, 0.3),
  filteredDocuments: fc.option(fc.array(fc.nat(), { minLength: 1, maxLength: 4 }), { nil: undefined }),
});
type Corpus = typeof corpora extends fc.Arbitrary<infer T> ? T : never;

/** 21 centroids in more cells than the plan of 21 probed centroids looks into: once missed pages on the others' lists. */
const SMALL_CELLS: Corpus = {
  seed: 0,
  dim: 16,
  subspaces: 4,
  centroidCount: 21,
  tokenCount: 1,
  segments: [[[0], [1], [0], [0, 0, 1, 1], [0]]],
  twins: false,
  deletions: [],
  k: 2,
  candidates: 1,
  exact: undefined,
  filtersByLanguage: false,
  lengthPrior: undefined,
  filteredDocuments: undefined,
};

/** 16 blocks of tokens at 64 codes a vector: more tables than are kept, so that pages are scored by one block after the other. */
const BLOCK_BY_BLOCK: Corpus = {
  ...SMALL_CELLS,
  dim: 64,
  subspaces: 64,
  tokenCount: 510,
  segments: [[[30, 3], [20], [10, 10]]],
  candidates: 4,
  exact: 3,
};

/** @param covered segments that get an inverted file, before the others are written. */
async function writeCorpus(corpus: Corpus, covered = 0): Promise<RandomIndex> {
  const random = seededRandom(corpus.seed);
  const index = await createRandomIndex(new MemoryStore(), "random", corpus, random);
  index.twins = corpus.twins;
  let number = 0;
  for (const [segment, documents] of corpus.segments.entries()) {
    if (segment > 0 && segment === covered && index.pages.some(hasVectors)) await coverSegments(index);
    const plans = documents.map((pages) => {
      number += 1;
      return { name: `${number}.pdf`, pages, metadata: { language: number % 2 === 0 ? "en" : "de" } };
    });
    await addSegment(index, plans);
  }
  if (covered >= corpus.segments.length && index.pages.some(hasVectors)) await coverSegments(index);
  for (const deletion of corpus.deletions) {
    const id = liveIds(index)[deletion % Math.max(1, liveIds(index).length)];
    if (id !== undefined) await deleteDocument(index, id);
  }
  return index;
}

function hasVectors({ codes }: WrittenPage): boolean {
  return codes.centroidIds.length > 0;
}

function liveIds(index: RandomIndex): string[] {
  return [...new Set(index.pages.map((page) => page.document.id))].filter((id) => !index.deleted.has(id));
}

function filterOf(corpus: Corpus, index: RandomIndex): SearchFilter | undefined {
  const ids = liveIds(index);
  if (ids.length === 0) return undefined;
  return {
    documents: corpus.filteredDocuments?.flatMap((which) => ids[which % ids.length] ?? []),
    metadata: corpus.filtersByLanguage ? { language: ["en", "fr"] } : undefined,
  };
}

describe("search", () => {
  it("equals the scalar reference to the last rank", async () => {
    await fc.assert(
      fc.asyncProperty(corpora, async (corpus) => {
        const index = await writeCorpus(corpus);
        const opened = await openIndex({ store: index.store, index: index.name, kernelModule });
        const request: VectorSearchRequest = {
          query: randomQuery(index.fingerprint, corpus.dim, corpus.tokenCount, index.random),
          k: corpus.k,
          candidates: corpus.candidates,
          exact: corpus.exact,
          filter: filterOf(corpus, index),
          bare: true,
        };
        const { hits, performance } = await opened.search(request);
        const found = hits.map(({ documentId, pageNumber, score }) => ({ documentId, pageNumber, score }));
        expect(found).toEqual(referenceSearch(index, request));
        expect(hits.map((hit) => hit.score)).toEqual(hits.map((hit) => hit.score).toSorted((a, b) => b - a));
        expect(performance.exactPages).toBeLessThanOrEqual(performance.candidates);
        // Matches and text change nothing in the ranking.
        const full = await opened.search({ ...request, bare: false });
        expect(full.hits.map(({ documentId, pageNumber, score }) => ({ documentId, pageNumber, score }))).toEqual(
          found,
        );
        opened.close();
      }),
      { numRuns: 60, examples: [[BLOCK_BY_BLOCK]] },
    );
  });

  it.each(["pruned", "resident"] as const)(
    "by path %s equals the reference when it looks at the lists of all centroids",
    async (path) => {
      await fc.assert(
        fc.asyncProperty(corpora, fc.integer({ min: 1, max: 5 }), async (corpus, covered) => {
          const index = await writeCorpus(corpus, covered);
          const holding = path === "pruned" ? "heads" : "lists";
          const manifest = await readManifest(index.store, index.name);
          fc.pre(manifest?.inverted !== undefined);
          const opened = await openIndex({ store: index.store, index: index.name, kernelModule, holding });
          const request: VectorSearchRequest = {
            query: randomQuery(index.fingerprint, corpus.dim, corpus.tokenCount, index.random),
            k: corpus.k,
            candidates: corpus.candidates,
            exact: corpus.exact,
            nprobe: corpus.centroidCount,
            filter: filterOf(corpus, index),
          };
          const { hits, performance } = await opened.search(request);
          const found = hits.map(({ documentId, pageNumber, score }) => ({ documentId, pageNumber, score }));
          expect(found).toEqual(referenceSearch(index, request, holding));
          expect(performance.path).toBe(path);
          const bare = await opened.search({ ...request, bare: true });
          expect(bare.hits.map(({ documentId, pageNumber, score }) => ({ documentId, pageNumber, score }))).toEqual(
            found,
          );
          opened.close();
        }),
        { numRuns: 60, examples: [[SMALL_CELLS, 1]] },
      );
    },
  );
});
