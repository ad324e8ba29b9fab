import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, it } from "vitest";
import { searchResponseSchema } from "../../shared/api/search.ts";
import { encodeAnswer, readEncodeRequest } from "../testing/encoder.ts";
import { startApp, type TestApp } from "../testing/harness.ts";
import { wordRecipe, wordVector, writeWordIndex } from "../testing/word-index.ts";

const PATH = "/v1/indexes/timed/search";

/** Keys that were read, and questions to the encoder. */
let reads: string[];
let asked: string[];
/** Settled when the first segment is to be read, and when the encoder is asked. */
let readsSegment: PromiseWithResolvers<void>;
let asksEncoder: PromiseWithResolvers<void>;

beforeAll(async () => {
  const pages = ["paper leaf", "river stone"];
  await writeWordIndex(startApp().services.store, "timed", [{ name: "a.pdf", revision: "00000000000000aa", pages }]);
});

/** The test's bucket; segments are read when the encoder has been asked, if `isWaiting`. */
function watchedBucket(isWaiting: boolean): R2Bucket {
  const get: R2Bucket["get"] = async (key: string, ...options: [R2GetOptions?]) => {
    reads.push(key);
    if (isWaiting && key.includes("/segments/")) {
      readsSegment.resolve();
      await asksEncoder.promise;
    }
    return await env.BUCKET.get(key, ...options);
  };
  return new Proxy(env.BUCKET, {
    get: (bucket, name): unknown => {
      if (name === "get") return get;
      const value: unknown = Reflect.get(bucket, name);
      return typeof value === "function"
        ? (...given: unknown[]): unknown => Reflect.apply(value, bucket, given)
        : value;
    },
  });
}

function startWatched({ isWaiting }: { isWaiting: boolean }): TestApp {
  reads = [];
  asked = [];
  readsSegment = Promise.withResolvers();
  asksEncoder = Promise.withResolvers();
  return startApp({
    env: { BUCKET: watchedBucket(isWaiting) },
    encoder: {
      fetch: async (request) => {
        const { query } = await readEncodeRequest(request);
        asked.push(query);
        asksEncoder.resolve();
        await readsSegment.promise;
        return Response.json(encodeAnswer(query, await wordRecipe(), wordVector));
      },
    },
  });
}

async function search(app: TestApp, body: Record<string, unknown>) {
  return searchResponseSchema.parse(await (await app.post(PATH, body)).json());
}

describe("the encoder", () => {
  it("is asked once, while a cold index is opened", async () => {
    // Each waits for the other to begin: one after the other they would not end.
    const app = startWatched({ isWaiting: true });
    const { hits } = await search(app, { query: "paper one" });
    expect(hits[0]).toMatchObject({ page: 1 });
    expect(asked).toEqual(["paper one"]);
  });

  it("is not asked for words", async () => {
    const app = startWatched({ isWaiting: false });
    await search(app, { query: "paper two", mode: "lexical" });
    expect(reads.length).toBeGreaterThan(2);
    expect(asked).toEqual([]);
  });
});
