import { readFile } from "node:fs/promises";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { EncodedQuery, SearchableIndex, SearchRequest, SearchResult } from "../../shared/engine/contract.ts";
import { openIndex } from "../../shared/engine/open-index.ts";
import { compileKernel, type KernelModule } from "../../shared/kernel/webassembly.ts";
import type { EncodedPage } from "../../shared/page.ts";
import { seededRandom } from "../../shared/seeded-random.ts";
import { deleteDocuments } from "./commit-changes.ts";
import { compactIndex } from "./compact.ts";
import { buildInvertedFile } from "./inverted-file.ts";
import { pagesOf, TEST_DIM, TestIndex } from "./testing-index.ts";
import { commitEach } from "./testing-maintenance.ts";
import { topicVectors } from "./testing.ts";

let kernelModule: KernelModule;
beforeAll(async () => {
  kernelModule = await compileKernel(await readFile(new URL("../../shared/kernel/build/kernel.wasm", import.meta.url)));
});
let books: TestIndex;
let recipeFingerprint: string;
beforeEach(() => {
  books = new TestIndex();
});
afterEach(async () => await books.close());

const target = () => ({ store: books.store, index: books.name });
const WORDS = ["ferry", "harbour", "tide", "ticket", "engine", "island", "report", "storm", "crew", "deck"];

/** Pages with some words each, as many as vectors. */
function wordedPages(seed: number, ...counts: number[]): EncodedPage[] {
  const random = seededRandom(seed);
  return pagesOf(seed, ...counts).map((page) => ({
    ...page,
    text: Array.from({ length: page.vectorCount }, () => WORDS[Math.floor(random.next() * WORDS.length)]).join(" "),
  }));
}

/** Fourteen documents of one to four pages, each in a segment of its own, and an inverted file. */
async function smallSegments(): Promise<Map<string, string>> {
  const writer = await books.openWriter();
  const names = Array.from({ length: 14 }, (_, at) => `d${at + 10}`);
  const documents = names.map(
    (name, at) => [name, wordedPages(at + 1, ...[9, 14, 0, 7].slice(0, 1 + (at % 4)))] as const,
  );
  const ids = await commitEach(writer, Object.fromEntries(documents));
  // Of all of them: few centroids' lists find other candidates than bags do, and pages would go from one to the other.
  await buildInvertedFile(target());
  ({ recipeFingerprint } = await books.manifest());
  return ids;
}

const REQUESTS: readonly Omit<SearchRequest, "query">[] = (["resident", "pruned"] as const).flatMap((path) => [
  { path, k: 10 },
  { path, k: 40, mode: "late" as const, accuracy: "exact" as const },
  { path, k: 5, mode: "late" as const, candidates: 8, exact: 4, ...(path === "pruned" && { nprobe: 3 }) },
  { path, k: 10, mode: "lexical" as const, text: "storm at the harbour" },
  { path, k: 10, mode: "hybrid" as const, text: "ticket to an island" },
  { path, k: 10, filter: { documents: [] as string[] } },
]);

function queries(): EncodedQuery[] {
  return [31, 32, 33].map((seed) => {
    const { values } = topicVectors({ count: 5, dim: TEST_DIM, topics: 5, spread: 1, seed });
    const tokens = Array.from({ length: 5 }, (_, at) => ({ text: `t${at}`, start: at, end: at + 1 }));
    return { recipeFingerprint, dim: TEST_DIM, tokenCount: 5, vectors: values, tokens };
  });
}

async function answers(index: SearchableIndex, documents: string[]): Promise<Omit<SearchResult, "performance">[]> {
  const found: Omit<SearchResult, "performance">[] = [];
  for (const query of queries()) {
    for (const request of REQUESTS) {
      const filter = request.filter && { filter: { documents } };
      const { hits, tokens, pagesMatched } = await index.search({ query, ...request, ...filter });
      found.push({ hits, tokens, pagesMatched, manifestVersion: 0 });
    }
  }
  return found;
}

async function opened(work: (index: SearchableIndex) => Promise<void>): Promise<void> {
  const index = await openIndex({ store: books.store, index: books.name, kernelModule });
  try {
    await work(index);
  } finally {
    index.close();
  }
}

describe("searches before and after a compaction", () => {
  it("are equal in every mode and on every path, also for readers that stay or go over", async () => {
    const ids = [...(await smallSegments()).values()];
    await opened(async (stays) => {
      const before = await answers(stays, ids.slice(3, 9));
      expect(before.every(({ hits }) => hits.length > 0)).toBe(true);
      expect(await compactIndex(target())).toMatchObject({ segmentsBefore: 14, segmentsAfter: 1 });
      expect(await answers(stays, ids.slice(3, 9))).toEqual(before);
      await stays.refresh();
      expect(stays.manifest.segments).toHaveLength(1);
      expect(await answers(stays, ids.slice(3, 9))).toEqual(before);
      await opened(async (fresh) => expect(await answers(fresh, ids.slice(3, 9))).toEqual(before));
    });
  });

  it("find the same by vectors when deleted pages went, and by words as if they had never been", async () => {
    const ids = [...(await smallSegments()).values()];
    const deleted = new Set([ids[1] ?? "", ids[10] ?? "", ids[12] ?? ""]);
    await deleteDocuments(target(), deleted);
    await buildInvertedFile(target());
    await opened(async (index) => {
      const before = await answers(index, ids.slice(3, 9));
      await compactIndex(target());
      await index.refresh();
      const after = await answers(index, ids.slice(3, 9));
      expect(after).toEqual(before);
      expect(after.flatMap(({ hits }) => hits).some(({ documentId }) => deleted.has(documentId))).toBe(false);
    });
  });

  it("explain pages alike", async () => {
    const ids = [...(await smallSegments()).values()];
    const [query] = queries();
    if (query === undefined) throw new Error("there is no query");
    await opened(async (index) => {
      const request = { query, documentId: ids[5] ?? "", pageNumber: 2 };
      const before = [await index.explain(request), await index.explain({ ...request, source: "codes" })];
      await compactIndex(target());
      await index.refresh();
      expect([await index.explain(request), await index.explain({ ...request, source: "codes" })]).toEqual(before);
    });
  });
});
