import { readFile } from "node:fs/promises";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { EncodedQuery, SearchRequest } from "../../shared/engine/contract.ts";
import { openIndex } from "../../shared/engine/open-index.ts";
import { MaxleafError } from "../../shared/errors.ts";
import { commitManifest } from "../../shared/format/manifest-store.ts";
import { compileKernel, type KernelModule } from "../../shared/kernel/webassembly.ts";
import { layout } from "../../shared/store/layout.ts";
import type { ObjectStore } from "../../shared/store/object-store.ts";
import { deleteDocument, draftOf } from "./commit-changes.ts";
import { compactIndex } from "./compact.ts";
import { buildInvertedFile } from "./inverted-file.ts";
import { retrainIndex } from "./retrain.ts";
import { add, decorate, pagesOf, TEST_DIM, TestIndex } from "./testing-index.ts";
import { commitEach, documentCountOf, liveContent } from "./testing-maintenance.ts";
import { encodedPage, topicVectors } from "./testing.ts";

let kernelModule: KernelModule;
beforeAll(async () => {
  kernelModule = await compileKernel(await readFile(new URL("../../shared/kernel/build/kernel.wasm", import.meta.url)));
});
let books: TestIndex;
/** Of the index that `driftedIndex` makes. */
let fingerprint = "";
beforeEach(() => {
  books = new TestIndex();
});
afterEach(async () => await books.close());

const target = (store: ObjectStore = books.store) => ({ store, index: books.name });
const retrain = async (store?: ObjectStore) => await retrainIndex(target(store), { threads: 1 });
const content = async () => await liveContent(books.store, await books.manifest());
const isManifest = (key: string) => key.startsWith(layout.manifests(books.name));
const keysBelow = async (prefix: string) => (await books.store.list(prefix)).objects.map(({ key }) => key);

/** `acts` are done one by one, each before another manifest is written. */
function beforeManifests(...acts: (() => Promise<unknown>)[]): ObjectStore {
  return decorate(books.store, {
    put: async (key, ...rest) => {
      if (isManifest(key)) await acts.shift()?.();
      return await books.store.put(key, ...rest);
    },
  });
}

/** Pages of a kind that has topics of its own. */
function pagesOfKind(kind: number, pages: number, vectors = 12) {
  const count = pages * vectors;
  const all = topicVectors({ count, dim: TEST_DIM, topics: 40, spread: 0.25, seed: kind });
  return Array.from({ length: pages }, (_, page) => {
    const values = all.values.subarray(page * vectors * TEST_DIM, (page + 1) * vectors * TEST_DIM);
    return encodedPage({ values, count: vectors, dim: TEST_DIM }, page + 1);
  });
}

/** Trained on one kind of pages, then given four times as many of another. */
async function driftedIndex(): Promise<void> {
  const writer = await books.openWriter();
  await commitEach(writer, { first: pagesOfKind(1, 60) });
  fingerprint = (await books.manifest()).recipeFingerprint;
  await commitEach(writer, Object.fromEntries([2, 3, 4, 5].map((kind) => [`other${kind}`, pagesOfKind(kind, 60)])));
}

describe("retrainIndex", () => {
  it("codes every page anew and leaves all else as it was, exact vectors to the byte", async () => {
    const writer = await books.openWriter();
    const ids = await commitEach(writer, {
      a: pagesOf(1, 30, 0, 25),
      b: pagesOf(2, 40),
      scan: pagesOf(3, 0),
      gone: pagesOf(4, 50),
    });
    await deleteDocument(target(), ids.get("gone") ?? "");
    await commitEach(writer, { c: pagesOf(5, 20) });
    const [earlier, before] = [await books.manifest(), await content()];
    const stages = new Map<string, number>();
    const report = await retrainIndex(target(), {
      threads: 1,
      onProgress: ({ stage, share }) => stages.set(stage, share),
    });
    const [manifest, after] = [await books.manifest(), await content()];
    expect(report).toMatchObject({ manifestVersion: 7, pages: 6, vectors: 115, segmentsBefore: 4, segmentsAfter: 1 });
    expect([...stages]).toEqual([
      ["sampling", 1],
      ["training", 1],
      ["rewriting", 1],
    ]);
    expect(manifest.codebook).toMatchObject({ trainedOnVectors: 115, subspaces: earlier.codebook?.subspaces });
    expect(manifest.codebook?.id).not.toBe(earlier.codebook?.id);
    expect([...after.keys()]).toEqual([...before.keys()]);
    for (const [key, { codes, bag, ...page }] of after) {
      const { codes: oldCodes, bag: _bag, ...oldPage } = before.get(key) ?? {};
      expect(page).toEqual(oldPage);
      expect(codes.centroidIds.length).toBe(oldCodes?.centroidIds.length);
      expect(bag).toEqual([...new Set(codes.centroidIds)].toSorted((x, y) => x - y));
    }
    expect(await liveContent(books.store, earlier)).toEqual(before);
    expect(await keysBelow(layout.codebook(books.name, ""))).toHaveLength(2);
  });

  it("brings back what searches by codes had lost to drift", async () => {
    await driftedIndex();
    const before = await recall();
    const report = await retrain();
    const after = await recall();
    expect(report?.driftBefore).toBeGreaterThan(1.25);
    expect(report?.driftAfter).toBeLessThan(1.1);
    expect(report?.centroidsAfter).toBeGreaterThan(report?.centroidsBefore ?? Infinity);
    expect(after).toBeGreaterThan(before + 0.1);
  });

  it("keeps the index's own number of subspaces, and drops its calibration", async () => {
    await driftedIndex();
    const calibration = { measuredAtMs: 1, queries: 1, k: 10 as const, source: "given" as const, points: [] };
    await commitManifest(books.store, books.name, (current) => {
      if (current === undefined) throw new Error("there is no index");
      return { ...draftOf(current, current.segments), settings: { subspaces: 8 }, calibration };
    });
    await retrain();
    const manifest = await books.manifest();
    expect(manifest.codebook?.subspaces).toBe(8);
    expect(manifest.settings).toEqual({ subspaces: 8 });
    expect(manifest.calibration).toBeUndefined();
  });

  it.each(["bags", "lists", "heads"] as const)(
    "has a new inverted file at once, and readers by %s go over",
    async (holding) => {
      await driftedIndex();
      await buildInvertedFile(target());
      const opened = await openIndex({ store: books.store, index: books.name, kernelModule, holding });
      const [query] = queries();
      if (query === undefined) throw new Error("there is no query");
      const request: SearchRequest = { query, k: 5, accuracy: "exact", bare: true };
      const exact = (await opened.search(request)).hits;
      await retrain();
      const { inverted, segments } = await books.manifest();
      expect(inverted?.segmentIds).toEqual(segments.map(({ id }) => id));
      // A reader of the old version still has all that it needs, and the new one answers alike.
      expect((await opened.search(request)).hits).toEqual(exact);
      await opened.refresh();
      expect(opened.manifest.inverted).toEqual(inverted);
      expect((await opened.search(request)).hits.map(pageOf)).toEqual(exact.map(pageOf));
      opened.close();
    },
  );

  it("leaves nothing behind when it is stopped", async () => {
    await commitEach(await books.openWriter(), { a: pagesOf(1, 30), b: pagesOf(2, 30) });
    const manifest = await books.manifest();
    for (const stage of ["sampling", "training", "rewriting"]) {
      const stop = new AbortController();
      const onProgress = (at: { stage: string }) => {
        if (at.stage === stage) stop.abort(new Error("stopped"));
      };
      const stopped = retrainIndex(target(), { threads: 1, signal: stop.signal, onProgress });
      await expect(stopped).rejects.toThrow("stopped");
    }
    expect(await books.manifest()).toEqual(manifest);
    expect(await keysBelow(layout.codebook(books.name, ""))).toHaveLength(1);
    expect(await keysBelow(layout.segment(books.name, ""))).toHaveLength(2 * 2);
  });

  it("does nothing without vectors, and names an index that is not there", async () => {
    const writer = await books.openWriter();
    const ids = await commitEach(writer, { scan: pagesOf(1, 0) });
    expect(await retrain()).toBeUndefined();
    await commitEach(writer, { text: pagesOf(1, 30) });
    ids.set(
      "text",
      [...(await content()).values()].find(({ document }) => document.name === "text")?.document.id ?? "",
    );
    await deleteDocument(target(), ids.get("text") ?? "");
    expect(await retrain()).toBeUndefined();
    const nothing = retrainIndex({ store: books.store, index: "nothing" });
    await expect(nothing).rejects.toMatchObject({ code: "index_not_found" });
  });
});

describe("other writers while an index is trained anew", () => {
  it("add documents, which are coded before the commit; later ones by their writers", async () => {
    const writer = await books.openWriter();
    await commitEach(writer, { a: pagesOf(1, 30), b: pagesOf(2, 30) });
    const store = beforeManifests(
      async () => await commitEach(writer, { c: pagesOf(3, 25), scan: pagesOf(4, 0) }),
      async () => await commitEach(writer, { d: pagesOf(5, 25) }),
    );
    await retrain(store);
    expect(await books.liveNames()).toEqual(["a@a-1", "b@b-1", "c@c-1", "d@d-1", "scan@scan-1"]);
    const segments = await books.segments();
    const { codebook } = await books.manifest();
    expect(segments.map(({ identity }) => identity.codebookId)).toEqual([
      codebook?.id,
      codebook?.id,
      "none",
      codebook?.id,
    ]);
    // A writer that was opened under the old codebook codes by the new one.
    await add(writer, "e", pagesOf(6, 15));
    await writer.commit();
    expect(await books.liveNames()).toHaveLength(6);
    await liveContent(books.store, await books.manifest());
  });

  it("commit documents that they coded under the old codebook: they code them again", async () => {
    const first = await books.openWriter();
    await commitEach(first, { a: pagesOf(1, 30) });
    const writer = await books.openWriter({ store: beforeManifests(retrain) });
    await add(writer, "b", pagesOf(2, 30));
    await writer.commit();
    expect((await books.liveNames()).map((name) => name[0])).toEqual(["a", "b"]);
    await books.segments();
  });

  it("delete and replace", async () => {
    const writer = await books.openWriter();
    const ids = await commitEach(writer, { a: pagesOf(1, 30), b: pagesOf(2, 30), c: pagesOf(3, 30) });
    const store = beforeManifests(
      async () => await deleteDocument(target(), ids.get("a") ?? ""),
      async () => {
        await add(writer, "b", pagesOf(4, 10), "b-2");
        await writer.commit();
      },
    );
    await retrain(store);
    expect(await books.liveNames()).toEqual(["b@b-2", "c@c-1"]);
    expect(documentCountOf(await books.manifest())).toBe(2);
    await books.segments();
  });

  it("compact: what they rewrote is coded again", async () => {
    const writer = await books.openWriter();
    await commitEach(writer, { a: pagesOf(1, 30), b: pagesOf(2, 30), c: pagesOf(3, 30) });
    const [before, { codebook }] = [await content(), await books.manifest()];
    await retrain(beforeManifests(async () => await compactIndex(target())));
    const after = await content();
    expect([...after].map(([key, { exact }]) => [key, exact])).toEqual(
      [...before].map(([key, { exact }]) => [key, exact]),
    );
    expect((await books.manifest()).codebook?.id).not.toBe(codebook?.id);
    await books.segments();
  });

  it("train it anew: the loser ends with a conflict and leaves nothing behind", async () => {
    await commitEach(await books.openWriter(), { a: pagesOf(1, 30), b: pagesOf(2, 30) });
    await expect(retrain(beforeManifests(retrain))).rejects.toMatchObject({ code: "commit_conflict" });
    expect(await keysBelow(layout.codebook(books.name, ""))).toHaveLength(2);
    expect(await keysBelow(layout.segment(books.name, ""))).toHaveLength(2 * 3);
    await books.segments();
  });

  it("see the old state or the new after a crash at any write", async () => {
    const writer = await books.openWriter();
    await commitEach(writer, { a: pagesOf(1, 30), b: pagesOf(2, 30) });
    await buildInvertedFile(target());
    for (let allowed = 0; ; allowed++) {
      let writes = 0;
      const gone = new MaxleafError("store_unavailable", "the power is gone");
      const crashing = decorate(books.store, {
        put: async (...args) => {
          if (writes++ >= allowed) throw gone;
          return await books.store.put(...args);
        },
        delete: async () => await Promise.reject(gone),
      });
      const earlier = await books.manifest();
      const attempt = retrainIndex({ ...target(crashing), retries: 0 }, { threads: 1 });
      const failure = await attempt.then(() => undefined).catch((error: unknown) => error);
      const manifest = await books.manifest();
      expect(manifest.inverted).toBeDefined();
      await books.segments();
      if (failure === undefined) break;
      expect(manifest).toEqual(earlier);
    }
    expect((await books.manifest()).segments).toHaveLength(1);
  });
});

/** Every seventh page asks for itself: its vectors, each pushed a little. */
function queries(): EncodedQuery[] {
  return [1, 2, 3, 4, 5].flatMap((kind) =>
    pagesOfKind(kind, 60)
      .filter((_, page) => page % 7 === 0)
      .map(({ vectors }, at) => {
        const noise = topicVectors({ count: 4, dim: TEST_DIM, topics: 1, spread: 5, seed: 100 * kind + at }).values;
        const values = vectors.slice(0, 4 * TEST_DIM).map((value, i) => value + 0.35 * (noise[i] ?? 0));
        return queryOf(values);
      }),
  );
}

function queryOf(values: Float32Array): EncodedQuery {
  const tokenCount = values.length / TEST_DIM;
  const tokens = Array.from({ length: tokenCount }, (_, token) => ({
    text: `t${token}`,
    start: token,
    end: token + 1,
  }));
  for (let row = 0; row < tokenCount; row++) {
    const vector = values.subarray(row * TEST_DIM, (row + 1) * TEST_DIM);
    const norm = Math.hypot(...vector);
    vector.forEach((value, i) => (vector[i] = value / norm));
  }
  return { recipeFingerprint: fingerprint, dim: TEST_DIM, tokenCount, vectors: values, tokens };
}

/** Recall@10 of searches by codes against the exact answers. */
async function recall(): Promise<number> {
  const opened = await openIndex({ store: books.store, index: books.name, kernelModule });
  let found = 0;
  const asked = queries();
  for (const query of asked) {
    const request: SearchRequest = { query, k: 10, bare: true };
    const exact = new Set((await opened.search({ ...request, accuracy: "exact" })).hits.map(pageOf));
    const { hits } = await opened.search({ ...request, candidates: 20, exact: 0 });
    found += hits.filter((hit) => exact.has(pageOf(hit))).length / 10;
  }
  opened.close();
  return found / asked.length;
}

function pageOf({ documentId, pageNumber }: { documentId: string; pageNumber: number }): string {
  return `${documentId}/${pageNumber}`;
}
