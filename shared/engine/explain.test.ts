import { readFile } from "node:fs/promises";
import { beforeAll, describe, expect, it } from "vitest";
import { compileKernel } from "../kernel/webassembly.ts";
import { seededRandom } from "../seeded-random.ts";
import { MemoryStore } from "../store/memory-store.ts";
import type { EncodedQuery, ExplanationSource, SearchableIndex } from "./contract.ts";
import { openIndex } from "./open-index.ts";
import { addSegment, createRandomIndex, type RandomIndex, type WrittenPage } from "./testing/random-index.ts";
import { decodeCodes, randomQuery } from "./testing/random-material.ts";

let index: RandomIndex;
let opened: SearchableIndex;
let page: WrittenPage;

const dim = 32;
const VECTORS = 30;

beforeAll(async () => {
  const kernelModule = await compileKernel(await readFile(new URL("../kernel/build/kernel.wasm", import.meta.url)));
  index = await createRandomIndex(
    new MemoryStore(),
    "papers",
    { dim, subspaces: 8, centroidCount: 40, lengthPrior: 0.03 },
    seededRandom(5),
  );
  await addSegment(index, [{ name: "a.pdf", pages: [12, VECTORS, 0] }]);
  opened = await openIndex({ store: index.store, index: index.name, kernelModule });
  const written = index.pages[1];
  if (written === undefined) throw new Error("no page was written");
  page = written;
});

/** `[tokens][vectors]` inner products with the vectors that the page's codes stand for, or its exact ones. */
function cosines(query: EncodedQuery, source: ExplanationSource): number[][] {
  const { scales, values } = page.exact;
  const vectors =
    source === "codes"
      ? decodeCodes(index.codebook, page.codes)
      : Float32Array.from(values, (value, i) => value * (scales[Math.floor(i / dim)] ?? 0));
  return Array.from({ length: query.tokenCount }, (_, token) =>
    Array.from({ length: VECTORS }, (_, vector) => {
      let dot = 0;
      for (let d = 0; d < dim; d++) dot += (query.vectors[token * dim + d] ?? 0) * (vectors[vector * dim + d] ?? 0);
      return dot;
    }),
  );
}

describe("explain", () => {
  it.each([
    { source: "vectors", within: 0.001 },
    { source: "codes", within: 0.02 },
  ] as const)("gives every token's score in every region, as the $source have it", async ({ source, within }) => {
    const query = randomQuery(index.fingerprint, dim, 40, index.random);
    const explanation = await opened.explain({ query, documentId: page.document.id, pageNumber: 2, source });
    expect(explanation).toMatchObject({ kind: "words", pageNumber: 2, tokens: query.tokens });
    expect(explanation.words).toEqual(page.text.split(" "));
    expect(explanation.boxes[1]).toEqual([0, expect.closeTo(1 / 31, 3), 1, expect.closeTo(2 / 31, 3)]);
    expect(explanation.scores).toHaveLength(40);
    const expected = cosines(query, source);
    for (const [token, scores] of explanation.scores.entries()) {
      expect(scores).toHaveLength(explanation.boxes.length);
      for (const [region, score] of scores.entries()) {
        // The last vector sits nowhere, so its word has no score.
        if (region === VECTORS - 1) expect(score).toBeNull();
        else expect(Math.abs((score ?? NaN) - (expected[token]?.[region] ?? NaN))).toBeLessThan(within);
      }
    }
  });

  it("takes exact vectors unless told otherwise", async () => {
    const query = randomQuery(index.fingerprint, dim, 3, index.random);
    const request = { query, documentId: page.document.id, pageNumber: 2 };
    const byDefault = await opened.explain(request);
    expect(byDefault).toEqual(await opened.explain({ ...request, source: "vectors" }));
    expect(byDefault.scores).not.toEqual((await opened.explain({ ...request, source: "codes" })).scores);
  });

  it.each([
    { source: "vectors", search: { accuracy: "exact" } },
    { source: "codes", search: { exact: 0 } },
  ] as const)("agrees with the matches of a search by $source", async ({ source, search }) => {
    const query = randomQuery(index.fingerprint, dim, 5, index.random);
    const { hits } = await opened.search({ query, k: 10, ...search });
    const hit = hits.find((found) => found.pageNumber === 2);
    const { scores } = await opened.explain({ query, documentId: page.document.id, pageNumber: 2, source });
    for (const { token, score, region, text } of hit?.matches ?? []) {
      if (region === undefined) continue;
      expect(scores[token]?.[region]).toBe(score);
      expect(text).toBe(`word${region}`);
      expect(Math.max(...(scores[token] ?? []).map((value) => value ?? -1))).toBe(score);
    }
    expect(hit?.matches.map((match) => match.token)).toEqual([0, 1, 2, 3, 4]);
  });

  it.each(["vectors", "codes"] as const)("tells vectors that sit nowhere apart, by %s", async (source) => {
    const query = randomQuery(index.fingerprint, dim, 5, index.random);
    const explained = await opened.explain({ query, documentId: page.document.id, pageNumber: 2, source });
    const expected = cosines(query, source).map((scores) => scores[VECTORS - 1]);
    expect(explained.unplaced).toEqual(expected.map((score) => expect.closeTo(score ?? NaN, 1)));
    const one = await opened.explain({ query, documentId: page.document.id, pageNumber: 1, source });
    expect(one.unplaced).not.toContain(null);
  });

  it.each([
    { source: "vectors", search: { accuracy: "exact" } },
    { source: "codes", search: { exact: 0 } },
  ] as const)("adds up to the score of a search by $source", async ({ source, search }) => {
    const query = randomQuery(index.fingerprint, dim, 40, index.random);
    const { hits } = await opened.search({ query, k: 10, ...search });
    expect(hits.map(({ pageNumber }) => pageNumber).toSorted((a, b) => a - b)).toEqual([1, 2]);
    for (const { documentId, pageNumber, score, lengthPenalty } of hits) {
      const explained = await opened.explain({ query, documentId, pageNumber, source });
      expect(explained.score).toBeCloseTo(score, 4);
      expect(explained.lengthPenalty).toBeCloseTo(lengthPenalty ?? NaN, 4);
      expect(lengthPenalty).toBeCloseTo(0.03 * 40 * Math.log(1 + (pageNumber === 1 ? 12 : VECTORS)), 10);
      const bests = explained.scores.map((scores, token) =>
        Math.max(...[...scores, explained.unplaced[token] ?? null].map((value) => value ?? -1)),
      );
      const cosineSum = bests.reduce((sum, best) => sum + best, 0);
      expect(explained.score).toBeCloseTo(cosineSum - explained.lengthPenalty, 2);
    }
  });

  it("leaves augmentation tokens out of the matches", async () => {
    const query = randomQuery(index.fingerprint, dim, 3, index.random);
    query.tokens[1] = { text: "[MASK]", start: 0, end: 0 };
    const { hits } = await opened.search({ query, k: 1 });
    expect(hits[0]?.matches.map((match) => match.token)).toEqual([0, 2]);
  });

  it("has nothing to say about a page without vectors", async () => {
    const query = randomQuery(index.fingerprint, dim, 2, index.random);
    const explanation = await opened.explain({ query, documentId: page.document.id, pageNumber: 3 });
    expect(explanation).toMatchObject({ boxes: [], words: [], scores: [[], []] });
    expect(explanation).toMatchObject({ unplaced: [null, null], score: null, lengthPenalty: 0 });
  });

  it("finds every page of a document that lies in several segments", async () => {
    await addSegment(index, [{ name: "large.pdf", pages: [3, 4] }]);
    await addSegment(index, [{ name: "large.pdf", pages: [5], firstPage: 3 }]);
    await opened.refresh();
    const written = index.pages.filter(({ document }) => document.name === "large.pdf");
    const query = randomQuery(index.fingerprint, dim, 2, index.random);
    for (const { document, pageNumber, text } of written) {
      const { words } = await opened.explain({ query, documentId: document.id, pageNumber });
      expect(words).toEqual(text.split(" "));
    }
    expect(written.map(({ pageNumber }) => pageNumber)).toEqual([1, 2, 3]);
  });

  it("names the document or page that is not there", async () => {
    const query = randomQuery(index.fingerprint, dim, 2, index.random);
    await expect(opened.explain({ query, documentId: "nope", pageNumber: 1 })).rejects.toMatchObject({
      code: "document_not_found",
      message: 'the index has no document "nope"',
    });
    await expect(opened.explain({ query, documentId: page.document.id, pageNumber: 4 })).rejects.toMatchObject({
      code: "page_not_found",
      message: '"a.pdf" has 3 pages; it has no page 4',
    });
  });
});
