/**
 * Searches by words, and by words and vectors, over real Durable Objects: they give what one isolate gives.
 */
import { beforeAll, describe, expect, it } from "vitest";
import { searchResponseSchema } from "../../shared/api/search.ts";
import {
  addSegment,
  changeMetadata,
  createRandomIndex,
  deleteDocument,
  type RandomIndex,
} from "../../shared/engine/testing/random-index.ts";
import { documentIdOf } from "../../shared/names.ts";
import { seededRandom } from "../../shared/seeded-random.ts";
import { readProblem, startApp, type TestApp, type TestAppOptions } from "../testing/harness.ts";
import { randomEncoder } from "../testing/random-encoder.ts";
import { writeWordIndex } from "../testing/word-index.ts";
import type { ShardCaller, ShardRequest, ShardStep } from "./protocol.ts";

/** So little that every segment is a shard of its own. */
const sharding = { shardMemoryBytes: 1 };
const VOCABULARY = "the of sales in 2023 region profit tax clause 7.2 Straße 東京都 naïve zebra".split(" ");

async function search(app: TestApp, index: string, body: Record<string, unknown>) {
  const response = await app.post(`/v1/indexes/${index}/search`, body);
  if (response.status !== 200) throw new Error(await response.text());
  return searchResponseSchema.parse(await response.json());
}

const startSharded = (options: TestAppOptions = {}): TestApp =>
  startApp({ ...options, sharding: { ...sharding, ...options.sharding } });
const namesOf = ({ hits }: Awaited<ReturnType<typeof search>>) => hits.map((hit) => `${hit.document.name} ${hit.page}`);

/** Up to 5 segments of documents with pages of up to 25 words, of which some were deleted or changed. */
async function writeRandomIndex(seed: number): Promise<RandomIndex> {
  const random = seededRandom(seed);
  const upTo = (limit: number) => Math.floor(random.next() * limit);
  const index = await createRandomIndex(
    startApp().services.store,
    `random-${seed}`,
    { dim: 16, subspaces: 4, centroidCount: 20, lengthPrior: seed % 2 === 0 ? 0.05 : undefined },
    random,
  );
  index.vocabulary = VOCABULARY;
  let number = 0;
  for (let segment = 0; segment < 2 + upTo(4); segment++) {
    index.twins = segment === 2;
    const documents = Array.from({ length: 1 + upTo(3) }, () => ({
      name: `${(number += 1)}.pdf`,
      pages: Array.from({ length: 1 + upTo(6) }, () => upTo(25)),
      metadata: { parity: number % 2 === 0 ? "even" : "odd" },
    }));
    await addSegment(index, [...documents, { name: `${segment}-last.pdf`, pages: [3, 0, 9] }]);
  }
  await deleteDocument(index, await documentIdOf("0-last.pdf"));
  await changeMetadata(index, new Map([[await documentIdOf("1-last.pdf"), { parity: "odd" }]]));
  return index;
}

describe("a search by words over shards", () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8])("gives the answers of one isolate: random index %d", async (seed) => {
    const index = await writeRandomIndex(seed);
    const encoder = randomEncoder(index);
    const [single, sharded] = [startApp({ encoder }), startSharded({ encoder })];
    const random = seededRandom(100 + seed);
    const word = () => VOCABULARY[Math.floor(random.next() * VOCABULARY.length)] ?? "";
    const questions = [...Array.from({ length: 3 }, () => Array.from({ length: 4 }, word).join(" ")), "okapi", "—"];
    const filters = [{}, { filter: { metadata: { parity: "odd" } } }];
    for (const query of questions) {
      for (const filter of filters) {
        for (const mode of ["lexical", "hybrid", undefined]) {
          for (const k of [3, 100]) {
            const body = { query, k, mode, accuracy: "exact", ...filter };
            const expected = await search(single, index.name, { ...body, path: "resident" });
            const answer = await search(sharded, index.name, { ...body, path: "sharded" });
            expect(answer.hits).toEqual(expected.hits);
            const { pagesMatched, tokens, performance } = expected;
            expect(answer).toMatchObject({ pagesMatched, tokens });
            expect(answer.partial).toBeUndefined();
            const { mode: ranked, terms, termsLeftOut, candidateSource } = performance;
            const same = { mode: ranked, terms, termsLeftOut, candidateSource };
            expect(answer.performance).toMatchObject({ ...same, path: "sharded" });
          }
        }
      }
    }
  });

  it("looks at least as deeply with the usual settings", async () => {
    const index = await writeRandomIndex(9);
    const encoder = randomEncoder(index);
    for (const mode of ["lexical", "hybrid"]) {
      const body = { query: "sales tax zebra", k: 5, mode };
      const expected = await search(startApp({ encoder }), index.name, { ...body, path: "resident" });
      const answer = await search(startSharded({ encoder }), index.name, { ...body, path: "sharded" });
      expect(namesOf(answer)).toEqual(namesOf(expected));
    }
  });

  it("counts every read of every step", async () => {
    const index = await writeRandomIndex(10);
    const [first, second] = [startSharded({ encoder: randomEncoder(index) }), startSharded()];
    const shards = new Set(index.pages.map(({ segmentId }) => segmentId)).size;
    const body = { query: "sales zebra", k: 3, path: "sharded" };
    const cold = await search(first, index.name, { ...body, mode: "hybrid" });
    // Of each shard its words, codes with layouts, exact vectors; what is shown was read with the codes.
    expect(cold.performance).toMatchObject({ reads: 3 * shards, serialHops: 3 });
    const warm = await search(first, index.name, { ...body, mode: "hybrid" });
    expect(warm.performance).toMatchObject({ reads: 0, serialHops: 0 });
    // By other objects' caches: the second worker asks the same objects.
    expect((await search(second, index.name, { ...body, mode: "lexical" })).performance).toMatchObject({ reads: 0 });
  });
});

describe("shards that fail in a search by words", () => {
  const TEXTS = ["paper leaf", "paper", "paper paper tree forest", "paper river river"];
  /** The third shard fails from `step` on, as if its object were gone. */
  const failing =
    (step: ShardStep, fault: () => Promise<never>) =>
    (durable: ShardCaller): ShardCaller => ({
      ask: (shard: number, request: ShardRequest) =>
        shard === 2 && request.task.step === step ? fault() : durable.ask(shard, request),
    });
  const dead = () => Promise.reject(new Error("the object ended"));
  const silent = () => new Promise<never>(() => undefined);

  beforeAll(async () => {
    const { store } = startApp().services;
    for (const [number, text] of TEXTS.entries()) {
      const document = { name: `${number}.pdf`, revision: "00000000000000aa", pages: [text] };
      await writeWordIndex(store, "failing", [document]);
      if (number !== 2) await writeWordIndex(store, "others", [document]);
    }
  });

  it.each([
    ["lexical", "count", dead, "shards_unavailable"],
    ["lexical", "search", dead, "shards_unavailable"],
    ["lexical", "count", silent, "shard_timeout"],
    ["hybrid", "count", dead, "shards_unavailable"],
    ["hybrid", "rank", silent, "shard_timeout"],
    ["hybrid", "show", dead, "shards_unavailable"],
  ] as const)("%s: in %s, the answer is a partial one", async (mode, step, fault, code) => {
    const app = startSharded({ sharding: { shards: failing(step, fault), shardDeadlineMs: 500 } });
    const body = { query: "paper river", mode, path: "sharded" };
    const answer = await search(app, "failing", body);
    expect(namesOf(answer).toSorted()).toEqual(["0.pdf 1", "1.pdf 1", "3.pdf 1"]);
    expect(answer.hits.map(({ rank }) => rank)).toEqual([1, 2, 3]);
    expect(answer.partial).toMatchObject({
      shardsFailed: 1,
      shardsTotal: 4,
      pagesNotSearched: 1,
      reasons: [{ shard: 2, code }],
    });
    // A shard that did not even count is as if it were not there.
    const others = await search(startApp(), "others", { ...body, path: "resident" });
    const scores = (found: typeof answer) => found.hits.map(({ score }) => score);
    if (step === "count") expect(scores(answer)).toEqual(scores(others));
  });

  it("are an error when all do", async () => {
    const app = startSharded({ sharding: { shards: () => ({ ask: dead }) } });
    for (const mode of ["lexical", "hybrid"]) {
      const problem = await readProblem(
        await app.post("/v1/indexes/failing/search", { query: "paper", mode, path: "sharded" }),
      );
      expect(problem).toMatchObject({ status: 503, code: "shards_unavailable" });
    }
  });
});

describe("segments whose words are not indexed", () => {
  const unindexed = (durable: ShardCaller): ShardCaller => ({
    ask: async (shard: number, request: ShardRequest) =>
      request.task.step === "count" && shard === 1
        ? { failure: { code: "path_unavailable", detail: "words are not indexed" } }
        : durable.ask(shard, request),
  });

  it("are searched by vectors, unless words are asked for", async () => {
    const app = startSharded({ sharding: { shards: unindexed } });
    const body = { query: "paper", path: "sharded" };
    expect((await search(app, "failing", body)).performance).toMatchObject({ mode: "late", terms: 0 });
    for (const mode of ["lexical", "hybrid"]) {
      const problem = await readProblem(await app.post("/v1/indexes/failing/search", { ...body, mode }));
      expect(problem).toMatchObject({ code: "path_unavailable", detail: expect.stringContaining("maxleaf retrain") });
    }
  });
});

describe("an encoder that is down", () => {
  it("does not keep words from being searched", async () => {
    const encoder = { fetch: () => Promise.reject(new Error("no connection")) };
    const app = startSharded({ encoder });
    for (const path of ["resident", "sharded"]) {
      const body = { query: "river", path };
      expect(namesOf(await search(app, "failing", { ...body, mode: "lexical" }))).toEqual(["3.pdf 1"]);
      const problem = await readProblem(await app.post("/v1/indexes/failing/search", body));
      expect(problem).toMatchObject({ status: 503, code: "encoder_unavailable" });
    }
  });
});
