import fc from "fast-check";
import { readFile } from "node:fs/promises";
import { beforeAll, describe, expect, it } from "vitest";
import { readContainer, type SectionKind, writeContainer } from "../../format/container.ts";
import { commitManifest } from "../../format/manifest-store.ts";
import { termsOf } from "../../format/lexical/terms.ts";
import { compileKernel, type KernelModule } from "../../kernel/webassembly.ts";
import { seededRandom } from "../../seeded-random.ts";
import { layout } from "../../store/layout.ts";
import { MemoryStore } from "../../store/memory-store.ts";
import type { SearchRequest } from "../contract.ts";
import { openIndex } from "../open-index.ts";
import {
  addSegment,
  coverSegments,
  createRandomIndex,
  deleteDocument,
  type RandomIndex,
  type WrittenPage,
} from "../testing/random-index.ts";
import { randomQuery } from "../testing/random-material.ts";
import { fuse } from "./fusion.ts";
import { fusionFor } from "./mode.ts";
import { questionWords } from "./question-words.ts";
import { withinBudget } from "./score-terms.ts";

const shape = { dim: 16, subspaces: 4, centroidCount: 20 };
const VOCABULARY = "the of sales in 2023 region profit tax clause 7.2 Straße 東京都 naïve zebra".split(" ");

let kernelModule: KernelModule;

beforeAll(async () => {
  kernelModule = await compileKernel(await readFile(new URL("../../kernel/build/kernel.wasm", import.meta.url)));
});

interface Scored {
  page: WrittenPage;
  position: number;
  score: number;
}

type Filter = SearchRequest["filter"];

const isLive = (index: RandomIndex, page: WrittenPage) =>
  page.codes.centroidIds.length > 0 && !index.deleted.has(page.document.id);
const passes = (filter: Filter, { document }: WrittenPage) =>
  (filter?.documents?.includes(document.id) ?? true) &&
  Object.entries(filter?.metadata ?? {}).every(([field, values]) => values.includes(document.metadata[field] ?? ""));

/** BM25 of every live page that passes, by definition; pages without a word of the question have 0. */
function bruteForce(index: RandomIndex, text: string, filter?: Filter): Scored[] {
  const live = index.pages.filter((page) => isLive(index, page)).map((page) => ({ page, terms: termsOf(page.text) }));
  const meanLength = live.reduce((sum, { terms }) => sum + terms.length, 0) / live.length;
  const asked = termsOf(text);
  return live
    .map(({ page, terms }, position): Scored => {
      let score = 0;
      for (const term of asked) {
        const found = live.filter((other) => other.terms.includes(term)).length;
        const count = terms.filter((other) => other === term).length;
        const idf = Math.log(1 + (live.length - found + 0.5) / (found + 0.5));
        if (count > 0) score += (idf * count) / (count + 1.2 * (0.25 + (0.75 * terms.length) / meanLength));
      }
      return { page, position, score };
    })
    .filter(({ page }) => passes(filter, page));
}

const nameOf = ({ document, pageNumber }: WrittenPage) => `${document.name} ${pageNumber}`;

/** Hits as pages and scores; nearly equal scores may be summed in another order, so neighbours of one score are sorted by name. */
function comparable(hits: readonly { name: string; score: number }[]): [string, string][] {
  return hits
    .map(({ name, score }): [string, string] => [score.toFixed(9), name])
    .toSorted(([a, x], [b, y]) => Number(b) - Number(a) || x.localeCompare(y));
}

const corpora = fc.record({
  seed: fc.integer(),
  segments: fc.array(
    fc.array(fc.array(fc.integer({ min: 0, max: 25 }), { minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 4 }),
    {
      minLength: 1,
      maxLength: 4,
    },
  ),
  covered: fc.nat(4),
  deletions: fc.array(fc.nat(), { maxLength: 3 }),
  text: fc
    .array(fc.constantFrom(...VOCABULARY, "okapi", "—"), { minLength: 1, maxLength: 6 })
    .map((words) => words.join(" ")),
  isFiltered: fc.boolean(),
});
type Corpus = typeof corpora extends fc.Arbitrary<infer T> ? T : never;

/** The first `covered` segments get an inverted file. */
async function writeCorpus({ seed, segments, covered, deletions }: Corpus): Promise<RandomIndex> {
  const index = await createRandomIndex(new MemoryStore(), "words", shape, seededRandom(seed));
  index.vocabulary = VOCABULARY;
  let number = 0;
  for (const [segment, documents] of segments.entries()) {
    const plans = documents.map((pages) => {
      number += 1;
      return { name: `${number}.pdf`, pages, metadata: { parity: number % 2 === 0 ? "even" : "odd" } };
    });
    await addSegment(index, plans);
    if (segment + 1 === covered && index.pages.some((page) => page.codes.centroidIds.length > 0))
      await coverSegments(index);
  }
  for (const deletion of deletions) {
    const left = index.pages.filter((page) => !index.deleted.has(page.document.id));
    const page = left[deletion % Math.max(1, left.length)];
    if (page !== undefined) await deleteDocument(index, page.document.id);
  }
  return index;
}

function filterOf(index: RandomIndex, { isFiltered }: Corpus): Filter {
  const hasOdd = index.pages.some(
    (page) => page.document.metadata["parity"] === "odd" && !index.deleted.has(page.document.id),
  );
  return isFiltered && hasOdd ? { metadata: { parity: ["odd"] } } : undefined;
}

describe("a search by words", () => {
  it("finds what BM25 over the live pages finds, by every holding", async () => {
    await fc.assert(
      fc.asyncProperty(corpora, async (corpus) => {
        const index = await writeCorpus(corpus);
        const filter = filterOf(index, corpus);
        const expected = bruteForce(index, corpus.text, filter).filter(({ score }) => score > 0);
        const query = randomQuery(index.fingerprint, shape.dim, 3, index.random);
        const hasFile = corpus.covered > 0 && corpus.covered <= corpus.segments.length;
        const isCovered =
          hasFile &&
          (await openIndex({ store: index.store, index: index.name, kernelModule })).manifest.inverted !== undefined;
        for (const holding of isCovered ? (["bags", "lists", "heads"] as const) : (["bags"] as const)) {
          const opened = await openIndex({ store: index.store, index: index.name, kernelModule, holding });
          const request = { query, text: corpus.text, mode: "lexical" as const, k: 1_000, filter };
          const { hits, performance } = await opened.search(request);
          expect(
            comparable(hits.map((hit) => ({ name: `${hit.documentName} ${hit.pageNumber}`, score: hit.score }))),
          ).toEqual(comparable(expected.map(({ page, score }) => ({ name: nameOf(page), score }))));
          expect(performance).toMatchObject({ mode: "lexical", termsLeftOut: 0 });
          const bare = await opened.search({ ...request, k: 3, bare: true });
          expect(bare.hits.map(({ score }) => score)).toEqual(hits.slice(0, 3).map(({ score }) => score));
          opened.close();
        }
      }),
      { numRuns: 40 },
    );
  });

  it("shows where the question's words stand, each with its part of the score", async () => {
    const index = await createRandomIndex(new MemoryStore(), "words", shape, seededRandom(1));
    await addSegment(index, [{ name: "a.pdf", pages: [200, 30] }]);
    const opened = await openIndex({ store: index.store, index: index.name, kernelModule });
    const { hits, tokens } = await opened.search({ text: "— WORD150, okapi word3", mode: "lexical", k: 10 });
    expect(tokens).toEqual([
      { text: "WORD150,", start: 2, end: 10 },
      { text: "okapi", start: 11, end: 16 },
      { text: "word3", start: 17, end: 22 },
    ]);
    expect(hits.map(({ pageNumber }) => pageNumber)).toEqual([1, 2]);
    const [first] = hits;
    expect(first?.snippet).toContain(" word150 ");
    expect(first?.matches.map(({ token, text, region }) => ({ token, text, region }))).toEqual([
      { token: 0, text: "word150", region: 150 },
      { token: 2, text: "word3", region: 3 },
    ]);
    for (const { score, matches } of hits) {
      expect(matches.reduce((sum, match) => sum + match.score, 0)).toBeCloseTo(score, 3);
      for (const { box } of matches) expect(box).toHaveLength(4);
    }
    expect(first?.scores).toBeUndefined();
  });

  it("needs no vectors, and takes no notice of any", async () => {
    const index = await createRandomIndex(new MemoryStore(), "words", shape, seededRandom(1));
    await addSegment(index, [{ name: "a.pdf", pages: [20, 30] }]);
    const opened = await openIndex({ store: index.store, index: index.name, kernelModule });
    const request = { text: "word7 word25", mode: "lexical", k: 10 } as const;
    const { hits, tokens, performance } = await opened.search(request);
    expect(hits).toHaveLength(2);
    const foreign = { ...randomQuery("another recipe's", shape.dim, 3, index.random), vectors: new Float32Array(1) };
    for (const query of [foreign, Promise.reject<typeof foreign>(new Error("the encoder is down"))]) {
      if (query instanceof Promise) query.catch(() => undefined);
      expect(await opened.search({ ...request, query })).toMatchObject({ hits, tokens });
    }
    expect(performance).toMatchObject({ tablesMs: 0, candidatesMs: 0, rerankMs: 0, exactMs: 0, exactPages: 0 });
  });
});

describe("the words of a question", () => {
  it("have its terms, in its order", () => {
    const texts = fc.oneof(
      fc.string({ unit: "grapheme" }),
      fc
        .array(fc.constantFrom(...VOCABULARY, "—", "a-b", "東京都の", "ﬁ", "e\u0301", "\u00a0"))
        .map((words) => words.join(" ")),
    );
    fc.assert(
      fc.property(texts, (text) => {
        const words = questionWords(text);
        expect(words.flatMap(({ terms }) => terms)).toEqual(termsOf(text));
        for (const word of words) expect(text.slice(word.start, word.end)).toBe(word.text);
      }),
    );
  });
});

describe("a hybrid search", () => {
  it("fuses the scores of all pages when it looks at all", async () => {
    await fc.assert(
      fc.asyncProperty(corpora, async (corpus) => {
        const index = await writeCorpus(corpus);
        const filter = filterOf(index, corpus);
        const words = new Map(bruteForce(index, corpus.text, filter).map(({ page, score }) => [nameOf(page), score]));
        const query = randomQuery(index.fingerprint, shape.dim, 3, index.random);
        const opened = await openIndex({ store: index.store, index: index.name, kernelModule });
        const request = { query, text: corpus.text, k: 1_000, filter, accuracy: "exact" as const };
        const late = await opened.search({ ...request, mode: "late" });
        const names = late.hits.map((hit) => `${hit.documentName} ${hit.pageNumber}`);
        const pages = late.hits.map(({ score }, position) => ({
          position,
          vectorScore: score,
          wordScore: words.get(names[position] ?? "") ?? 0,
        }));
        const fused = fuse(pages, fusionFor({ interaction: "late" }));
        const { hits, performance } = await opened.search(request);
        expect(
          comparable(hits.map((hit) => ({ name: `${hit.documentName} ${hit.pageNumber}`, score: hit.score }))),
        ).toEqual(comparable(names.map((name, i) => ({ name, score: fused[i] ?? 0 }))));
        if (late.hits.length > 0) expect(performance.mode).toBe("hybrid");
        opened.close();
      }),
      { numRuns: 30 },
    );
  });

  it("ranks pages that only the words found", async () => {
    const index = await createRandomIndex(new MemoryStore(), "words", shape, seededRandom(2));
    // The page with the word is one of many, so that vectors alone do not come to it.
    await addSegment(index, [{ name: "many.pdf", pages: Array.from({ length: 300 }, () => 5) }]);
    await addSegment(index, [{ name: "long.pdf", pages: [6] }]);
    const opened = await openIndex({ store: index.store, index: index.name, kernelModule });
    const query = randomQuery(index.fingerprint, shape.dim, 3, index.random);
    const { hits, performance } = await opened.search({
      query,
      text: "word5",
      k: 200,
      candidates: 200,
      mode: "hybrid",
    });
    expect(hits.find(({ documentName }) => documentName === "long.pdf")?.scores?.words).toBeGreaterThan(0);
    expect(performance.candidates).toBeGreaterThanOrEqual(200);
    expect(hits).toHaveLength(200);
  });
});

/** Stores segments as writers did before there were lexical indexes. */
async function stripLexical(index: RandomIndex): Promise<void> {
  const kinds: SectionKind[] = ["records", "bags", "identity", "documents", "pages"];
  const bytesOf = new Map<string, number>();
  for (const id of new Set(index.pages.map(({ segmentId }) => segmentId))) {
    const key = layout.segment(index.name, id);
    const { bytes } = (await index.store.get(key)) ?? { bytes: new Uint8Array(0) };
    const table = readContainer(bytes, bytes.byteLength, "segment", "segment");
    const sections = kinds.map((kind) => {
      const { offset, length } = table.get(kind);
      return { kind, parts: [bytes.subarray(offset, offset + length)] };
    });
    const stripped = writeContainer("segment", sections);
    await index.store.put(key, stripped);
    bytesOf.set(id, stripped.byteLength);
  }
  await commitManifest(index.store, index.name, (current) => {
    if (current === undefined) throw new Error("the index was not created");
    const segments = current.segments.map((entry) => ({ ...entry, bytes: bytesOf.get(entry.id) ?? entry.bytes }));
    const { recipe, recipeFingerprint, codebook } = current;
    return { recipe, recipeFingerprint, segments, ...(codebook && { codebook }) };
  });
}

describe("an index whose words are not indexed", () => {
  it("says so, is searched by vectors unless words are asked for, and has them after it was optimized", async () => {
    const index = await createRandomIndex(new MemoryStore(), "old", shape, seededRandom(3));
    index.vocabulary = VOCABULARY;
    await addSegment(index, [{ name: "a.pdf", pages: [20, 30, 0] }]);
    await addSegment(index, [{ name: "b.pdf", pages: [10] }]);
    await stripLexical(index);
    const query = randomQuery(index.fingerprint, shape.dim, 3, index.random);
    const request = { query, text: "sales region", k: 10 };
    const opened = await openIndex({ store: index.store, index: index.name, kernelModule });
    for (const mode of ["lexical", "hybrid"] as const) {
      await expect(opened.search({ ...request, mode })).rejects.toMatchObject({
        code: "path_unavailable",
        message: expect.stringContaining("maxleaf optimize"),
      });
    }
    expect((await opened.search(request)).performance.mode).toBe("late");
    await coverSegments(index);
    await opened.refresh();
    const { hits, performance } = await opened.search({ ...request, mode: "lexical" });
    const expected = bruteForce(index, request.text).filter(({ score }) => score > 0);
    expect(hits).toHaveLength(expected.length);
    expect(hits[0]?.score).toBeCloseTo(Math.max(...expected.map(({ score }) => score)), 12);
    expect(performance.mode).toBe("lexical");
  });
});

describe("modes", () => {
  it("need a text, and vectors of their kind", async () => {
    const index = await createRandomIndex(new MemoryStore(), "words", shape, seededRandom(3));
    await addSegment(index, [{ name: "a.pdf", pages: [20] }]);
    const opened = await openIndex({ store: index.store, index: index.name, kernelModule });
    const query = randomQuery(index.fingerprint, shape.dim, 3, index.random);
    for (const mode of ["lexical", "hybrid"] as const) {
      await expect(opened.search({ query, k: 1, mode })).rejects.toMatchObject({ code: "invalid_request" });
    }
    await expect(opened.search({ query, text: "x", k: 1, mode: "dense" })).rejects.toMatchObject({
      code: "invalid_request",
      message: expect.stringContaining('ask for "late"'),
    });
    expect((await opened.search({ query, k: 1 })).performance.mode).toBe("late");
    expect((await opened.search({ query, text: "x", k: 1 })).performance.mode).toBe("hybrid");
  });
});

describe("the budget of bytes", () => {
  it("leaves out the words that most pages have, and reads one at least", () => {
    const sizes = [10, 1_000, 30, 20];
    const index = { blockOf: (hash: bigint) => Number(hash), blockBytes: (block: number) => sizes[block] ?? 0 };
    const asked = sizes.map((_, i) => ({ term: String(i), hash: BigInt(i), times: 1 }));
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- only its sizes are looked at
    const groups = [{ index }] as unknown as Parameters<typeof withinBudget>[1];
    const taken = (maxBytes: number) => withinBudget(asked, groups, maxBytes).map(({ term }) => term);
    expect(taken(2_000)).toEqual(["0", "1", "2", "3"]);
    expect(taken(60)).toEqual(["0", "2", "3"]);
    expect(taken(30)).toEqual(["0", "3"]);
    expect(taken(5)).toEqual(["0"]);
  });
});
