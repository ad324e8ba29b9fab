/**
 * Deletions and updates as a running isolate sees them, through the whole app.
 */
import { beforeEach, describe, expect, it } from "vitest";
import { documentListSchema, searchResponseSchema } from "../../shared/api/search.ts";
import { commitManifest } from "../../shared/format/manifest-store.ts";
import { documentIdOf } from "../../shared/names.ts";
import { readProblem, startApp, type TestApp, type TestAppOptions } from "../testing/harness.ts";
import { type WordDocument, writeWordIndex } from "../testing/word-index.ts";

const document = (name: string, pages: string[]): WordDocument => ({ name, revision: "00000000000000aa", pages });
let number = 0;
let index: string;

beforeEach(() => {
  number += 1;
  index = `consistent-${number}`;
});

async function start(options: TestAppOptions = {}): Promise<TestApp> {
  const app = startApp(options);
  const { store } = app.services;
  await writeWordIndex(store, index, [document("kept.pdf", ["paper leaf"])]);
  await writeWordIndex(store, index, [document("gone.pdf", ["paper tree", "paper"])]);
  return app;
}

/** As `maxleaf delete` commits it: the documents of the last segment are deleted. */
async function deleteLast({ services: { store } }: TestApp): Promise<number> {
  const { version } = await commitManifest(store, index, (current) => {
    if (current === undefined) throw new Error("there is no index");
    const { recipe, recipeFingerprint, codebook, segments } = current;
    const last = segments.length - 1;
    const deleted = segments.map((segment, at) => (at === last ? { ...segment, deletedDocuments: [0] } : segment));
    return { recipe, recipeFingerprint, ...(codebook && { codebook }), segments: deleted };
  });
  return version;
}

async function search(app: TestApp, body: Record<string, unknown> = {}) {
  const response = await app.post(`/v1/indexes/${index}/search`, { query: "paper", ...body });
  expect(response.status).toBe(200);
  return searchResponseSchema.parse(await response.json());
}

const namesOf = ({ hits }: Awaited<ReturnType<typeof search>>) => hits.map((hit) => hit.document.name);

describe("after a deletion", () => {
  it("a search that demands it sees it in a running isolate, and those after it too", async () => {
    const app = await start();
    expect(namesOf(await search(app))).toContain("gone.pdf");
    const version = await deleteLast(app);
    // Looked at a moment ago: by itself it would look again in seconds.
    expect(namesOf(await search(app))).toContain("gone.pdf");
    expect(await search(app, { consistency: "strong" })).toMatchObject({ manifestVersion: version, pagesMatched: 1 });
    expect(namesOf(await search(app))).toEqual(["kept.pdf"]);
  });

  it("an isolate that has not opened the index yet sees it at once", async () => {
    const app = await start();
    await search(app);
    await deleteLast(app);
    expect(namesOf(await search(startApp()))).toEqual(["kept.pdf"]);
  });

  it("so does a search over shards", async () => {
    const app = await start({ sharding: { shardMemoryBytes: 1 } });
    const sharded = { path: "sharded", mode: "late" };
    expect(namesOf(await search(app, sharded))).toContain("gone.pdf");
    const version = await deleteLast(app);
    const answer = await search(app, { ...sharded, consistency: "strong" });
    expect(answer).toMatchObject({ manifestVersion: version });
    expect(namesOf(answer)).toEqual(["kept.pdf"]);
  });

  it("so do the lists of documents and pages", async () => {
    const app = await start();
    await search(app);
    await deleteLast(app);
    const response = await app.fetch(`/v1/indexes/${index}/documents?consistency=strong`);
    const { documents } = documentListSchema.parse(await response.json());
    expect(documents.map(({ name }) => name)).toEqual(["kept.pdf"]);
  });

  it.each(["", "/pages"])("a document that is gone is not found when that is demanded%s", async (rest) => {
    const app = await start();
    const path = `/v1/indexes/${index}/documents/${await documentIdOf("gone.pdf")}${rest}`;
    expect((await app.fetch(path)).status).toBe(200);
    await deleteLast(app);
    expect((await app.fetch(path)).status).toBe(200);
    expect((await app.fetch(`${path}?consistency=strong`)).status).toBe(404);
  });

  it("so does the heat map of a page", async () => {
    const app = await start();
    const body = { query: "paper", document: await documentIdOf("gone.pdf"), page: 1 };
    const explain = async (more: object = {}) => await app.post(`/v1/indexes/${index}/explain`, { ...body, ...more });
    expect((await explain()).status).toBe(200);
    await deleteLast(app);
    expect((await explain()).status).toBe(200);
    const response = await explain({ consistency: "strong" });
    expect((await readProblem(response)).code).toBe("document_not_found");
  });

  it("refuses what is no consistency", async () => {
    const app = await start();
    const response = await app.post(`/v1/indexes/${index}/search`, { query: "paper", consistency: "eventual" });
    expect((await readProblem(response)).code).toBe("invalid_request");
  });
});
