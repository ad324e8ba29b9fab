import { describe, expect, it } from "vitest";
import { MaxleafError } from "../errors.ts";
import { MAX_CONCURRENT_READS } from "../limits.ts";
import { HedgePolicy, MAX_HEDGED_BYTES, MIN_LATENCY_SAMPLES } from "./hedge-policy.ts";
import { MemoryStore } from "./memory-store.ts";
import { RequestStore } from "./request-store.ts";
import { FakeClock, SlowStore } from "./testing/slow-store.ts";

const USUAL_MS = 60;
const RANGE = { offset: 0, length: 4 };

/** A policy that has seen nothing but reads of {@link USUAL_MS}, enough to hedge three of the next. */
function experienced(): HedgePolicy {
  const policy = new HedgePolicy();
  for (let i = 0; i < MIN_LATENCY_SAMPLES; i++) policy.observe(USUAL_MS);
  return policy;
}

/** A request over a store with objects `0` … `99` whose gets take `latencyMs`. */
async function setUp(latencyMs: (key: string, call: number) => number, hedging?: HedgePolicy) {
  const clock = new FakeClock();
  const slow = new SlowStore(clock, latencyMs);
  for (let key = 0; key < 100; key++) await slow.put(`${key}`, Uint8Array.of(key, 1, 2, 3, 4, 5));
  return { clock, slow, store: new RequestStore(slow, { clock, hedging }) };
}

function unavailable(): never {
  throw new MaxleafError("store_unavailable", "the store is away");
}

describe("a request's reads", () => {
  it("are at most six in flight over all objects, and count their waves so", async () => {
    const { clock, slow, store } = await setUp(() => USUAL_MS);
    const reads = Promise.all(Array.from({ length: 20 }, (_, key) => store.get(`${key}`, RANGE)));
    await clock.advance(10 * USUAL_MS);
    const objects = await reads;
    expect(objects.map((object) => object?.bytes[0])).toEqual(Array.from({ length: 20 }, (_, key) => key));
    expect(slow.mostInFlight).toBe(MAX_CONCURRENT_READS);
    expect(store.counts).toEqual({
      reads: 20,
      bytesRead: 80,
      serialReadWaves: 4,
      serialHops: 1,
      hedgedReads: 0,
      storeCacheHits: 0,
    });
  });

  it("count a read that follows from another as a further hop", async () => {
    const store = new RequestStore(new MemoryStore());
    await Promise.all([store.get("a"), store.get("b").then(() => store.get("c"))]);
    await store.get("d");
    expect(store.counts).toMatchObject({ reads: 4, serialHops: 3, serialReadWaves: 3 });
  });

  it("are one when they ask for the same at the same time, and only then", async () => {
    const { clock, slow, store } = await setUp(() => USUAL_MS);
    const reads = Promise.all([
      store.get("7", RANGE),
      store.get("7", { ...RANGE }),
      store.get("7", { offset: 1, length: 3 }),
      store.get("8", RANGE),
      store.get("7"),
    ]);
    await clock.advance(USUAL_MS);
    const [first, same, other] = await reads;
    expect(same).toBe(first);
    expect(other?.bytes).toEqual(Uint8Array.of(1, 2, 3));
    expect(slow.asked).toEqual(["7", "7", "8", "7"]);
    expect(store.counts.bytesRead).toBe(4 + 3 + 4 + 6);

    const later = store.get("7", RANGE);
    await clock.advance(USUAL_MS);
    await later;
    expect(store.counts.reads).toBe(5);
  });

  it("fail alike for all who asked, and can be tried again", async () => {
    const { clock, store } = await setUp((_key, call) => (call === 0 ? unavailable() : USUAL_MS));
    const reads = await Promise.allSettled([store.get("7", RANGE), store.get("7", RANGE)]);
    expect(reads.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    const again = store.get("7", RANGE);
    await clock.advance(USUAL_MS);
    expect((await again)?.size).toBe(6);
    expect(store.counts.reads).toBe(2);
  });

  it("pass writes, deletions and listings through", async () => {
    const inner = new MemoryStore();
    const store = new RequestStore(inner);
    await store.put("a", Uint8Array.of(1));
    expect((await store.list("")).objects).toHaveLength(1);
    await store.delete(["a"]);
    expect(await inner.get("a")).toBeUndefined();
    expect(store.counts).toMatchObject({ reads: 0, serialReadWaves: 1, serialHops: 1 });
  });
});

describe("hedging", () => {
  it("asks a second time when the first waits longer than nearly all reads did, and takes the faster answer", async () => {
    const { clock, slow, store } = await setUp((_key, call) => (call === 0 ? 1_000 : USUAL_MS), experienced());
    let isRead = false;
    const read = store.get("7", RANGE).then((object) => {
      isRead = true;
      return object;
    });
    await clock.advance(USUAL_MS - 1);
    expect(slow.asked).toEqual(["7"]);
    await clock.advance(1);
    expect(slow.asked).toEqual(["7", "7"]);
    await clock.advance(USUAL_MS);
    expect(isRead).toBe(true);
    expect((await read)?.bytes[0]).toBe(7);
    expect(store.counts).toMatchObject({ reads: 2, hedgedReads: 1, bytesRead: 4 });
    // The loser keeps its slot until it ends, and its bytes count when they come.
    expect(slow.inFlight).toBe(1);
    await clock.advance(1_000);
    expect(slow.inFlight).toBe(0);
    expect(store.counts.bytesRead).toBe(8);
  });

  it("takes the first answer when it comes first after all", async () => {
    const { clock, store } = await setUp((_key, call) => (call === 0 ? USUAL_MS + 5 : 1_000), experienced());
    const read = store.get("7", RANGE);
    await clock.advance(USUAL_MS + 5);
    expect((await read)?.bytes[0]).toBe(7);
    expect(store.counts.hedgedReads).toBe(1);
  });

  it("sends no second read when the first is as fast as usual", async () => {
    const { clock, store } = await setUp(() => USUAL_MS - 1, experienced());
    const read = store.get("7", RANGE);
    await clock.advance(1_000);
    await read;
    expect(store.counts).toMatchObject({ reads: 1, hedgedReads: 0 });
  });

  it.each([
    ["before enough reads were seen", RANGE, new HedgePolicy()],
    ["without a policy", RANGE, undefined],
    ["of long ranges", { offset: 0, length: MAX_HEDGED_BYTES + 1 }, experienced()],
    ["of whole objects", undefined, experienced()],
  ])("sends no second read %s", async (_when, range, policy) => {
    const { clock, slow, store } = await setUp(() => 1_000, policy);
    await slow.put("7", new Uint8Array(MAX_HEDGED_BYTES + 1));
    const read = store.get("7", range);
    await clock.advance(2_000);
    await read;
    expect(store.counts).toMatchObject({ reads: 1, hedgedReads: 0 });
  });

  it("asks only once more, however slow both are", async () => {
    const { clock, store } = await setUp(() => 10_000, experienced());
    const read = store.get("7", RANGE);
    await clock.advance(20_000);
    await read;
    expect(store.counts).toMatchObject({ reads: 2, hedgedReads: 1 });
  });

  it("stays within its allowance when every read is slow", async () => {
    const { clock, store } = await setUp(() => 1_000, experienced());
    const reads = 200;
    const all = (async () => {
      for (let i = 0; i < reads; i++) await store.get(`${i % 100}`, RANGE);
    })();
    await clock.advance(1_000 * reads);
    await all;
    const { hedgedReads } = store.counts;
    expect(hedgedReads).toBeGreaterThan(0);
    expect(hedgedReads).toBeLessThanOrEqual(0.1 * (MIN_LATENCY_SAMPLES + reads + hedgedReads));
  });

  it("never takes a slot that a first read waits for", async () => {
    const { clock, slow, store } = await setUp((_key, call) => (call < 6 ? 1_000 : USUAL_MS), experienced());
    const reads = Promise.all(Array.from({ length: 7 }, (_, key) => store.get(`${key}`, RANGE)));
    await clock.advance(2_000);
    await reads;
    expect(slow.mostInFlight).toBe(MAX_CONCURRENT_READS);
    expect(store.counts).toMatchObject({ reads: 7, hedgedReads: 0 });
  });

  it("answers when the first fails after the second was sent, and the other way round", async () => {
    const failing = (failingCall: number) =>
      class extends SlowStore {
        override async get(...asked: Parameters<SlowStore["get"]>) {
          const call = this.asked.length;
          const object = await super.get(...asked);
          return call === failingCall ? unavailable() : object;
        }
      };
    for (const failingCall of [0, 1]) {
      const clock = new FakeClock();
      const slow = new (failing(failingCall))(clock, (_key, call) => (call === failingCall ? 80 : 200));
      await slow.put("7", Uint8Array.of(7, 1, 2, 3));
      const store = new RequestStore(slow, { clock, hedging: experienced() });
      const read = store.get("7", RANGE);
      await clock.advance(1_000);
      expect((await read)?.bytes[0]).toBe(7);
      expect(store.counts.hedgedReads).toBe(1);
    }
  });

  it("fails with the first reason when both fail", async () => {
    const { clock, slow, store } = await setUp(() => USUAL_MS * 2, experienced());
    const [read] = await Promise.all([
      store.get("7", { offset: 5, length: 5 }).catch((error: unknown) => error),
      clock.advance(1_000),
    ]);
    expect(slow.asked).toEqual(["7", "7"]);
    expect(read).toMatchObject({ code: "corrupt_data" });
  });

  it("learns from reads of the bucket alone", async () => {
    class CachingStore extends SlowStore {
      override async get(...asked: Parameters<SlowStore["get"]>) {
        const object = await super.get(...asked);
        return object === undefined ? undefined : { ...object, fromCache: true };
      }
    }
    const clock = new FakeClock();
    const cache = new CachingStore(clock, () => 5);
    await cache.put("7", Uint8Array.of(7, 1, 2, 3));
    const policy = new HedgePolicy();
    const store = new RequestStore(cache, { clock, hedging: policy });
    for (let i = 0; i < MIN_LATENCY_SAMPLES; i++) {
      const read = store.get("7", RANGE);
      await clock.advance(5);
      await read;
    }
    expect(policy.delayMs).toBeUndefined();
    expect(store.counts.storeCacheHits).toBe(MIN_LATENCY_SAMPLES);
  });
});
