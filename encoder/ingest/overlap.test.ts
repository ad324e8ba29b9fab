/**
 * What overlaps in the pipeline and what waits for what: the real renderer, a model of one vector a page, and a store in memory
 * that does not answer until it is told to.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { MaxleafError } from "../../shared/errors.ts";
import { readManifest } from "../../shared/format/manifest-store.ts";
import { layout } from "../../shared/store/layout.ts";
import { MemoryStore } from "../../shared/store/memory-store.ts";
import type { ObjectStore, PutOptions } from "../../shared/store/object-store.ts";
import { recipeFingerprint } from "../../shared/recipe/fingerprint.ts";
import { testRecipe } from "../../shared/recipe/testing.ts";
import { DocumentTables } from "../indexing/document-index.ts";
import type { Model, PageInput } from "../models/model.ts";
import { textPdf } from "../render/fixtures.ts";
import { MAX_RENDER_PROCESSES } from "../render/limits.ts";
import { discoverFiles } from "./discover.ts";
import { DOCUMENTS_AT_ONCE, ingestFiles, type IngestOptions, PAGES_AT_ONCE } from "./pipeline.ts";

const INDEX = "gated";
const DIM = 16;
const SMALL_DOCUMENTS = 9;
const LONG_PAGES = PAGES_AT_ONCE + MAX_RENDER_PROCESSES + 10;
/** A commit for every two documents of one page. */
const COMMIT_LIMITS = { commitAt: { vectors: 2, pages: 1_000 }, maxPending: 100 };
/** For what must not happen to have had its chance. */
const CHANCE_MS = 400;

let folder: string;
let model: Model;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "maxleaf-overlap-"));
  for (let at = 0; at < SMALL_DOCUMENTS; at++)
    await writeFile(join(folder, `s${at}.pdf`), await textPdf([`page ${at}`]));
  await writeFile(join(folder, "long.pdf"), await textPdf(Array.from({ length: LONG_PAGES }, String)));
  model = await oneVectorModel();
});
afterAll(() => rm(folder, { recursive: true }));

async function oneVectorModel(): Promise<Model> {
  const recipe = testRecipe({ dim: DIM, geometry: "grid" });
  const encode = ({ pageNumber, width, height }: PageInput) => {
    const vectors = new Float32Array(DIM);
    vectors[pageNumber % DIM] = 1;
    const regionOfVector = Uint16Array.of(0);
    const geometry = { kind: "grid" as const, boxes: new Uint16Array(0), columns: 1, rows: 1, regionOfVector };
    const status = "searchable" as const;
    return { pageNumber, width, height, status, vectorCount: 1, vectors, geometry, text: "", wordsLeftOut: 0 };
  };
  return {
    recipe,
    recipeFingerprint: await recipeFingerprint(recipe),
    encodePages: async (pages) => pages.map(encode),
    encodeQuery: () => Promise.reject(new Error("no question is asked")),
    dispose: () => Promise.resolve(),
  };
}

/** A store whose writes to some keys wait for `open`. */
class GatedStore extends MemoryStore {
  /** Keys of the writes that came to the gate. */
  readonly waiting: string[] = [];
  readonly #isGated: (key: string) => boolean;
  readonly #gate = Promise.withResolvers<void>();
  readonly #reached = Promise.withResolvers<void>();

  constructor(isGated: (key: string) => boolean) {
    super();
    this.#isGated = isGated;
  }

  /** Resolves when the first write waits. */
  get reached(): Promise<void> {
    return this.#reached.promise;
  }

  open(error?: Error): void {
    if (error === undefined) this.#gate.resolve();
    else this.#gate.reject(error);
  }

  override async put(key: string, bytes: Uint8Array, options?: PutOptions): Promise<{ etag: string }> {
    if (this.#isGated(key)) {
      this.waiting.push(key);
      this.#reached.resolve();
      await this.#gate.promise;
    }
    return await super.put(key, bytes, options);
  }
}

const isFirstManifest = (key: string) => key === layout.manifest(INDEX, 1);
const isImage = (key: string) => key.endsWith(".webp");

async function foundSmall() {
  return await discoverFiles(Array.from({ length: SMALL_DOCUMENTS }, (_, at) => join(folder, `s${at}.pdf`)));
}

async function ingest(store: ObjectStore, options: Partial<IngestOptions>) {
  const found = options.found ?? (await foundSmall());
  return await ingestFiles({ store, index: INDEX, model, threads: 1, commitLimits: COMMIT_LIMITS, ...options, found });
}

async function namesIn(store: ObjectStore): Promise<string[]> {
  const manifest = await readManifest(store, INDEX);
  if (manifest === undefined) return [];
  const live = await new DocumentTables(store, INDEX).liveDocuments(manifest);
  return [...live.values()].map(({ entry }) => entry.name).toSorted();
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await wait(5);
}

const wait = async (ms: number) => await new Promise((resolve) => setTimeout(resolve, ms));

describe("a commit", () => {
  it("runs while the documents after it are rendered and encoded", async () => {
    const store = new GatedStore(isFirstManifest);
    const done: string[] = [];
    const committed: string[] = [];
    const observer = {
      onFile: ({ name }: { name: string }) => void done.push(name),
      onCommitted: ({ name }: { name: string }) => void committed.push(name),
    };
    const ingesting = ingest(store, { observer });
    await until(() => done.length === SMALL_DOCUMENTS);
    // All are through, and not one is in the index: the first commit has not ended.
    expect(store.waiting).toEqual([layout.manifest(INDEX, 1)]);
    expect([committed, await namesIn(store)]).toEqual([[], []]);
    store.open();
    const report = await ingesting;
    expect(report).toMatchObject({ added: SMALL_DOCUMENTS, manifestVersion: 2, failed: [] });
    expect(committed.toSorted()).toEqual(done.toSorted());
    expect(await namesIn(store)).toEqual(done.toSorted());
  });

  it("that takes too long keeps further documents from being begun", async () => {
    const store = new GatedStore(isFirstManifest);
    let done = 0;
    const commitLimits = { ...COMMIT_LIMITS, maxPending: 1 };
    const ingesting = ingest(store, { commitLimits, observer: { onFile: () => void done++ } });
    await store.reached;
    await until(() => done >= DOCUMENTS_AT_ONCE);
    await wait(CHANCE_MS);
    // Those under way when the limit was reached, after those of the commit.
    expect(done).toBeLessThanOrEqual(2 + DOCUMENTS_AT_ONCE - 1);
    store.open();
    expect(await ingesting).toMatchObject({ added: SMALL_DOCUMENTS });
    expect(await namesIn(store)).toHaveLength(SMALL_DOCUMENTS);
  });

  it("under way ends when the ingestion is stopped, and what was done is committed after it", async () => {
    const store = new GatedStore(isFirstManifest);
    const stop = new AbortController();
    const done: string[] = [];
    const committed: string[] = [];
    const observer = {
      onFile: ({ name }: { name: string }) => void done.push(name),
      onCommitted: ({ name }: { name: string }) => void committed.push(name),
    };
    const ingesting = ingest(store, { observer, signal: stop.signal });
    await store.reached;
    await until(() => done.length >= 3);
    stop.abort();
    await wait(0);
    store.open();
    const report = await ingesting;
    expect(report).toMatchObject({ interrupted: true, failed: [], added: done.length });
    expect(await namesIn(store)).toEqual(done.toSorted());
    expect(committed.toSorted()).toEqual(done.toSorted());
    expect(await ingest(store, {})).toMatchObject({ unchanged: done.length, added: SMALL_DOCUMENTS - done.length });
  });

  it.each([
    ["of the store", new MaxleafError("store_unavailable", "the bucket is gone"), "store_unavailable"],
    ["of any kind", new Error("the disk is on fire"), "internal"],
  ])(
    "that fails with an error %s ends the ingestion, which reports nothing as committed",
    async (_kind, error, code) => {
      const store = new GatedStore((key) => key.startsWith(layout.segment(INDEX, "")));
      const committed: string[] = [];
      const observer = { onCommitted: ({ name }: { name: string }) => void committed.push(name) };
      const ingesting = ingest(store, { observer });
      ingesting.catch(() => undefined);
      await store.reached;
      store.open(error);
      await expect(ingesting).rejects.toMatchObject({ code });
      expect([committed, await namesIn(store)]).toEqual([[], []]);
      expect(await ingest(new MemoryStore(), {})).toMatchObject({ added: SMALL_DOCUMENTS });
    },
  );
});

describe("a store that is slow", () => {
  it("makes the renderer wait: a long document has a fixed number of pages in memory", async () => {
    const store = new GatedStore(isImage);
    let rendered = 0;
    let finished = 0;
    const observer = {
      onStage: (stage: string) => void (stage === "render" && rendered++),
      onPage: () => void finished++,
    };
    const found = await discoverFiles([join(folder, "long.pdf")]);
    const ingesting = ingest(store, { found, observer });
    await until(() => rendered >= PAGES_AT_ONCE);
    await wait(CHANCE_MS);
    // Image and thumbnail of each.
    expect(store.waiting).toHaveLength(2 * PAGES_AT_ONCE);
    // Each process has the next page ready.
    expect(rendered).toBeLessThanOrEqual(PAGES_AT_ONCE + MAX_RENDER_PROCESSES);
    expect(finished).toBe(0);
    store.open();
    expect(await ingesting).toMatchObject({ added: 1, pages: LONG_PAGES, searchablePages: LONG_PAGES });
    expect(finished).toBe(LONG_PAGES);
  });
});
