import { beforeAll, describe, expect, it } from "vitest";
import { searchResponseSchema } from "../../shared/api/search.ts";
import { MAX_K, MAX_NPROBE, MAX_QUERY_CHARS, MAX_SEARCH_BODY_BYTES } from "../../shared/limits.ts";
import { documentIdOf } from "../../shared/names.ts";
import { testRecipe } from "../../shared/recipe/testing.ts";
import { readProblem, startApp, type TestApp } from "../testing/harness.ts";
import { type WordDocument, writeWordIndex } from "../testing/word-index.ts";

const PATH = "/v1/indexes/reports/search";
const documents: WordDocument[] = [
  {
    name: "north.pdf",
    revision: "00000000000000aa",
    pages: ["revenue by region north", "cash flow of staff", ""],
    metadata: { year: "2024", kind: "report" },
  },
  {
    name: "south.pdf",
    revision: "00000000000000bb",
    pages: ["revenue south", "water energy cost"],
    metadata: { year: "2025" },
  },
];

let app: TestApp;

beforeAll(async () => {
  app = startApp();
  await writeWordIndex(app.services.store, "reports", documents);
  await writeWordIndex(app.services.store, "read", [
    { name: "read.pdf", revision: "00000000000000dd", pages: ["revenue revenue"], textSource: "ocr" },
    { name: "typed.pdf", revision: "00000000000000ee", pages: ["cash flow"] },
  ]);
  await writeWordIndex(app.services.store, "scans", [{ name: "scan.pdf", revision: "00000000000000cc", pages: [""] }]);
});

async function search(body: unknown, path = PATH) {
  const response = await app.post(path, body);
  expect(response.status).toBe(200);
  return searchResponseSchema.parse(await response.json());
}

describe("POST /v1/indexes/{index}/search", () => {
  it("ranks pages by how many query words stand on them", async () => {
    const answer = await search({ query: "revenue by region", mode: "late" });
    expect(answer.hits.map(({ document, page }) => [document.name, page])).toEqual([
      ["north.pdf", 1],
      ["south.pdf", 1],
      ...answer.hits.slice(2).map(({ document, page }) => [document.name, page]),
    ]);
    expect(answer.hits[0]?.score).toBeCloseTo(3, 1);
    expect(answer.hits[1]?.score).toBeCloseTo(1, 1);
    expect(answer).toMatchObject({
      index: "reports",
      recipe: "test-words",
      query: "revenue by region",
      manifestVersion: 1,
    });
  });

  it("says where each token matched", async () => {
    const { hits, tokens } = await search({ query: "region revenue", k: 1 });
    expect(tokens.map(({ text }) => text)).toEqual(["region", "revenue"]);
    const matches = hits[0]?.matches ?? [];
    expect(matches.map(({ token, text }) => [token, text])).toEqual([
      [0, "region"],
      [1, "revenue"],
    ]);
    const [left, , right] = matches[0]?.box ?? [];
    expect([left, right]).toEqual([expect.closeTo(0.5, 3), expect.closeTo(0.75, 3)]);
  });

  it("says which words were read by OCR", async () => {
    const { hits } = await search({ query: "revenue" }, "/v1/indexes/read/search");
    expect(hits.map(({ document, textSource }) => [document.name, textSource])).toEqual([
      ["read.pdf", "ocr"],
      ["typed.pdf", undefined],
    ]);
  });

  it("links pictures that are there", async () => {
    const { hits } = await search({ query: "revenue", k: 1 });
    for (const url of [hits[0]?.imageUrl, hits[0]?.thumbnailUrl]) {
      expect((await app.fetch(url ?? "")).headers.get("content-type")).toBe("image/webp");
    }
  });

  it("reports what the answer cost", async () => {
    const { performance, pagesMatched } = await search({ query: "cash flow" });
    expect(pagesMatched).toBe(4);
    expect(performance).toMatchObject({ path: "resident", pagesSearched: 4 });
    expect(performance.totalMs).toBeGreaterThanOrEqual(performance.searchMs);
  });

  it("encodes a question once, however it is spaced", async () => {
    const first = await search({ query: "paper  leaf" });
    const again = await search({ query: " paper leaf\n" });
    expect([first.performance.encodeCached, again.performance.encodeCached]).toEqual([false, true]);
    expect(again.query).toBe("paper leaf");
    expect(app.asked.filter((query) => query.includes("leaf"))).toEqual(["paper leaf"]);
  });

  it("keeps to the filter", async () => {
    const south = await documentIdOf("south.pdf");
    const byDocument = await search({ query: "revenue", filter: { documents: [south] } });
    expect(new Set(byDocument.hits.map(({ document }) => document.name))).toEqual(new Set(["south.pdf"]));
    const byField = await search({ query: "revenue", filter: { metadata: { year: ["2024"] } } });
    expect(new Set(byField.hits.map(({ document }) => document.name))).toEqual(new Set(["north.pdf"]));
    const byNothing = await search({ query: "revenue", filter: { metadata: { year: "1999" } } });
    expect(byNothing).toMatchObject({ hits: [], pagesMatched: 0 });
  });

  it("finds nothing in an index without searchable pages", async () => {
    expect(await search({ query: "revenue" }, "/v1/indexes/scans/search")).toMatchObject({ hits: [], pagesMatched: 0 });
  });
});

describe("bad search requests", () => {
  it.each([
    ["an empty query", { query: "" }, "empty_query", '""'],
    ["a blank query", { query: " \n\t " }, "empty_query", "\\n"],
    ["a 10,000-word query", { query: "word ".repeat(10_000) }, "query_too_long", String(MAX_QUERY_CHARS)],
    ["no query", {}, "invalid_request", '"query" is missing'],
    ["a query that is a number", { query: 7 }, "invalid_request", '"query" is 7'],
    ["k of 0", { query: "x", k: 0 }, "invalid_request", '"k" is 0'],
    ["k of 10⁹", { query: "x", k: 1_000_000_000 }, "invalid_request", '"k" is 1000000000'],
    ["k just past its limit", { query: "x", k: MAX_K + 1 }, "invalid_request", `"k" is ${MAX_K + 1}`],
    ["k of 1.5", { query: "x", k: 1.5 }, "invalid_request", '"k" is 1.5'],
    ["k as a text", { query: "x", k: "10" }, "invalid_request", '"k" is "10"'],
    ["an unknown field", { query: "x", limit: 3 }, "invalid_request", '"limit" is no field'],
    ["a negative number of candidates", { query: "x", candidates: -1 }, "invalid_request", '"candidates" is -1'],
    ["an unknown path", { query: "x", path: "fast" }, "invalid_request", '"path" is "fast"'],
    ["an accuracy that is not offered", { query: "x", accuracy: 0.9 }, "invalid_request", '"accuracy" is 0.9'],
    ["an accuracy in words", { query: "x", accuracy: "most" }, "invalid_request", '"accuracy" is "most"'],
    ["no centroids", { query: "x", nprobe: 0 }, "invalid_request", '"nprobe" is 0'],
    ["too many centroids", { query: "x", nprobe: MAX_NPROBE + 1 }, "invalid_request", `"nprobe" is ${MAX_NPROBE + 1}`],
    [
      "an empty list of documents",
      { query: "x", filter: { documents: [] } },
      "invalid_request",
      '"filter.documents" is []',
    ],
    ["an unknown part of a filter", { query: "x", filter: { tags: {} } }, "invalid_request", '"tags" is no field'],
    ["a list instead of an object", [], "invalid_request", "the body is []"],
    ["null", null, "invalid_request", "the body is null"],
    [
      "a filter naming no document of the index",
      { query: "x", filter: { documents: ["ffffffffffffffffffff"] } },
      "invalid_filter",
      "ffffffffffffffffffff",
    ],
    [
      "a filter naming no field of the index",
      { query: "x", filter: { metadata: { colour: "red" } } },
      "invalid_filter",
      "colour",
    ],
  ])("refuse %s", async (_, body, code, named) => {
    const response = await app.post(PATH, body);
    expect(response.status).toBe(400);
    const problem = await readProblem(response);
    expect(problem.code).toBe(code);
    expect(problem.detail).toContain(named);
  });

  it("names several faults at once", async () => {
    const problem = await readProblem(await app.post(PATH, { query: 1, k: 0 }));
    expect(problem["errors"]).toMatchObject([{ field: "query" }, { field: "k" }]);
  });

  it.each([
    ["not JSON", "{query: revenue}", "invalid_json", "{query: revenue}"],
    ["cut off", '{"query": "rev', "invalid_json", "rev"],
    ["empty", "", "invalid_json", "empty"],
  ])("refuse a body that is %s", async (_, body, code, named) => {
    const response = await app.fetch(PATH, { method: "POST", body, headers: { "content-type": "application/json" } });
    expect(response.status).toBe(400);
    const problem = await readProblem(response);
    expect(problem.code).toBe(code);
    expect(problem.detail).toContain(named);
  });

  it.each([["text/plain"], ["application/x-www-form-urlencoded"], ["application/jsonp"], [undefined]])(
    "refuse content type %s",
    async (contentType) => {
      const response = await app.fetch(PATH, {
        method: "POST",
        body: new TextEncoder().encode('{"query":"x"}'),
        headers: contentType === undefined ? {} : { "content-type": contentType },
      });
      expect(response.status).toBe(415);
      expect((await readProblem(response)).code).toBe("unsupported_media_type");
    },
  );

  it("takes a content type with a charset", async () => {
    const headers = { "content-type": "application/json; charset=utf-8" };
    expect((await app.fetch(PATH, { method: "POST", body: '{"query":"revenue"}', headers })).status).toBe(200);
  });

  it("refuse an oversized body, announced or not", async () => {
    const body = JSON.stringify({ query: "x".repeat(MAX_SEARCH_BODY_BYTES) });
    const headers = { "content-type": "application/json" };
    const announced = await app.fetch(PATH, {
      method: "POST",
      body,
      headers: { ...headers, "content-length": String(body.length) },
    });
    const chunked = await app.fetch(PATH, { method: "POST", body: new Blob([body]).stream(), headers });
    for (const response of [announced, chunked]) {
      expect(response.status).toBe(413);
      expect(await readProblem(response)).toMatchObject({
        code: "body_too_large",
        detail: expect.stringContaining(String(MAX_SEARCH_BODY_BYTES)),
      });
    }
  });

  it("refuse an unknown index by name", async () => {
    const response = await app.post("/v1/indexes/nothing-here/search", { query: "x" });
    expect(response.status).toBe(404);
    expect(await readProblem(response)).toMatchObject({
      code: "index_not_found",
      detail: expect.stringContaining("nothing-here"),
    });
  });

  it.each([
    ["..%2f"],
    ["..%2F..%2Fetc%2Fpasswd"],
    ["%2e%2e%2f"],
    ["a%00b"],
    ["%00"],
    ["Upper"],
    ["with%20space"],
    ["%F0%9F%8D%81"],
    ["%zz"],
    ["-first"],
  ])("refuse index name %s", async (name) => {
    const response = await app.post(`/v1/indexes/${name}/search`, { query: "x" });
    expect(response.status).toBe(400);
    expect((await readProblem(response)).code).toBe("invalid_name");
  });

  it.each([64, 2048])("refuse an index name of %i characters without repeating all of it", async (length) => {
    const name = "n".repeat(length);
    const response = await app.post(`/v1/indexes/${name}/search`, { query: "x" });
    expect(response.status).toBe(400);
    const problem = await readProblem(response);
    expect(problem.code).toBe("invalid_name");
    expect(problem.detail.length).toBeLessThan(300);
  });

  it.each([["/v1/indexes/../search"], ["/v1/indexes/%2e%2e/search"], ["/v1/indexes//search"]])(
    "find nothing at %s",
    async (path) => {
      const response = await app.post(path, { query: "x" });
      expect(response.status).toBe(404);
      expect((await readProblem(response)).code).toBe("not_found");
    },
  );
});

describe("a search whose encoder fails", () => {
  it.each([
    ["is down", () => Promise.reject(new TypeError("connection refused")), "encoder_unavailable", 503],
    ["hangs", () => new Promise<Response>(() => undefined), "encoder_timeout", 503],
    ["answers garbage", async () => new Response("<html>"), "encoder_unavailable", 503],
    ["refuses the secret", async () => new Response("{}", { status: 401 }), "encoder_unavailable", 503],
  ])("ends when it %s", async (_, reply, code, status) => {
    const failing = startApp({ encoder: { fetch: reply, timeoutMs: 100 } });
    const response = await failing.post(PATH, { query: `asked of an encoder: ${code}` });
    expect(response.status).toBe(status);
    expect(Number(response.headers.get("retry-after"))).toBeGreaterThan(0);
    const text = await response.clone().text();
    expect(text).not.toContain("test-secret");
    expect((await readProblem(response)).code).toBe(code);
  });

  it("says which recipe the encoder has when it is another", async () => {
    const other = {
      recipe: "other",
      recipeFingerprint: "0f0f0f0f0f0f0f0f",
      loadedRecipe: testRecipe({ name: "other", dim: 4 }),
      dim: 4,
      tokens: [{ text: "x", start: 0, end: 1 }],
    };
    const answer = { ...other, vectors: btoa("\0".repeat(16)) };
    const failing = startApp({ encoder: { fetch: async () => Response.json(answer) } });
    const response = await failing.post(PATH, { query: "asked of another recipe" });
    expect(response.status).toBe(409);
    expect(await readProblem(response)).toMatchObject({
      code: "recipe_mismatch",
      detail: expect.stringMatching(/0f0f0f0f0f0f0f0f.*dim: 64 ≠ 4/u),
      differences: expect.arrayContaining(["dim: 64 ≠ 4"]),
    });
  });
});
