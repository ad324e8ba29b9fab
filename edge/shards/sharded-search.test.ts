/**
 * The sharded path through the whole app, with real Durable Objects over the test's bucket.
 */
import { evictAllDurableObjects } from "cloudflare:test";
import { beforeAll, describe, expect, it } from "vitest";
import { searchResponseSchema } from "../../shared/api/search.ts";
import {
  addSegment,
  changeMetadata,
  createRandomIndex,
  deleteDocument,
  type RandomIndex,
} from "../../shared/engine/testing/random-index.ts";
import { commitManifest, readManifest } from "../../shared/format/manifest-store.ts";
import { documentIdOf } from "../../shared/names.ts";
import { seededRandom } from "../../shared/seeded-random.ts";
import { layout } from "../../shared/store/layout.ts";
import { readProblem, startApp, type TestApp, type TestAppOptions } from "../testing/harness.ts";
import { randomEncoder } from "../testing/random-encoder.ts";
import { type WordDocument, writeWordIndex } from "../testing/word-index.ts";
import type { ShardCaller, ShardRequest } from "./protocol.ts";

/** So little that every segment is a shard of its own. */
const ONE_SEGMENT_A_SHARD = { shardMemoryBytes: 1 };

const document = (name: string, pages: string[], metadata: Record<string, string> = {}): WordDocument => ({
  name,
  revision: "00000000000000aa",
  pages,
  metadata,
});

function startSharded(options: TestAppOptions = {}): TestApp {
  return startApp({ ...options, sharding: { ...ONE_SEGMENT_A_SHARD, ...options.sharding } });
}

/** By vectors, as shards search. */
async function search(app: TestApp, index: string, body: Record<string, unknown>) {
  const response = await app.post(`/v1/indexes/${index}/search`, { path: "sharded", mode: "late", ...body });
  if (response.status !== 200) throw new Error(await response.text());
  return searchResponseSchema.parse(await response.json());
}

async function refusal(app: TestApp, index: string, body: Record<string, unknown>) {
  const response = await app.post(`/v1/indexes/${index}/search`, { path: "sharded", ...body });
  return await readProblem(response);
}

const namesOf = ({ hits }: Awaited<ReturnType<typeof search>>) => hits.map((hit) => `${hit.document.name} ${hit.page}`);

describe("a search over shards", () => {
  const SEGMENTS = 4;
  let index: RandomIndex;
  let apps: { single: TestApp; sharded: TestApp };

  beforeAll(async () => {
    const store = startApp().services.store;
    const shape = { dim: 32, subspaces: 8, centroidCount: 40, lengthPrior: 0.03 };
    index = await createRandomIndex(store, "random", shape, seededRandom(7));
    for (let segment = 0; segment < SEGMENTS; segment++) {
      // Twins in later segments have the scores of pages in earlier ones: only their places tell them apart.
      index.twins = segment > 1;
      await addSegment(index, [
        { name: `${segment}-a.pdf`, pages: [5, 0, 9, 14, 3, 7, 7, 8, 21], metadata: { part: String(segment) } },
        { name: `${segment}-b.pdf`, pages: [6, 11, 13, 17, 2], metadata: { kind: "b" } },
      ]);
    }
    await deleteDocument(index, await documentIdOf("1-b.pdf"));

    const encoder = randomEncoder(index);
    apps = { single: startApp({ encoder }), sharded: startSharded({ encoder }) };
  });

  it.each(["one", "some words of a question", Array.from({ length: 40 }, (_, i) => `word${i}`).join(" ")])(
    "gives the hits of one isolate when both look at every page: %s",
    async (query) => {
      const body = { query, k: 100, accuracy: "exact" };
      const single = await search(apps.single, "random", { ...body, path: "resident" });
      const sharded = await search(apps.sharded, "random", body);
      expect(single.hits.length).toBeGreaterThan(40);
      for (const { lengthPenalty } of single.hits) expect(lengthPenalty).toBeGreaterThan(0);
      expect(sharded.hits).toEqual(single.hits);
      expect(sharded.pagesMatched).toBe(single.pagesMatched);
      expect(sharded.partial).toBeUndefined();
      expect(sharded.performance).toMatchObject({ path: "sharded", shards: SEGMENTS });
      expect(sharded.performance.exactPages).toBe(single.performance.exactPages);
    },
  );

  it("gives no worse hits than one isolate with the usual settings", async () => {
    for (const query of ["first question", "second question asked", "third"]) {
      const single = await search(apps.single, "random", { query, path: "resident" });
      const sharded = await search(apps.sharded, "random", { query });
      expect(sharded.hits).toHaveLength(10);
      for (const [rank, hit] of sharded.hits.entries()) {
        expect(hit.score).toBeGreaterThanOrEqual((single.hits[rank]?.score ?? 0) - 1e-6);
      }
    }
  });

  it("keeps to filters that no shard knows all of", async () => {
    const documents = await Promise.all(["0-a.pdf", "3-b.pdf"].map(documentIdOf));
    const filters = [{ documents }, { metadata: { part: ["0", "2"] } }, { documents, metadata: { kind: "b" } }];
    for (const filter of filters) {
      const body = { query: "some words", k: 100, filter };
      const single = await search(apps.single, "random", { ...body, path: "resident" });
      const sharded = await search(apps.sharded, "random", body);
      expect(single.hits.length).toBeGreaterThan(0);
      expect(namesOf(sharded)).toEqual(namesOf(single));
      expect(sharded.pagesMatched).toBe(single.pagesMatched);
    }
  });

  it("refuses a filter as one isolate does", async () => {
    const deleted = await documentIdOf("1-b.pdf");
    for (const filter of [{ documents: [deleted] }, { metadata: { colour: "red" } }]) {
      const body = { query: "some words", filter };
      const single = await refusal(apps.single, "random", { ...body, path: "resident" });
      expect(single.code).toBe("invalid_filter");
      expect(await refusal(apps.sharded, "random", body)).toMatchObject({ code: single.code, detail: single.detail });
    }
  });

  it("filters by the fields that it was created with, as one isolate does", async () => {
    await commitManifest(apps.single.services.store, "random", (current) => {
      if (current === undefined) throw new Error("there is no index");
      return { ...current, settings: { filterableFields: ["part", "year"] } };
    });
    const [single, sharded] = [
      startApp({ encoder: randomEncoder(index) }),
      startSharded({ encoder: randomEncoder(index) }),
    ];
    const refused = { query: "some words", filter: { metadata: { kind: "b" } } };
    const problem = await refusal(single, "random", { ...refused, path: "resident" });
    expect(problem).toMatchObject({ code: "invalid_filter", filterableFields: ["part", "year"] });
    expect(await refusal(sharded, "random", refused)).toMatchObject({ detail: problem.detail });
    const unused = { query: "some words", filter: { metadata: { year: "2026" } } };
    expect(await search(sharded, "random", unused)).toMatchObject({ hits: [], pagesMatched: 0 });
    const part = { query: "some words", k: 100, filter: { metadata: { part: "2" } } };
    expect(namesOf(await search(sharded, "random", part))).toEqual(
      namesOf(await search(single, "random", { ...part, path: "resident" })),
    );
  });

  it("filters by metadata that has changed since, and shows it", async () => {
    const moved = await documentIdOf("2-a.pdf");
    await changeMetadata(index, new Map([[moved, { part: "moved" }]]));
    const fresh = {
      single: startApp({ encoder: randomEncoder(index) }),
      sharded: startSharded({ encoder: randomEncoder(index) }),
    };
    for (const part of ["moved", "2", "3"]) {
      const body = { query: "some words", k: 100, filter: { metadata: { part } } };
      const single = await search(fresh.single, "random", { ...body, path: "resident" });
      const sharded = await search(fresh.sharded, "random", body);
      expect(namesOf(sharded)).toEqual(namesOf(single));
      expect(sharded.pagesMatched).toBe(part === "2" ? 0 : 8);
      expect(sharded.hits.every(({ document }) => document.metadata["part"] === part)).toBe(true);
    }
  });

  it("answers after its objects were evicted", async () => {
    const before = await search(apps.sharded, "random", { query: "some words" });
    await evictAllDurableObjects();
    expect((await search(apps.sharded, "random", { query: "some words" })).hits).toEqual(before.hits);
  });
});

describe("an index that changes", () => {
  it("is seen by a worker that knew an older version", async () => {
    const early = startSharded();
    const { store } = early.services;
    await writeWordIndex(store, "changing", [document("first.pdf", ["paper leaf"])]);
    expect(await search(early, "changing", { query: "paper" })).toMatchObject({ manifestVersion: 1 });

    await writeWordIndex(store, "changing", [document("second.pdf", ["paper tree"])]);
    const late = startSharded();
    expect(namesOf(await search(late, "changing", { query: "paper" }))).toEqual(["first.pdf 1", "second.pdf 1"]);
    // Its manifest is seconds old: it would not look again by itself.
    const answer = await search(early, "changing", { query: "paper" });
    expect(answer).toMatchObject({ manifestVersion: 2, performance: { shards: 2 } });
    expect(answer.partial).toBeUndefined();
  });

  it("does not show what was deleted", async () => {
    const { store } = startApp().services;
    await writeWordIndex(store, "replaced", [document("old.pdf", ["paper"]), document("other.pdf", ["stone"])]);
    expect(namesOf(await search(startSharded(), "replaced", { query: "paper", k: 1 }))).toEqual(["old.pdf 1"]);
    await writeWordIndex(store, "replaced", [document("new.pdf", ["paper"])], { replacing: true });
    expect(namesOf(await search(startSharded(), "replaced", { query: "paper" }))).toEqual(["new.pdf 1"]);
  });

  it("may be deleted and made again", async () => {
    const { store } = startApp().services;
    for (const name of ["a.pdf", "b.pdf"]) await writeWordIndex(store, "again", [document(name, ["paper"])]);
    await search(startSharded(), "again", { query: "paper" });
    const { objects } = await store.list(layout.index("again"));
    await store.delete(objects.map(({ key }) => key));

    await writeWordIndex(store, "again", [document("c.pdf", ["paper"])]);
    const answer = await search(startSharded(), "again", { query: "paper" });
    expect(answer).toMatchObject({ manifestVersion: 1, hits: [{ document: { name: "c.pdf" } }] });
    expect(answer.partial).toBeUndefined();
  });

  it("may have no pages, or none with text", async () => {
    const { store } = startApp().services;
    await writeWordIndex(store, "blank", [document("scan.pdf", [""])]);
    expect(await search(startSharded(), "blank", { query: "paper" })).toMatchObject({ hits: [], pagesMatched: 0 });
    const { recipe, recipeFingerprint } = await writeWordIndex(store, "emptied", [document("a.pdf", ["paper"])]);
    await commitManifest(store, "emptied", () => ({ recipe, recipeFingerprint, segments: [] }));
    const answer = await search(startSharded(), "emptied", { query: "paper" });
    expect(answer).toMatchObject({ hits: [], pagesMatched: 0, performance: { shards: 0 } });
  });
});

describe("shards that fail", () => {
  const third = (fault: ShardCaller["ask"]) => (durable: ShardCaller) => ({
    ask: (shard: number, request: ShardRequest) => (shard === 2 ? fault(shard, request) : durable.ask(shard, request)),
  });
  const dead = third(() => Promise.reject(new Error("the object ended, and says what nobody should read")));
  const silent = third(() => new Promise(() => undefined));

  beforeAll(async () => {
    const { store } = startApp().services;
    for (const [number, words] of ["paper leaf", "paper", "paper tree forest", "paper river"].entries()) {
      await writeWordIndex(store, "failing", [document(`${number}.pdf`, [words, ""], { number: String(number) })]);
    }
  });

  it.each([
    ["is dead", dead, "shards_unavailable"],
    ["does not answer in time", silent, "shard_timeout"],
  ])("make the answer a partial one when one %s", async (_, shards, code) => {
    const app = startSharded({ sharding: { shards, shardDeadlineMs: 500 } });
    const answer = await search(app, "failing", { query: "paper" });
    expect(namesOf(answer)).toEqual(["0.pdf 1", "1.pdf 1", "3.pdf 1"]);
    expect(answer.partial).toEqual({
      shardsFailed: 1,
      shardsTotal: 4,
      pagesNotSearched: 1,
      reasons: [{ shard: 2, code, detail: expect.not.stringContaining("nobody should read") }],
    });
    expect(answer.performance.shards).toBe(4);
  });

  it("do not make names unknown that they may know", async () => {
    const app = startSharded({ sharding: { shards: dead } });
    const filter = { documents: [await documentIdOf("2.pdf")] };
    const answer = await search(app, "failing", { query: "paper", filter });
    expect(answer).toMatchObject({ hits: [], pagesMatched: 0, partial: { shardsFailed: 1 } });
  });

  it("say why when what is stored is damaged", async () => {
    const { store } = startApp().services;
    for (const name of ["a.pdf", "b.pdf"]) await writeWordIndex(store, "damaged", [document(name, ["paper"])]);
    const manifest = await readManifest(store, "damaged");
    await store.delete([layout.segment("damaged", manifest?.segments[1]?.id ?? "")]);
    const answer = await search(startSharded(), "damaged", { query: "paper" });
    expect(namesOf(answer)).toEqual(["a.pdf 1"]);
    expect(answer.partial).toMatchObject({ shardsFailed: 1, reasons: [{ shard: 1, code: "corrupt_data" }] });
  });

  it("are an error when all do", async () => {
    const app = startSharded({ sharding: { shards: () => ({ ask: () => Promise.reject(new Error("gone")) }) } });
    const problem = await refusal(app, "failing", { query: "paper" });
    expect(problem).toMatchObject({ status: 503, code: "shards_unavailable" });
    expect(problem["reasons"]).toHaveLength(4);
  });
});

describe("which path answers", () => {
  const paths = async (app: TestApp, index: string) => {
    const response = await app.post(`/v1/indexes/${index}/search`, { query: "paper" });
    return searchResponseSchema.parse(await response.json()).performance.path;
  };

  it("is this isolate for an index that fits it, whatever the deployment prefers", async () => {
    const app = startApp({ env: { SEARCH_PATH: "sharded" } });
    await writeWordIndex(app.services.store, "small", [document("a.pdf", ["paper"])]);
    expect(await paths(app, "small")).toBe("resident");
    expect(await paths(startApp(), "small")).toBe("resident");
  });

  it("is shards for one that does not, where the deployment says so", async () => {
    const app = startApp({ env: { SEARCH_PATH: "sharded" } });
    await writeWordIndex(app.services.store, "large", [document("a.pdf", ["paper"])]);
    await commitManifest(app.services.store, "large", (current) => {
      if (current === undefined) throw new Error("no index was written");
      const { recipe, recipeFingerprint, codebook, segments } = current;
      // As its manifest says; the segment itself is small.
      const large = segments.map((entry) => ({ ...entry, bagEntries: 100_000_000 }));
      return { recipe, recipeFingerprint, ...(codebook && { codebook }), segments: large };
    });
    expect(await paths(app, "large")).toBe("sharded");
  });

  it("is nobody's when the deployment asks for what there is not", async () => {
    const app = startApp({ env: { SEARCH_PATH: "fast" } });
    const response = await app.post("/v1/indexes/small/search", { query: "paper" });
    expect(await readProblem(response)).toMatchObject({ code: "internal", detail: expect.stringContaining("fast") });
  });
});
