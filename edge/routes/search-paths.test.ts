/**
 * The same index by every path.
 */
import { beforeAll, describe, expect, it } from "vitest";
import { documentListSchema, explainResponseSchema, searchResponseSchema } from "../../shared/api/search.ts";
import {
  addSegment,
  coverSegments,
  createRandomIndex,
  deleteDocument,
  type RandomIndex,
} from "../../shared/engine/testing/random-index.ts";
import { documentIdOf } from "../../shared/names.ts";
import { seededRandom } from "../../shared/seeded-random.ts";
import { readProblem, startApp, type TestApp } from "../testing/harness.ts";
import { randomEncoder } from "../testing/random-encoder.ts";

const CENTROIDS = 40;
const PATHS = ["resident", "pruned", "sharded"] as const;

let index: RandomIndex;
let app: TestApp;

beforeAll(async () => {
  const { store } = startApp().services;
  const shape = { dim: 32, subspaces: 8, centroidCount: CENTROIDS };
  index = await createRandomIndex(store, "paths", shape, seededRandom(3));
  await addSegment(index, [{ name: "bare.pdf", pages: [7, 9] }]);
  for (const part of ["a", "b", "c"]) {
    await addSegment(index, [
      { name: `${part}-1.pdf`, pages: [5, 0, 9, 14, 3], metadata: { part } },
      { name: `${part}-2.pdf`, pages: [12, 8, 21, 4] },
    ]);
    // The last segment is not covered.
    if (part === "b") await coverSegments(index);
  }
  await deleteDocument(index, await documentIdOf("b-2.pdf"));
  app = startApp({ encoder: randomEncoder(index), sharding: { shardMemoryBytes: 1 } });
});

async function search(body: Record<string, unknown>) {
  const response = await app.post("/v1/indexes/paths/search", { query: "some words to find", mode: "late", ...body });
  if (response.status !== 200) throw new Error(await response.text());
  return searchResponseSchema.parse(await response.json());
}

describe("a search by every path", () => {
  it.each(PATHS)("names the path %s, and finds what every other does when it looks at all", async (path) => {
    const everything = { k: 12, candidates: 100, exact: 100, nprobe: CENTROIDS };
    const { hits: best } = await search({ k: 12, accuracy: "exact" });
    const { hits, performance, pagesMatched } = await search({ ...everything, path });
    expect(performance.path).toBe(path);
    expect(pagesMatched).toBe(22);
    expect(hits.map(({ document, page }) => [document.name, page])).toEqual(
      best.map(({ document, page }) => [document.name, page]),
    );
  });

  it.each(PATHS)("keeps to a filter by path %s", async (path) => {
    const filter = { metadata: { part: ["a", "c"] } };
    const { hits, pagesMatched } = await search({ k: 100, filter, path, nprobe: CENTROIDS });
    expect(pagesMatched).toBe(8);
    expect(new Set(hits.map(({ document }) => document.name))).toEqual(new Set(["a-1.pdf", "c-1.pdf"]));
  });

  it("says how many centroids and cells of lists it looked at", async () => {
    for (const path of ["pruned", "resident"]) {
      const { performance } = await search({ path, candidates: 5, nprobe: 4 });
      expect(performance).toMatchObject({ path, candidateSource: "lists", nprobe: 4 });
      expect(performance.cellsRead).toBeGreaterThan(0);
    }
  });

  it("refuses a path that is not there", async () => {
    const { store } = app.services;
    const bare = await createRandomIndex(store, "bare", { dim: 32, subspaces: 8, centroidCount: 8 }, seededRandom(4));
    await addSegment(bare, [{ name: "a.pdf", pages: [3] }]);
    const other = startApp({ encoder: randomEncoder(bare) });
    const problem = await readProblem(await other.post("/v1/indexes/bare/search", { query: "x", path: "pruned" }));
    expect(problem).toMatchObject({ status: 409, code: "path_unavailable" });
  });
});

describe("an index of which not all is open", () => {
  it("lists its documents, finds each, and explains their pages", async () => {
    // The first request opens it by the lists.
    const fresh = startApp({ encoder: randomEncoder(index) });
    await fresh.post("/v1/indexes/paths/search", { query: "words", path: "pruned" });
    const response = await fresh.fetch("/v1/indexes/paths/documents");
    const { documents } = documentListSchema.parse(await response.json());
    expect(documents.map(({ name, searchablePages }) => `${name} ${searchablePages}`)).toEqual([
      "a-1.pdf 4",
      "a-2.pdf 4",
      "b-1.pdf 4",
      "bare.pdf 2",
      "c-1.pdf 4",
      "c-2.pdf 4",
    ]);
    const explained = await fresh.post("/v1/indexes/paths/explain", {
      query: "words",
      document: await documentIdOf("a-1.pdf"),
      page: 3,
    });
    expect(explainResponseSchema.parse(await explained.json()).boxes).toHaveLength(9);
  });
});
