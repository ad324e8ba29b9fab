import { beforeEach, describe, expect, it, vi } from "vitest";
import type { SearchableIndex, SearchResult } from "../../shared/engine/contract.ts";
import { commitManifest } from "../../shared/format/manifest-store.ts";
import type { Manifest } from "../../shared/format/manifest.ts";
import { systemClock } from "../../shared/ports.ts";
import { MemoryStore } from "../../shared/store/memory-store.ts";
import { type WordDocument, wordRecipe, writeWordIndex } from "../testing/word-index.ts";
import type { ShardRequest } from "./protocol.ts";
import { type OpenAt, ShardPart } from "./shard-part.ts";

const DOCUMENTS: WordDocument[] = [{ name: "a.pdf", revision: "00000000000000aa", pages: ["paper"] }];

/** An index that answers nothing but the version it is at, and waits for `gate` wherever it would read. */
class RecordedIndex {
  manifest: Manifest;
  memoryBytes = 10;
  closed = false;
  readonly #readManifest: () => Promise<Manifest>;
  readonly #gate: () => Promise<void>;

  constructor(manifest: Manifest, readManifest: () => Promise<Manifest>, gate: () => Promise<void>) {
    this.manifest = manifest;
    this.#readManifest = readManifest;
    this.#gate = gate;
  }

  async refresh(): Promise<void> {
    await this.#gate();
    this.manifest = await this.#readManifest();
  }

  async search(): Promise<SearchResult> {
    searches += 1;
    mostSearches = Math.max(mostSearches, searches);
    await searchGate;
    searches -= 1;
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- nobody looks at the rest
    return { hits: [], pagesMatched: 0, manifestVersion: this.manifest.version } as unknown as SearchResult;
  }

  close(): void {
    this.closed = true;
  }
}

const LIMIT_MS = 1_000;

/** Searches under way, and the most that were at once. */
let searches: number;
let mostSearches: number;
let searchGate: Promise<void>;
let nowMs: number;
let store: MemoryStore;
let manifests: Manifest[];
let opened: RecordedIndex[];
let gate: Promise<void>;
let part: ShardPart;

beforeEach(async () => {
  store = new MemoryStore();
  manifests = [];
  for (let version = 1; version <= 3; version++) manifests.push(await writeWordIndex(store, "index", DOCUMENTS));
  opened = [];
  gate = Promise.resolve();
  searchGate = Promise.resolve();
  searches = 0;
  mostSearches = 0;
  nowMs = 0;
  const openAt: OpenAt = async (_, readManifest) => {
    await gate;
    const index = new RecordedIndex(await readManifest(), readManifest, () => gate);
    opened.push(index);
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- as much of an index as a part uses
    return index as unknown as SearchableIndex;
  };
  part = new ShardPart(store, openAt, { ...systemClock, nowMs: () => nowMs });
});

/** Asks for the first `count` segments of `version`. */
async function ask(version: number, count = 1) {
  const manifest = manifests[version - 1];
  if (manifest === undefined) throw new Error(`there is no version ${version}`);
  const { fingerprint, dim } = await wordRecipe();
  const request: ShardRequest = {
    index: "index",
    version,
    commitId: manifest.commitId,
    segmentIds: manifest.segments.slice(0, count).map(({ id }) => id),
    limitMs: LIMIT_MS,
    task: {
      step: "search",
      search: {
        k: 1,
        query: { recipeFingerprint: fingerprint, dim, tokenCount: 0, vectors: new Float32Array(), tokens: [] },
      },
    },
  };
  const answer = await part.ask(request);
  if (!("result" in answer)) throw new Error("a search was answered by something else");
  return answer;
}

describe("a shard's part", () => {
  it("is opened once, with its segments only", async () => {
    await Promise.all([ask(3, 2), ask(3, 2), ask(3, 2)]);
    expect(opened).toHaveLength(1);
    expect(opened[0]?.manifest.segments.map(({ id }) => id)).toEqual(
      manifests[2]?.segments.slice(0, 2).map(({ id }) => id),
    );
  });

  it("leaves out the inverted file, which covers the segments of others too", async () => {
    const covered = await commitManifest(store, "index", (current) => {
      if (current === undefined) throw new Error("no index was written");
      const { recipe, recipeFingerprint, codebook, segments } = current;
      const segmentIds = segments.map(({ id }) => id);
      const inverted = { id: "0123abcd", bytes: 9, openBytes: 9, parts: [9], segmentIds, pageCount: 3, bagEntries: 3 };
      return { recipe, recipeFingerprint, ...(codebook && { codebook }), segments, inverted };
    });
    manifests.push(covered);
    await ask(4);
    expect(opened[0]?.manifest).toMatchObject({ version: 4, inverted: undefined });
  });

  it("refuses a version of an index that was made again", async () => {
    const [first] = manifests;
    if (first !== undefined) manifests[0] = { ...first, commitId: crypto.randomUUID() };
    await expect(ask(1)).rejects.toMatchObject({ code: "manifest_superseded" });
  });

  it("moves on to a newer version and keeps what it has", async () => {
    expect((await ask(1)).result?.manifestVersion).toBe(1);
    expect((await ask(3, 2)).result?.manifestVersion).toBe(3);
    expect(opened).toHaveLength(1);
    expect(opened[0]?.closed).toBe(false);
  });

  it("refuses an older version, and one that is not there", async () => {
    await ask(2);
    await expect(ask(1)).rejects.toMatchObject({
      code: "manifest_superseded",
      message: expect.stringContaining("followed by 2"),
    });
    await store.delete((await store.list("indexes/index/manifests/")).objects.map(({ key }) => key));
    await expect(ask(3)).rejects.toMatchObject({
      code: "manifest_superseded",
      message: expect.stringContaining("not in the bucket"),
    });
    expect((await ask(2)).result?.manifestVersion).toBe(2);
  });

  it("never answers for another version than was asked, however requests cross", async () => {
    const held = Promise.withResolvers<void>();
    gate = held.promise;
    const asked = [1, 2, 1, 3, 2].map((version) => ask(version));
    held.resolve();
    const answers = await Promise.allSettled(asked);
    for (const [position, answer] of answers.entries()) {
      if (answer.status === "rejected") expect(answer.reason).toMatchObject({ code: "manifest_superseded" });
      else expect(answer.value.result?.manifestVersion).toBe([1, 2, 1, 3, 2][position]);
    }
    expect(answers[3]?.status).toBe("fulfilled");
    expect((await ask(3)).result?.manifestVersion).toBe(3);
  });

  it("begins anew when the same version is placed otherwise", async () => {
    await ask(3, 1);
    await ask(3, 2);
    expect(opened.map(({ closed }) => closed)).toEqual([true, false]);
  });

  it("opens again after a failure", async () => {
    const failing = Promise.reject(new Error("the bucket is away"));
    gate = failing;
    await expect(ask(1)).rejects.toThrow("away");
    gate = Promise.resolve();
    await ask(1);
    gate = failing;
    await expect(ask(2)).rejects.toThrow("away");
    expect((await ask(1)).result?.manifestVersion).toBe(1);
  });

  it("searches a few at once, and drops those that nobody waits for any more", async () => {
    await ask(1);
    const held = Promise.withResolvers<void>();
    searchGate = held.promise;
    const asked = Array.from({ length: 20 }, () => ask(1));
    await vi.waitFor(() => expect(searches).toBe(4));
    nowMs = LIMIT_MS;
    held.resolve();
    const answers = await Promise.allSettled(asked);
    expect(mostSearches).toBe(4);
    expect(answers.filter(({ status }) => status === "fulfilled")).toHaveLength(4);
    expect(answers.at(-1)).toMatchObject({ status: "rejected", reason: { code: "shard_timeout" } });
    expect((await ask(1)).result?.manifestVersion).toBe(1);
  });

  it("leaves nothing open that was closed while it opened", async () => {
    const held = Promise.withResolvers<void>();
    gate = held.promise;
    const asked = ask(1);
    part.close();
    held.resolve();
    await expect(asked).rejects.toMatchObject({ code: "internal" });
    expect(opened.map(({ closed }) => closed)).toEqual([true]);
  });
});
