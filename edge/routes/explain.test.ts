import { beforeAll, describe, expect, it } from "vitest";
import { explainResponseSchema, searchResponseSchema } from "../../shared/api/search.ts";
import { documentIdOf } from "../../shared/names.ts";
import { readProblem, startApp, type TestApp } from "../testing/harness.ts";
import { writeWordIndex } from "../testing/word-index.ts";

const PATH = "/v1/indexes/explained/explain";

let app: TestApp;
let document = "";

beforeAll(async () => {
  app = startApp();
  document = await documentIdOf("north.pdf");
  await writeWordIndex(app.services.store, "explained", [
    { name: "north.pdf", revision: "00000000000000aa", pages: ["revenue by region", ""] },
  ]);
});

describe("POST /v1/indexes/{index}/explain", () => {
  it("scores every query token in every box of the page", async () => {
    const response = await app.post(PATH, { query: "region staff", document, page: 1 });
    expect(response.status).toBe(200);
    const answer = explainResponseSchema.parse(await response.json());
    expect(answer).toMatchObject({ document, page: 1, kind: "words", words: ["revenue", "by", "region"] });
    expect(answer.scores).toEqual([
      [expect.closeTo(0, 1), expect.closeTo(0, 1), expect.closeTo(1, 1)],
      [expect.closeTo(0, 1), expect.closeTo(0, 1), expect.closeTo(0, 1)],
    ]);
    expect(answer.boxes).toHaveLength(3);
    // One of the two words is on the page, every vector in a box, and the recipe has no length prior.
    expect(answer).toMatchObject({ unplaced: [null, null], score: expect.closeTo(1, 1), lengthPenalty: 0 });
  });

  it("shows by words where they stand, and asks no encoder", async () => {
    const before = app.asked.length;
    const query = "Revenue, region staff";
    const response = await app.post(PATH, { query, document, page: 1, mode: "lexical" });
    const answer = explainResponseSchema.parse(await response.json());
    expect(app.asked).toHaveLength(before);
    expect(answer.tokens.map(({ text }) => text)).toEqual(["Revenue,", "region", "staff"]);
    const [[revenue] = [], [, , region] = []] = answer.scores;
    expect(revenue).toBeGreaterThan(0);
    expect(answer.scores).toEqual([
      [revenue, null, null],
      [null, null, region],
      [null, null, null],
    ]);
    const body = { query, mode: "lexical" };
    const found = searchResponseSchema.parse(await (await app.post("/v1/indexes/explained/search", body)).json());
    expect(answer.score).toBeCloseTo(found.hits[0]?.score ?? 0, 3);
    const unknown = { query, document, page: 2, mode: "lexical" };
    expect(await (await app.post(PATH, unknown)).json()).toMatchObject({ boxes: [], scores: [[], [], []], score: 0 });
  });

  it("has nothing to show on a page without words", async () => {
    const response = await app.post(PATH, { query: "region", document, page: 2 });
    expect(response.status).toBe(200);
    expect(explainResponseSchema.parse(await response.json())).toMatchObject({ boxes: [], scores: [[]] });
  });

  it.each([
    [{ query: "x", page: 1, document: "ffffffffffffffffffff" }, 404, "document_not_found"],
    [{ query: "x", page: 99 }, 404, "page_not_found"],
    [{ query: "x", page: 0 }, 400, "invalid_request"],
    [{ query: "x", page: 1, document: "../north.pdf" }, 400, "invalid_name"],
    [{ query: " ", page: 1 }, 400, "empty_query"],
    [{ query: "x" }, 400, "invalid_request"],
    [{ query: "x", page: 1, mode: "dense" }, 400, "invalid_request"],
  ])("refuses %j with %i %s", async (body, status, code) => {
    const response = await app.post(PATH, { document, ...body });
    expect(response.status).toBe(status);
    expect((await readProblem(response)).code).toBe(code);
  });
});
