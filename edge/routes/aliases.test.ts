/**
 * Every public route by another name of an index, and the life of an index as readers see it.
 */
import { reset } from "cloudflare:test";
import { beforeEach, describe, expect, it } from "vitest";
import {
  documentListSchema,
  explainResponseSchema,
  indexListSchema,
  indexSchema,
  searchResponseSchema,
} from "../../shared/api/search.ts";
import { encodeAlias } from "../../shared/format/aliases.ts";
import { commitManifest } from "../../shared/format/manifest-store.ts";
import type { Manifest } from "../../shared/format/manifest.ts";
import { documentIdOf } from "../../shared/names.ts";
import { layout } from "../../shared/store/layout.ts";
import { readProblem, startApp, type TestApp } from "../testing/harness.ts";
import { pictureBytes, writeWordIndex } from "../testing/word-index.ts";

const REVISION = "00000000000000aa";

let app: TestApp;
let owl: string;

beforeEach(async () => {
  await reset();
  app = startApp();
  owl = await documentIdOf("owl.pdf");
  await writeWordIndex(app.services.store, "birds-1", [
    { name: "owl.pdf", revision: REVISION, pages: ["paper leaf", "tree"] },
  ]);
  await lead("birds", "birds-1");
});

async function lead(name: string, index: string): Promise<void> {
  await app.services.store.put(layout.alias(name), encodeAlias({ index, changedAtMs: Date.UTC(2026, 10, 25) }));
}

/** Commits an index like `manifest` without segments: new, or dropped. */
async function commitEmpty({ recipe, recipeFingerprint }: Manifest, index: string, more: Partial<Manifest>) {
  return await commitManifest(app.services.store, index, () => ({ recipe, recipeFingerprint, segments: [], ...more }));
}

async function json(path: string, body?: unknown) {
  const response = await (body === undefined ? app.fetch(path) : app.post(path, body));
  if (response.status !== 200) throw new Error(await response.text());
  return await response.json();
}

describe("an alias", () => {
  it("is searched, and the answer names the index itself", async () => {
    const answer = searchResponseSchema.parse(await json("/v1/indexes/birds/search", { query: "paper" }));
    expect(answer).toMatchObject({ index: "birds-1", manifestVersion: 1 });
    const [hit] = answer.hits;
    expect(hit?.imageUrl).toBe(`/v1/indexes/birds-1/documents/${owl}/pages/1/image?v=${REVISION}`);
  });

  it("is explained and listed", async () => {
    const body = { query: "paper", document: owl, page: 1 };
    const direct = await json("/v1/indexes/birds-1/explain", body);
    expect(explainResponseSchema.parse(await json("/v1/indexes/birds/explain", body))).toEqual(direct);
    const { documents } = documentListSchema.parse(await json("/v1/indexes/birds/documents"));
    expect(documents.map(({ name }) => name)).toEqual(["owl.pdf"]);
    expect(await json(`/v1/indexes/birds/documents/${owl}`)).toMatchObject({ name: "owl.pdf" });
  });

  it("shows pictures, with a revision and without, in a cold isolate and a warm one", async () => {
    for (const path of [`pages/2/image?v=${REVISION}`, "pages/2/image", "pages/1/thumbnail"]) {
      app = startApp();
      for (let asks = 0; asks < 2; asks++) {
        const response = await app.fetch(`/v1/indexes/birds/documents/${owl}/${path}`);
        expect(response.status).toBe(200);
        const [, page, kind] = /pages\/(\d)\/(image|thumbnail)/.exec(path) ?? [];
        const expected = pictureBytes("owl.pdf", Number(page), kind === "image" ? "image" : "thumbnail");
        expect(new Uint8Array(await response.arrayBuffer())).toEqual(expected);
      }
    }
    const missing = await app.fetch(`/v1/indexes/birds/documents/${owl}/pages/9/image?v=${REVISION}`);
    expect(await readProblem(missing)).toMatchObject({ code: "page_not_found" });
  });

  it("is among the aliases of the list when it leads somewhere, and not an index of its own", async () => {
    await lead("lost", "birds-0");
    await lead("birds-1", "birds-0");
    expect(indexListSchema.parse(await json("/v1/indexes"))).toMatchObject({
      indexes: [{ name: "birds-1" }],
      aliases: [{ name: "birds", index: "birds-1", changedAt: "2026-11-25T00:00:00.000Z" }],
    });
    expect(indexSchema.parse(await json("/v1/indexes/birds"))).toMatchObject({ name: "birds-1", documents: 1 });
    for (const path of ["/v1/indexes/lost", "/v1/indexes/lost/documents"]) {
      const problem = await readProblem(await app.fetch(path));
      expect(problem).toMatchObject({ code: "index_not_found", detail: expect.stringContaining('"lost"') });
    }
  });
});

describe("an index without documents", () => {
  it("answers searches with nothing", async () => {
    const manifest = await writeWordIndex(app.services.store, "other", []);
    await commitEmpty(manifest, "empty", { settings: { filterableFields: ["year"] } });
    for (const mode of [undefined, "late"]) {
      const body = { query: "paper", mode, filter: { metadata: { year: "2026" } } };
      const answer = searchResponseSchema.parse(await json("/v1/indexes/empty/search", body));
      expect(answer).toMatchObject({ index: "empty", hits: [], pagesMatched: 0 });
    }
    const response = await app.post("/v1/indexes/empty/search", {
      query: "paper",
      filter: { metadata: { author: "me" } },
    });
    expect(await readProblem(response)).toMatchObject({
      code: "invalid_filter",
      detail: expect.stringContaining('it filters by "year"'),
      filterableFields: ["year"],
    });
    expect(await json("/v1/indexes/empty")).toMatchObject({ documents: 0, pages: 0, vectors: 0 });
    expect(await json("/v1/indexes/empty/documents")).toEqual({ documents: [] });
  });
});

describe("a dropped index", () => {
  it("is not there, by its name and by an alias, and not in the list", async () => {
    const manifest = await writeWordIndex(app.services.store, "other", []);
    await commitEmpty(manifest, "birds-1", { droppedAtMs: 1 });
    app = startApp();
    for (const name of ["birds", "birds-1"]) {
      const search = await app.post(`/v1/indexes/${name}/search`, { query: "paper" });
      expect(search.status).toBe(404);
      expect(await readProblem(search)).toMatchObject({ code: "index_not_found" });
      expect((await app.fetch(`/v1/indexes/${name}`)).status).toBe(404);
    }
    expect(await json("/v1/indexes")).toMatchObject({ indexes: [{ name: "other" }], aliases: [] });
  });
});
