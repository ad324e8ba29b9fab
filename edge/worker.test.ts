/**
 * The worker as it is deployed: every request through its own `fetch`, so with a request context of its own, in one
 * isolate. Nothing listens where it looks for the encoder.
 *
 * @module
 */
import { env, exports } from "cloudflare:workers";
import { beforeAll, describe, expect, it } from "vitest";
import { documentListSchema } from "../shared/api/search.ts";
import { R2Store } from "./storage/r2-store.ts";
import { readProblem } from "./testing/harness.ts";
import { writeWordIndex } from "./testing/word-index.ts";

const ORIGIN = "https://maxleaf.example";
const store = new R2Store(env.BUCKET);

function get(path: string, init?: RequestInit): Promise<Response> {
  return exports.default.fetch(new Request(`${ORIGIN}${path}`, init));
}

async function write(index: string, count: number): Promise<void> {
  const documents = Array.from({ length: count }, (_, number) => ({
    name: `${number}.pdf`,
    revision: "00000000000000aa",
    pages: ["paper leaf tree"],
  }));
  await writeWordIndex(store, index, documents);
}

beforeAll(async () => {
  for (const index of ["cold-1", "cold-2"]) await write(index, 20);
});

describe("requests in one isolate", () => {
  it("open a cold index together without waiting on each other's reads", async () => {
    const responses = await Promise.all(
      Array.from({ length: 24 }, (_, number) => get(`/v1/indexes/cold-${1 + (number % 2)}/documents`)),
    );
    const lists = await Promise.all(responses.map(async (response) => documentListSchema.parse(await response.json())));
    expect(lists.map(({ documents }) => documents.length)).toEqual(Array(24).fill(20));
  });

  it("hear together that an index does not exist", async () => {
    const responses = await Promise.all(Array.from({ length: 8 }, () => get("/v1/indexes/nowhere/documents")));
    for (const response of responses) expect((await readProblem(response)).code).toBe("index_not_found");
  });

  it("are told when there is no encoder", async () => {
    const response = await get("/v1/indexes/cold-1/search", {
      method: "POST",
      body: JSON.stringify({ query: "paper" }),
      headers: { "content-type": "application/json" },
    });
    expect(response.status).toBe(503);
    expect((await readProblem(response)).code).toBe("encoder_unavailable");
  });
});
