import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MaxleafError } from "../errors.ts";
import { MAX_MANIFEST_BYTES } from "../limits.ts";
import type { Clock, Random } from "../ports.ts";
import { recipeFingerprint } from "../recipe/fingerprint.ts";
import { CountingStore } from "../store/counting-store.ts";
import { layout } from "../store/layout.ts";
import { MemoryStore } from "../store/memory-store.ts";
import type { ByteRange, ListOptions, ObjectStore, PutOptions } from "../store/object-store.ts";
import {
  decodeManifest,
  encodeManifest,
  MANIFEST_FORMAT,
  type Manifest,
  type SegmentEntry,
  stillCovered,
} from "./manifest.ts";
import {
  commitManifest,
  listIndexes,
  type ManifestDraft,
  readManifest,
  readManifestAfter,
  readManifestVersion,
} from "./manifest-store.ts";
import { testRecipe } from "./testing/samples.ts";

const INDEX = "reports";
const fingerprint = await recipeFingerprint(testRecipe);

/** Retries without waiting; jitter from a fixed sequence. */
function instantPorts(): { clock: Clock; random: Random; sleptMs: number[] } {
  const sleptMs: number[] = [];
  const sleep = async (durationMs: number) => {
    sleptMs.push(durationMs);
    await Promise.resolve();
  };
  return { clock: { nowMs: () => 1_700_000_000_000, sleep }, random: { next: () => 0.5 }, sleptMs };
}

function segmentEntry(number: number): SegmentEntry {
  return {
    id: number.toString(16).padStart(8, "0"),
    bytes: 1,
    vectorsBytes: 1,
    documentCount: 1,
    pageCount: 1,
    searchablePageCount: 1,
    vectorCount: 1,
    bagEntries: 1,
    meanResidualNorm: 0.5,
    deletedDocuments: [],
  };
}

function draftWith(current: Manifest | undefined, entry: SegmentEntry): ManifestDraft {
  return { recipe: testRecipe, recipeFingerprint: fingerprint, segments: [...(current?.segments ?? []), entry] };
}

async function addSegment(store: ObjectStore, number: number): Promise<Manifest> {
  return await commitManifest(store, INDEX, (current) => draftWith(current, segmentEntry(number)), instantPorts());
}

const idsOf = (manifest: Manifest | undefined) => manifest?.segments.map((segment) => segment.id);
const readText = async (store: ObjectStore, key: string) => new TextDecoder().decode((await store.get(key))?.bytes);

/** A store whose calls go wrong as `plan` says. */
class FaultyStore implements ObjectStore {
  readonly #inner: ObjectStore;
  readonly #beforePut: (key: string) => "fail" | "lose reply" | undefined;

  constructor(inner: ObjectStore, beforePut: (key: string) => "fail" | "lose reply" | undefined) {
    this.#inner = inner;
    this.#beforePut = beforePut;
  }

  async get(key: string, range?: ByteRange) {
    return await this.#inner.get(key, range);
  }

  async put(key: string, bytes: Uint8Array, options?: PutOptions) {
    const fault = this.#beforePut(key);
    const unavailable = new MaxleafError("store_unavailable", "the store answered 429");
    if (fault === "fail") throw unavailable;
    const written = await this.#inner.put(key, bytes, options);
    if (fault === "lose reply") throw unavailable;
    return written;
  }

  async delete(keys: readonly string[]) {
    await this.#inner.delete(keys);
  }

  async list(prefix: string, options?: ListOptions) {
    return await this.#inner.list(prefix, options);
  }
}

describe("reading the newest manifest", () => {
  it("gives undefined for an index that does not exist", async () => {
    expect(await readManifest(new MemoryStore(), INDEX)).toBeUndefined();
  });

  it("takes two waves of reads and no listing when the hint is right", async () => {
    const memory = new MemoryStore();
    await addSegment(memory, 1);
    await addSegment(memory, 2);
    const store = new CountingStore(memory);
    expect(await readManifest(store, INDEX)).toMatchObject({ version: 2, index: INDEX });
    expect(store.counts).toMatchObject({ gets: 3, lists: 0, serialReadWaves: 2 });
  });

  it.each([
    ["is behind by a few", "2"],
    ["is behind by many", "1"],
    ["names a version that is not there", "999"],
    ["is no number", "newest"],
    ["is empty", ""],
    ["is negative", "-3"],
    ["is not UTF-8", "\u00ff"],
  ])("finds it when the hint %s", async (_what, hint) => {
    const store = new MemoryStore();
    for (let number = 1; number <= 15; number++) await addSegment(store, number);
    await store.put(
      layout.current(INDEX),
      Uint8Array.from(hint, (character) => character.charCodeAt(0)),
    );
    expect((await readManifest(store, INDEX))?.version).toBe(15);
  });

  it("takes one read from the version that was the newest, and finds whatever came after it", async () => {
    const store = new MemoryStore();
    const known = await addSegment(store, 1);
    const counting = new CountingStore(store);
    expect(await readManifestAfter(counting, known)).toEqual(known);
    expect(counting.counts).toMatchObject({ gets: 1, lists: 0 });
    for (let number = 2; number <= 40; number++) {
      const newest = await addSegment(store, number);
      expect(await readManifestAfter(store, known)).toEqual(newest);
    }
    const dropped = { recipe: testRecipe, recipeFingerprint: fingerprint, segments: [], droppedAtMs: 1 };
    await commitManifest(store, INDEX, () => dropped, instantPorts());
    expect(await readManifestAfter(store, known)).toBeUndefined();
  });

  it("finds it without the hint", async () => {
    const store = new MemoryStore();
    await addSegment(store, 1);
    await addSegment(store, 2);
    await store.delete([layout.current(INDEX)]);
    expect((await readManifest(store, INDEX))?.version).toBe(2);
  });

  const inverted = {
    id: "00000001",
    bytes: 200,
    openBytes: 100,
    parts: [40],
    segmentIds: [] as string[],
    pageCount: 1,
    bagEntries: 1,
  };
  const valid = {
    format: MANIFEST_FORMAT,
    index: INDEX,
    version: 1,
    commitId: "a7cf9b3a-7c60-4c55-9d39-4b8d9a1a4a11",
    committedAtMs: 5,
    recipe: testRecipe,
    recipeFingerprint: fingerprint,
    segments: [],
  };

  it.each([
    ["no JSON", "{", "corrupt_data", /not JSON/],
    ["a list", "[]", "corrupt_data", /wrong field/],
    ["a field missing", JSON.stringify({ ...valid, segments: undefined }), "corrupt_data", /"segments"/],
    ["a field too many", JSON.stringify({ ...valid, surprise: 1 }), "corrupt_data", /surprise/],
    ["another index's name", JSON.stringify({ ...valid, index: "other" }), "corrupt_data", /version 1 of "other"/],
    ["another version", JSON.stringify({ ...valid, version: 7 }), "corrupt_data", /version 7 of/],
    [
      "a wrong fingerprint",
      JSON.stringify({ ...valid, recipeFingerprint: "0" }),
      "corrupt_data",
      /not the fingerprint/,
    ],
    ["an earlier format", JSON.stringify({ format: 1 }), "unsupported_format_version", /format version 1; .* reads 2/],
    ["a later format", JSON.stringify({ format: 3 }), "unsupported_format_version", /format version 3/],
    [
      "an inverted file of a segment that is gone",
      JSON.stringify({ ...valid, inverted: { ...inverted, segmentIds: ["00000009"] } }),
      "corrupt_data",
      /"inverted.segmentIds": segments of the inverted file are missing/,
    ],
  ])("refuses one with %s", async (_what, text, code, message) => {
    const store = new MemoryStore();
    await store.put(layout.manifest(INDEX, 1), new TextEncoder().encode(text));
    await expect(readManifest(store, INDEX)).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  });

  it("keeps what its inverted file and its calibration say", async () => {
    const store = new MemoryStore();
    const manifest: Manifest = {
      ...(await addSegment(store, 1)),
      inverted: { ...inverted, segmentIds: [segmentEntry(1).id] },
      calibration: {
        measuredAtMs: 5,
        queries: 32,
        k: 10,
        source: "sampled",
        points: [{ path: "pruned", nprobe: 8, candidates: 128, exact: 16, recall: 0.985, costUs: 4_200 }],
      },
    };
    expect(decodeManifest(encodeManifest(manifest), "manifest")).toEqual(manifest);
    expect(stillCovered(manifest.inverted, [segmentEntry(2), segmentEntry(1)])).toEqual(manifest.inverted);
    expect(stillCovered(manifest.inverted, [segmentEntry(2)])).toBeUndefined();
    expect(() => encodeManifest({ ...manifest, segments: [] })).toThrow(/segments of the inverted file are missing/);
  });

  it("refuses one that is too large without reading all of it", async () => {
    const memory = new MemoryStore();
    await memory.put(layout.manifest(INDEX, 1), new Uint8Array(MAX_MANIFEST_BYTES + 10));
    const store = new CountingStore(memory);
    await expect(readManifestVersion(store, INDEX, 1)).rejects.toThrow(/it has 16777226 bytes/);
    expect(store.counts.bytesRead).toBe(MAX_MANIFEST_BYTES);
  });

  it("refuses a foreign object among the manifests", async () => {
    const store = new MemoryStore();
    await store.put(`${layout.manifests(INDEX)}zzz`, Uint8Array.of(1));
    await expect(readManifest(store, INDEX)).rejects.toMatchObject({ code: "corrupt_data" });
  });
});

describe("committing", () => {
  it("makes the index, then version after version, and moves the hint", async () => {
    const store = new MemoryStore();
    expect(await addSegment(store, 1)).toMatchObject({ format: 2, index: INDEX, version: 1, recipe: testRecipe });
    const second = await addSegment(store, 2);
    expect(second.version).toBe(2);
    expect(await readManifest(store, INDEX)).toEqual(second);
    expect(await readText(store, layout.current(INDEX))).toBe("2");
  });

  it("makes different bytes of equal content", async () => {
    const commitIds = await Promise.all(
      [1, 1].map(async (number) => (await addSegment(new MemoryStore(), number)).commitId),
    );
    expect(new Set(commitIds).size).toBe(2);
  });

  it("loses nothing when ten writers commit at once", async () => {
    const store = new MemoryStore();
    const numbers = Array.from({ length: 10 }, (_, index) => index);
    const manifests = await Promise.all(numbers.map(async (number) => await addSegment(store, number)));
    expect(manifests.map(({ version }) => version).toSorted((a, b) => a - b)).toEqual(
      numbers.map((number) => number + 1),
    );
    const newest = await readManifest(store, INDEX);
    expect(new Set(idsOf(newest))).toEqual(new Set(numbers.map((number) => segmentEntry(number).id)));
    expect(newest?.segments).toHaveLength(10);
  });

  it("gives up after its retries, with the waits between them bounded", async () => {
    const memory = new MemoryStore();
    const ports = instantPorts();
    let versions = 0;
    // Another writer is always faster.
    const mutate = async (current: Manifest | undefined) => {
      versions += 1;
      await addSegment(memory, versions);
      return draftWith(current, segmentEntry(999));
    };
    const committing = commitManifest(memory, INDEX, mutate, { ...ports, retries: 8 });
    await expect(committing).rejects.toMatchObject({
      code: "commit_conflict",
      message: expect.stringMatching(/9 times/),
    });
    expect(idsOf(await readManifest(memory, INDEX))).not.toContain(segmentEntry(999).id);
    expect(ports.sleptMs).toHaveLength(8);
    expect(Math.max(...ports.sleptMs)).toBe(1_000);
  });

  it("commits once when the store fails or loses replies at random", async () => {
    const faults = fc.array(fc.constantFrom("fail", "lose reply", undefined), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(faults, faults, async (first, second) => {
        const memory = new MemoryStore();
        const writers = [first, second].map((plan, number) => {
          const pending = [...plan];
          return addSegment(new FaultyStore(memory, () => pending.shift()), number);
        });
        const manifests = await Promise.all(writers);
        const newest = await readManifest(memory, INDEX);
        expect(idsOf(newest)?.toSorted()).toEqual([segmentEntry(0).id, segmentEntry(1).id]);
        expect(new Set(manifests.map(({ version }) => version))).toEqual(new Set([1, 2]));
        for (const manifest of manifests) {
          expect(await readManifestVersion(memory, INDEX, manifest.version)).toEqual(manifest);
        }
      }),
    );
  });

  it("knows its own write when the reply was lost and another writer went on", async () => {
    const memory = new MemoryStore();
    let isLost = false;
    const store = new FaultyStore(memory, (key) => {
      if (isLost || key === layout.current(INDEX)) return undefined;
      isLost = true;
      return "lose reply";
    });
    const clock: Clock = { nowMs: () => 1, sleep: async () => void (await addSegment(memory, 2)) };
    const first = await commitManifest(store, INDEX, (current) => draftWith(current, segmentEntry(1)), { clock });
    expect(first.version).toBe(1);
    expect(idsOf(await readManifest(memory, INDEX))).toEqual([segmentEntry(1).id, segmentEntry(2).id]);
  });

  it("reports a store that stays away as such", async () => {
    const store = new FaultyStore(new MemoryStore(), () => "fail");
    await expect(addSegment(store, 1)).rejects.toMatchObject({ code: "store_unavailable" });
  });

  it("succeeds although the hint cannot be moved", async () => {
    const memory = new MemoryStore();
    const store = new FaultyStore(memory, (key) => (key === layout.current(INDEX) ? "fail" : undefined));
    await addSegment(store, 1);
    expect(await memory.get(layout.current(INDEX))).toBeUndefined();
    expect((await readManifest(memory, INDEX))?.version).toBe(1);
  });

  it("does not move the hint back", async () => {
    const store = new MemoryStore();
    await addSegment(store, 1);
    await store.put(layout.current(INDEX), new TextEncoder().encode("40"));
    await addSegment(store, 2);
    expect(await readText(store, layout.current(INDEX))).toBe("40");
    expect((await readManifest(store, INDEX))?.version).toBe(2);
  });

  it("passes on what the change throws and writes nothing", async () => {
    const store = new CountingStore(new MemoryStore());
    const refusal = new MaxleafError("document_not_found", "no such document");
    const committing = commitManifest(store, INDEX, () => {
      throw refusal;
    });
    await expect(committing).rejects.toBe(refusal);
    expect(store.counts.puts).toBe(0);
  });

  it("refuses a name that is no index name and content that breaks the schema", async () => {
    const store = new MemoryStore();
    await expect(commitManifest(store, "../other", () => draftWith(undefined, segmentEntry(1)))).rejects.toMatchObject({
      code: "invalid_name",
    });
    const unordered = { ...segmentEntry(1), documentCount: 3, deletedDocuments: [2, 1] };
    await expect(commitManifest(store, INDEX, () => draftWith(undefined, unordered))).rejects.toThrow(/not ascending/);
    const broken = { ...segmentEntry(1), bytes: -1 };
    await expect(commitManifest(store, INDEX, () => draftWith(undefined, broken))).rejects.toMatchObject({
      code: "internal",
      message: expect.stringMatching(/segments\.0\.bytes/),
    });
    expect((await store.list("")).objects).toEqual([]);
  });
});

describe("listing indexes", () => {
  it("gives each name once, in order", async () => {
    const store = new MemoryStore();
    for (const name of ["b", "a", "c-2"]) {
      await commitManifest(store, name, (current) => draftWith(current, segmentEntry(1)), instantPorts());
      await store.put(layout.segment(name, "0123abcd"), Uint8Array.of(1));
    }
    await store.put("elsewhere/x", Uint8Array.of(1));
    expect(await listIndexes(store)).toEqual(["a", "b", "c-2"]);
    expect(await listIndexes(new MemoryStore())).toEqual([]);
  });
});
