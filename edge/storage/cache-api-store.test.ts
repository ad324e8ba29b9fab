import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { CountingStore } from "../../shared/store/counting-store.ts";
import { layout } from "../../shared/store/layout.ts";
import { MemoryStore } from "../../shared/store/memory-store.ts";
import { RequestStore } from "../../shared/store/request-store.ts";
import { describeObjectStore } from "../../test/conformance/object-store.ts";
import { CacheApiStore, MAX_CACHED_BYTES } from "./cache-api-store.ts";
import { R2Store } from "./r2-store.ts";

const BYTES = Uint8Array.from({ length: 1_000 }, (_, i) => i & 0xff);
const SEGMENT = layout.segment("papers", "0a1b");

describeObjectStore("Cache API before R2", {
  open: async () => ({
    store: new CacheApiStore(new R2Store(env.BUCKET), { cache: caches.default, waitUntil: () => undefined }),
  }),
});

/** A store behind a cache of its own, and a way to wait for what happens behind the answers. */
async function setUp(change: (cache: Cache) => Partial<Cache> = () => ({})) {
  const bucket = new CountingStore(new MemoryStore());
  await bucket.put(SEGMENT, BYTES);
  const opened = await caches.open(crypto.randomUUID());
  const cache: Cache = {
    match: (...asked: Parameters<Cache["match"]>) => opened.match(...asked),
    put: (...asked: Parameters<Cache["put"]>) => opened.put(...asked),
    delete: (...asked: Parameters<Cache["delete"]>) => opened.delete(...asked),
    ...change(opened),
  };
  const context = createExecutionContext();
  const store = new CacheApiStore(bucket, { cache, waitUntil: (work) => context.waitUntil(work) });
  return { bucket, opened, store, settle: () => waitOnExecutionContext(context) };
}

describe("Cache API store", () => {
  it.each([
    ["a range", { offset: 10, length: 20 }, BYTES.subarray(10, 30)],
    ["a suffix", { suffix: 7 }, BYTES.subarray(993)],
    ["a suffix longer than the object", { suffix: 5_000 }, BYTES],
    ["the whole", undefined, BYTES],
  ])("reads %s from the bucket once", async (_what, range, expected) => {
    const { bucket, store, settle } = await setUp();
    const first = await store.get(SEGMENT, range);
    await settle();
    const second = await store.get(SEGMENT, range);
    expect(first?.fromCache).toBeUndefined();
    expect(first?.bytes).toEqual(expected);
    expect(second).toEqual({ ...first, fromCache: true });
    expect(bucket.counts.gets).toBe(1);
  });

  it("keeps ranges, objects and indexes apart", async () => {
    const { bucket, store, settle } = await setUp();
    const others = [
      layout.vectors("papers", "0a1b"),
      layout.segment("laws", "0a1b"),
      layout.codebook("papers", "0a1b"),
    ];
    for (const [i, key] of others.entries()) await bucket.put(key, Uint8Array.of(i, i, i, i));
    const ask = async () =>
      await Promise.all([
        store.get(SEGMENT, { offset: 1, length: 2 }),
        store.get(SEGMENT, { offset: 1, length: 3 }),
        store.get(SEGMENT, { offset: 12, length: 3 }),
        ...others.map((key) => store.get(key, { offset: 1, length: 2 })),
      ]);
    const first = await ask();
    await settle();
    const second = await ask();
    expect(second.map((object) => object?.bytes)).toEqual(first.map((object) => object?.bytes));
    expect(second.map((object) => object?.fromCache)).toEqual(Array.from({ length: 6 }, () => true));
  });

  it("finds what another isolate has put into the data centre's cache", async () => {
    const context = createExecutionContext();
    const options = { cache: caches.default, waitUntil: (work: Promise<unknown>) => context.waitUntil(work) };
    const key = layout.segment("shared", crypto.randomUUID());
    const bucket = new R2Store(env.BUCKET);
    await bucket.put(key, BYTES, { contentType: "application/octet-stream" });
    const first = await new CacheApiStore(bucket, options).get(key, { suffix: 100 });
    await waitOnExecutionContext(context);
    await bucket.delete([key]);
    const second = await new CacheApiStore(bucket, options).get(key, { suffix: 100 });
    expect(second).toEqual({ ...first, fromCache: true });
  });

  it.each([
    layout.current("papers"),
    layout.manifest("papers", 1),
    layout.pageImage("papers", "segments", "r", 1),
    "indexes/papers",
    "segments/0a1b",
  ])("never keeps %s", async (key) => {
    const { bucket, store, settle } = await setUp();
    await bucket.put(key, Uint8Array.of(1));
    await store.get(key);
    await settle();
    await bucket.put(key, Uint8Array.of(2));
    expect((await store.get(key))?.bytes).toEqual(Uint8Array.of(2));
  });

  it("does not remember that an object was missing", async () => {
    const { bucket, store, settle } = await setUp();
    const key = layout.segment("papers", "later");
    expect(await store.get(key, { suffix: 4 })).toBeUndefined();
    await settle();
    await bucket.put(key, BYTES);
    expect((await store.get(key, { suffix: 4 }))?.bytes).toEqual(BYTES.subarray(996));
  });

  it("answers before the cache is written", async () => {
    const gate = Promise.withResolvers<void>();
    const { store, settle } = await setUp(() => ({ put: () => gate.promise }));
    expect((await store.get(SEGMENT, { suffix: 4 }))?.size).toBe(1_000);
    gate.resolve();
    await settle();
  });

  it.each([
    ["be read", () => ({ match: () => Promise.reject(new Error("the cache is away")) })],
    ["be written", () => ({ put: () => Promise.reject(new Error("the cache is full")) })],
  ])("reads the bucket when the cache cannot %s", async (_what, change) => {
    const { bucket, store, settle } = await setUp(change);
    for (let i = 0; i < 2; i++) {
      expect((await store.get(SEGMENT, { suffix: 4 }))?.bytes).toEqual(BYTES.subarray(996));
      await settle();
    }
    expect(bucket.counts.gets).toBe(2);
  });

  it("reads the bucket when nothing can be done behind the answer", async () => {
    const bucket = new MemoryStore();
    await bucket.put(SEGMENT, BYTES);
    const waitUntil = () => {
      throw new Error("no request is under way");
    };
    const store = new CacheApiStore(bucket, { cache: caches.default, waitUntil });
    expect((await store.get(SEGMENT, { suffix: 4 }))?.bytes).toEqual(BYTES.subarray(996));
  });

  it.each([
    ["too short", BYTES.subarray(0, 3), { "x-object-size": "1000", "x-object-etag": "w1" }],
    ["without a size", BYTES.subarray(0, 4), { "x-object-etag": "w1" }],
    ["without an ETag", BYTES.subarray(0, 4), { "x-object-size": "1000" }],
    ["of a shorter object", BYTES.subarray(0, 4), { "x-object-size": "2", "x-object-etag": "w1" }],
  ])("replaces an entry that is %s", async (_what, bytes, headers) => {
    const { bucket, opened, store, settle } = await setUp();
    const address = `https://objects.invalid/${encodeURIComponent(SEGMENT)}?offset=996&length=4`;
    const response = new Response(bytes, { headers: { ...headers, "Cache-Control": "max-age=60" } });
    await opened.put(address, response);
    const range = { offset: 996, length: 4 };
    expect((await store.get(SEGMENT, range))?.bytes).toEqual(BYTES.subarray(996));
    await settle();
    expect(await store.get(SEGMENT, range)).toMatchObject({ bytes: BYTES.subarray(996), fromCache: true });
    expect(bucket.counts.gets).toBe(1);
  });

  it("keeps no read that is very long", async () => {
    const { bucket, store, settle } = await setUp();
    await bucket.put(SEGMENT, new Uint8Array(MAX_CACHED_BYTES + 1));
    for (let i = 0; i < 2; i++) {
      await store.get(SEGMENT);
      await settle();
    }
    expect(bucket.counts.gets).toBe(2);
  });

  it("is counted by the request that it answers", async () => {
    const { store, settle } = await setUp();
    const cold = new RequestStore(store);
    await cold.get(SEGMENT, { suffix: 8 });
    await settle();
    const warm = new RequestStore(store);
    await warm.get(SEGMENT, { suffix: 8 });
    await warm.get(SEGMENT, { suffix: 9 });
    expect([cold.counts.storeCacheHits, warm.counts.storeCacheHits, warm.counts.reads]).toEqual([0, 1, 2]);
  });
});
