/**
 * Events late, twice and out of order, two workers, objects that change meanwhile: the index must become what the bucket is.
 */
import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MaxleafError } from "../../shared/errors.ts";
import { MemoryStore } from "../../shared/store/memory-store.ts";
import type { ByteRange, StoredObject } from "../../shared/store/object-store.ts";
import type { FoundFile } from "../ingest/discover.ts";
import {
  type IndexSink,
  type IngestCall,
  type SourceDocument,
  syncDocuments,
  type SyncOptions,
} from "./sync-documents.ts";

const bytesOf = (text: string) => new TextEncoder().encode(text);
const documentOf = (name: string): SourceDocument => ({ bucket: "b", key: `docs/${name}`, name });

/** An index that keeps each document's text; `before` runs before a change takes effect, as the world goes on meanwhile. */
class FakeIndex implements IndexSink {
  readonly live: Map<string, string>;
  commits = 0;
  before: () => Promise<void> = async () => undefined;

  constructor(live = new Map<string, string>()) {
    this.live = live;
  }

  async ingest(_index: string, files: FoundFile[], { signal, onFile }: IngestCall) {
    const texts = await Promise.all(files.map(async ({ path }) => await readFile(path, "utf8")));
    await this.before();
    this.commits++;
    const failed = [];
    for (const [at, { name }] of files.entries()) {
      const text = texts[at] ?? "";
      if (signal.aborted) continue;
      if (text.startsWith("broken")) {
        failed.push({ name, code: "file_unreadable", reason: text } as const);
        onFile(name, "failed");
        continue;
      }
      const old = this.live.get(name);
      this.live.set(name, text);
      onFile(name, old === undefined ? "added" : old === text ? "unchanged" : "replaced");
    }
    return { failed };
  }

  async remove(_index: string, names: readonly string[]) {
    await this.before();
    this.commits++;
    return names.filter((name) => this.live.delete(name));
  }
}

async function sync(
  bucket: MemoryStore,
  sink: IndexSink,
  names: readonly string[],
  options: Partial<SyncOptions> = {},
) {
  const signal = new AbortController().signal;
  const outcomes = await syncDocuments(names.map(documentOf), {
    index: "i",
    sink,
    source: () => bucket,
    signal,
    ...options,
  });
  return Object.fromEntries([...outcomes].map(([{ name }, outcome]) => [name, outcome]));
}

describe("syncDocuments", () => {
  it("ingests what is there and deletes what is not, in one commit each", async () => {
    const bucket = new MemoryStore();
    const index = new FakeIndex();
    index.live.set("old", "old").set("same", "same");
    await bucket.put("docs/new", bytesOf("new"));
    await bucket.put("docs/same", bytesOf("same"));
    await bucket.put("docs/empty", new Uint8Array(0));
    expect(await sync(bucket, index, ["new", "same", "empty", "old", "never"])).toEqual({
      new: { state: "added" },
      same: { state: "unchanged" },
      empty: { state: "added" },
      old: { state: "deleted" },
      never: { state: "absent" },
    });
    expect(Object.fromEntries(index.live)).toEqual({ new: "new", same: "same", empty: "" });
    expect(index.commits).toBe(2);
  });

  it("lets a failed file fail alone", async () => {
    const bucket = new MemoryStore();
    await bucket.put("docs/bad", bytesOf("broken"));
    await bucket.put("docs/good", bytesOf("good"));
    expect(await sync(bucket, new FakeIndex(), ["bad", "good"])).toEqual({
      bad: { state: "failed", code: "file_unreadable", reason: "broken" },
      good: { state: "added" },
    });
  });

  it("does again what changed while it was done", async () => {
    const bucket = new MemoryStore();
    const index = new FakeIndex();
    await bucket.put("docs/a", bytesOf("first"));
    await bucket.put("docs/b", bytesOf("b"));
    let changes = 0;
    index.before = async () => {
      if (changes++ > 0) return;
      await bucket.put("docs/a", bytesOf("second"));
      await bucket.delete(["docs/b"]);
    };
    expect(await sync(bucket, index, ["a", "b"])).toEqual({ a: { state: "replaced" }, b: { state: "deleted" } });
    expect(Object.fromEntries(index.live)).toEqual({ a: "second" });
  });

  it("gives up for now on an object that changes all the time", async () => {
    const bucket = new MemoryStore();
    const index = new FakeIndex();
    let version = 0;
    const change = async () => void (await bucket.put("docs/a", bytesOf(`version ${version++}`)));
    await change();
    index.before = change;
    const { a } = await sync(bucket, index, ["a"]);
    expect(a).toMatchObject({ state: "failed", code: "precondition_failed" });
    expect(version).toBe(4);
  });

  it("never mixes two versions of a large object", async () => {
    const size = 40 * 1024 * 1024;
    let reads = 0;
    class ChangingStore extends MemoryStore {
      override async get(key: string, range?: ByteRange): Promise<StoredObject | undefined> {
        if (++reads === 3) await this.put(key, new Uint8Array(size).fill(50));
        return await super.get(key, range);
      }
    }
    const bucket = new ChangingStore();
    await bucket.put("docs/a", new Uint8Array(size).fill(49));
    const index = new FakeIndex();
    expect(await sync(bucket, index, ["a"])).toEqual({ a: { state: "added" } });
    const text = index.live.get("a") ?? "";
    expect([text.length, text[0], text.at(-1), index.commits]).toEqual([size, "2", "2", 1]);
  });

  it("says of every document what the bucket or the index said", async () => {
    const bucket = new MemoryStore();
    await bucket.put("docs/a", bytesOf("a"));
    const away = new MaxleafError("store_unavailable", "it is away");
    const index = new FakeIndex();
    index.before = async () => {
      throw away;
    };
    const failed = { state: "failed", code: "store_unavailable", reason: "it is away" };
    expect(await sync(bucket, index, ["a", "gone"])).toEqual({ a: failed, gone: failed });
    const source = () => {
      throw away;
    };
    expect(await sync(bucket, new FakeIndex(), ["a"], { source })).toEqual({ a: failed });
  });

  it("refuses an object that is too large before it reads it", async () => {
    class HugeStore extends MemoryStore {
      override async get(key: string, range?: ByteRange): Promise<StoredObject | undefined> {
        const object = await super.get(key, range);
        if (range === undefined || !("suffix" in range)) throw new Error("it was read");
        return object && { ...object, size: 256 * 1024 * 1024 + 1 };
      }
    }
    const bucket = new HugeStore();
    await bucket.put("docs/a", bytesOf("a"));
    expect(await sync(bucket, new FakeIndex(), ["a"])).toMatchObject({
      a: { state: "failed", code: "file_too_large" },
    });
  });

  it("leaves what it has not done when it is stopped", async () => {
    const bucket = new MemoryStore();
    await bucket.put("docs/a", bytesOf("a"));
    const stop = new AbortController();
    const index = new FakeIndex();
    index.live.set("gone", "gone");
    index.before = async () => stop.abort();
    const left = { state: "left" };
    expect(await sync(bucket, index, ["a"], { signal: stop.signal })).toEqual({ a: left });
    expect(await sync(bucket, index, ["a", "gone"], { signal: stop.signal })).toEqual({ a: left, gone: left });
    expect(index.live.has("gone")).toBe(true);
  });

  it("ends as the bucket is, however long slow workers hold what they read", async () => {
    const names = ["a", "b"];
    const change = fc.record({ name: fc.constantFrom(...names), text: fc.option(fc.constantFrom("1", "2", "3")) });
    const scenario = fc.record({
      changes: fc.array(change, { minLength: 1, maxLength: 5 }),
      /** For each commit of the slow workers, the change that it waits for; beyond the last: for the last worker's end. */
      holds: fc.array(fc.nat({ max: 6 }), { minLength: 1, maxLength: 4 }),
    });
    await fc.assert(
      fc.asyncProperty(scenario, async ({ changes, holds }) => {
        const bucket = new MemoryStore();
        const live = new Map<string, string>();
        const progress = new Progress();
        const slowIndex = new FakeIndex(live);
        let commits = 0;
        slowIndex.before = async () => await progress.reach(holds[commits++] ?? 0);
        const slow = [work(bucket, slowIndex), work(bucket, slowIndex)];
        for (const { name, text } of changes) {
          if (text === null) await bucket.delete([`docs/${name}`]);
          else await bucket.put(`docs/${name}`, bytesOf(text));
          progress.advance();
          await sleep(2);
        }
        await work(bucket, new FakeIndex(live));
        progress.finish();
        await Promise.all(slow);
        const expected = new Map<string, string>();
        for (const name of names) {
          const object = await bucket.get(`docs/${name}`);
          if (object !== undefined) expected.set(name, new TextDecoder().decode(object.bytes));
        }
        expect(Object.fromEntries(live)).toEqual(Object.fromEntries(expected));
      }),
      { numRuns: 100 },
    );

    /** As the queue has it: what failed is delivered again. */
    async function work(bucket: MemoryStore, index: FakeIndex): Promise<void> {
      let outcomes;
      do outcomes = Object.values(await sync(bucket, index, names));
      while (outcomes.some(({ state }) => state === "failed"));
    }
  });
});

/** Lets work wait until something has come so far. */
class Progress {
  #step = 0;
  #waiting: { step: number; go: () => void }[] = [];

  async reach(step: number): Promise<void> {
    if (this.#step < step) await new Promise<void>((go) => this.#waiting.push({ step, go }));
  }

  advance(steps = 1): void {
    this.#step += steps;
    for (const { go } of this.#waiting.filter(({ step }) => step <= this.#step)) go();
    this.#waiting = this.#waiting.filter(({ step }) => step > this.#step);
  }

  finish(): void {
    this.advance(Number.MAX_SAFE_INTEGER / 2);
  }
}
