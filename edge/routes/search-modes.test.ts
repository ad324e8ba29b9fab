import { beforeAll, describe, expect, it } from "vitest";
import { indexSchema, searchResponseSchema } from "../../shared/api/search.ts";
import { coverSegments, addSegment, createRandomIndex } from "../../shared/engine/testing/random-index.ts";
import { seededRandom } from "../../shared/seeded-random.ts";
import { readProblem, startApp, type TestApp } from "../testing/harness.ts";
import { randomEncoder } from "../testing/random-encoder.ts";
import { type WordDocument, writeWordIndex } from "../testing/word-index.ts";

const PATH = "/v1/indexes/reports/search";
/** "zebra" and "quagga" have no axis: to the test's vectors they are one word, to BM25 they are two. */
const documents: WordDocument[] = [
  {
    name: "north.pdf",
    revision: "00000000000000aa",
    pages: ["revenue by region quagga", "cash flow of staff cash cash", "zebra table"],
    metadata: { year: "2024" },
  },
  { name: "south.pdf", revision: "00000000000000bb", pages: ["revenue south", "water energy cost zebra"] },
];

let app: TestApp;

beforeAll(async () => {
  app = startApp();
  await writeWordIndex(app.services.store, "reports", documents);
});

async function search(body: Record<string, unknown>, path = PATH) {
  const response = await app.post(path, body);
  if (response.status !== 200) throw new Error(await response.text());
  return searchResponseSchema.parse(await response.json());
}

const namesOf = ({ hits }: Awaited<ReturnType<typeof search>>) => hits.map((hit) => `${hit.document.name} ${hit.page}`);

describe("a search by words", () => {
  it("finds the pages that have them, and no others", async () => {
    const answer = await search({ query: "zebra", mode: "lexical" });
    // The shorter page first.
    expect(namesOf(answer)).toEqual(["north.pdf 3", "south.pdf 2"]);
    expect(answer.performance).toMatchObject({ mode: "lexical", candidateSource: "words", terms: 1, termsLeftOut: 0 });
    expect(answer.hits[0]?.snippet).toBe("zebra table");
    expect(answer.tokens).toEqual([{ text: "zebra", start: 0, end: 5 }]);
    const [match, ...more] = answer.hits[0]?.matches ?? [];
    expect(more).toEqual([]);
    expect(match).toMatchObject({ token: 0, text: "zebra", box: [0, 0, 0.5, 1] });
    expect(match?.score).toBeCloseTo(answer.hits[0]?.score ?? 0, 3);
  });

  it("asks no encoder", async () => {
    const before = app.asked.length;
    const { performance } = await search({ query: "a question never asked before", mode: "lexical" });
    expect(app.asked).toHaveLength(before);
    expect(performance).toMatchObject({ encodeMs: 0, encodeCached: false });
  });

  it("has no hits for words that no page has", async () => {
    expect(namesOf(await search({ query: "okapi", mode: "lexical" }))).toEqual([]);
  });

  it("keeps to a filter", async () => {
    const answer = await search({ query: "zebra", mode: "lexical", filter: { metadata: { year: "2024" } } });
    expect(namesOf(answer)).toEqual(["north.pdf 3"]);
    expect(answer.pagesMatched).toBe(3);
  });
});

describe("a hybrid search", () => {
  it("is what a recipe with several vectors a page has by default", async () => {
    const usual = await search({ query: "revenue zebra" });
    expect(usual.performance.mode).toBe("hybrid");
    const asked = await search({ query: "revenue zebra", mode: "hybrid" });
    expect(asked.hits).toEqual(usual.hits);
  });

  it("tells apart by words what vectors cannot", async () => {
    const late = await search({ query: "revenue quagga", mode: "late" });
    const [first, second] = late.hits;
    // The page with "quagga" scores no better by vectors than those with "zebra".
    expect(first?.score).toBeGreaterThan(1.9);
    expect(second?.score).toBeLessThan(1.1);
    const hybrid = await search({ query: "zebra", mode: "hybrid" });
    expect(namesOf(hybrid).slice(0, 2)).toEqual(["north.pdf 3", "south.pdf 2"]);
    expect(hybrid.hits[2]?.scores?.words).toBe(0);
    const { vectors = 0, words = 0 } = hybrid.hits[0]?.scores ?? {};
    expect(vectors).toBeCloseTo(1, 1);
    expect(words).toBeGreaterThan(0);
    expect(hybrid.hits[0]?.score).toBeCloseTo(1);
  });
});

describe("modes", () => {
  it("of an index are listed", async () => {
    const response = await app.fetch("/v1/indexes/reports");
    expect(indexSchema.parse(await response.json()).modes).toEqual(["late", "lexical", "hybrid"]);
  });

  it.each([
    [{ mode: "dense" }, 400, "invalid_request", "which has late vectors"],
    [{ mode: "best" }, 400, "invalid_request", "mode"],
    [{ mode: "dense", path: "sharded" }, 400, "invalid_request", "which has late vectors"],
  ])("refuse %j", async (body, status, code, named) => {
    const problem = await readProblem(await app.post(PATH, { query: "zebra", ...body }));
    expect(problem).toMatchObject({ status, code, detail: expect.stringContaining(named) });
  });

  it("find the same by every path", async () => {
    const index = await createRandomIndex(
      app.services.store,
      "paths",
      { dim: 32, subspaces: 8, centroidCount: 40 },
      seededRandom(3),
    );
    await addSegment(index, [{ name: "a.pdf", pages: [7, 9, 30], metadata: { part: "a" } }]);
    await addSegment(index, [{ name: "b.pdf", pages: [5, 0, 9, 14, 3] }]);
    await coverSegments(index);
    await addSegment(index, [{ name: "c.pdf", pages: [12, 8, 21, 4] }]);
    const paths = startApp({ encoder: randomEncoder(index) });
    const everything = { query: "word3 word8 word20", k: 12, candidates: 100, exact: 100, nprobe: 40 };
    for (const mode of ["lexical", "hybrid"]) {
      const [resident, pruned] = await Promise.all(
        ["resident", "pruned"].map(async (path) => {
          const response = await paths.post("/v1/indexes/paths/search", { ...everything, mode, path });
          const answer = searchResponseSchema.parse(await response.json());
          expect(answer.performance).toMatchObject({ path, mode, terms: 3 });
          return answer.hits;
        }),
      );
      expect(resident?.length).toBeGreaterThan(5);
      expect(pruned).toEqual(resident);
    }
  });
});
