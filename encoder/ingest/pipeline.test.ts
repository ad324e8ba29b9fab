/**
 * The pipeline with the real renderer and the real model over a store in memory. What it finds is test/e2e's to check.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import PDFDocument from "pdfkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { MaxleafError } from "../../shared/errors.ts";
import { readManifest } from "../../shared/format/manifest-store.ts";
import { documentIdOf } from "../../shared/names.ts";
import { layout } from "../../shared/store/layout.ts";
import { MemoryStore } from "../../shared/store/memory-store.ts";
import type { ObjectStore, PutOptions } from "../../shared/store/object-store.ts";
import { DocumentTables } from "../indexing/document-index.ts";
import type { Model } from "../models/model.ts";
import { loadModel } from "../models/registry.ts";
import { discoverFiles } from "./discover.ts";
import { ingestFiles, type IngestOptions } from "./pipeline.ts";

const INDEX = "tales";
const NAMES = ["ant.pdf", "bee.pdf", "cat.pdf"];

let folder: string;
let model: Model;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "maxleaf-pipeline-"));
  model = await loadModel("minilm-words");
  for (const name of NAMES) await writeFile(join(folder, name), await pdf(name, ["first page", "second page"]));
});

afterAll(async () => {
  await model.dispose();
  await rm(folder, { recursive: true, force: true });
});

async function pdf(title: string, pages: readonly string[]): Promise<Buffer> {
  const document = new PDFDocument({ autoFirstPage: false });
  const chunks: Buffer[] = [];
  document.on("data", (chunk: Buffer) => chunks.push(chunk));
  const ended = new Promise((resolve) => document.once("end", resolve));
  for (const text of pages) document.addPage().text(`${title}: ${text}`);
  document.end();
  await ended;
  return Buffer.concat(chunks);
}

/** A store in memory that notes the order of writes, each through `onPut`. */
class NotingStore extends MemoryStore {
  readonly puts: string[] = [];
  readonly #onPut: (key: string) => void;

  constructor(onPut: (key: string) => void = () => undefined) {
    super();
    this.#onPut = onPut;
  }

  override async put(key: string, bytes: Uint8Array, options?: PutOptions): Promise<{ etag: string }> {
    this.#onPut(key);
    const result = await super.put(key, bytes, options);
    this.puts.push(key);
    return result;
  }
}

async function ingest(store: ObjectStore, options: Partial<IngestOptions> = {}) {
  return await ingestFiles({ store, index: INDEX, model, found: await discoverFiles([folder]), ...options });
}

async function keysOf(store: ObjectStore, prefix: string): Promise<string[]> {
  return (await store.list(prefix)).objects.map(({ key }) => key);
}

describe("ingestFiles", () => {
  it("stores a document's source and all its images before the manifest that shows it", async () => {
    const store = new NotingStore();
    const report = await ingest(store);
    expect(report).toMatchObject({ added: 3, pages: 6, searchablePages: 6, failed: [], manifestVersion: 1 });

    const manifestAt = store.puts.indexOf(layout.manifest(INDEX, 1));
    const before = store.puts.slice(0, manifestAt);
    for (const name of NAMES) {
      const keys = before.filter((key) => key.startsWith(`indexes/${INDEX}/documents/`));
      expect(keys).toHaveLength(NAMES.length * 5);
      expect(keys.some((key) => key.endsWith("/source"))).toBe(true);
      expect(await keysOf(store, layout.document(INDEX, await documentIdOf(name)))).toHaveLength(5);
    }
    expect(store.puts.slice(manifestAt).some((key) => key.includes("/documents/"))).toBe(false);
  });

  it("gives up when the bucket does, with nothing half visible", async () => {
    const store = new NotingStore((key) => {
      if (key.endsWith("2.webp")) throw new MaxleafError("store_unavailable", "the bucket is gone");
    });
    await expect(ingest(store)).rejects.toMatchObject({ code: "store_unavailable", message: "the bucket is gone" });
    expect(await readManifest(store, INDEX)).toBeUndefined();
  });

  it("fails a document alone, and removes what was stored of it", async () => {
    const store = new NotingStore();
    const picky: Model = {
      ...pick(model),
      encodePages: async (pages) => {
        if (pages.some(({ words }) => words[0]?.text === "bee.pdf:")) throw new Error("stung");
        return await model.encodePages(pages);
      },
    };
    const report = await ingest(store, { model: picky });
    expect(report).toMatchObject({ added: 2, pages: 4 });
    expect(report.failed).toEqual([{ name: "bee.pdf", code: "internal", reason: expect.stringMatching(/: stung$/) }]);
    expect(await keysOf(store, layout.document(INDEX, await documentIdOf("bee.pdf")))).toEqual([]);

    expect(await ingest(store)).toMatchObject({ added: 1, unchanged: 2, failed: [] });
  });

  it("lets the model rest while a large commit is made, and goes on with it", async () => {
    let rests = 0;
    const resting: Model = {
      ...pick(model),
      encodePages: async (pages) => await model.encodePages(pages),
      rest: async () => {
        rests++;
        await model.rest?.();
      },
    };
    const commitLimits = { commitAt: { vectors: 1_000, pages: 1_000 }, maxPending: 3, modelRestsAt: 1 };
    expect(await ingest(new NotingStore(), { model: resting })).toMatchObject({ added: 3 });
    expect(rests).toBe(0);
    expect(await ingest(new NotingStore(), { model: resting, commitLimits })).toMatchObject({ added: 3 });
    expect(rests).toBe(1);
    expect((await model.encodeQuery("first page")).tokenCount).toBeGreaterThan(0);
  });

  it("tells the model what document each page is of", async () => {
    const named: string[] = [];
    const noting: Model = {
      ...pick(model),
      encodePages: async (pages) => {
        for (const { documentName, pageNumber } of pages) named.push(`${documentName} ${pageNumber}`);
        return await model.encodePages(pages);
      },
    };
    await ingest(new NotingStore(), { model: noting });
    expect(named.toSorted()).toEqual(NAMES.flatMap((name) => [`${name} 1`, `${name} 2`]));
  });

  it("leaves out what was not finished when it is interrupted, and does it the next time", async () => {
    const store = new NotingStore();
    const interrupt = new AbortController();
    const observer = { onPage: () => interrupt.abort() };
    const first = await ingest(store, { signal: interrupt.signal, observer });
    expect(first).toMatchObject({ interrupted: true, added: 0, failed: [], manifestVersion: undefined });
    expect(await ingest(store)).toMatchObject({ interrupted: false, added: 3 });
  });

  it("keeps what was finished when it is interrupted", async () => {
    const store = new NotingStore();
    const interrupt = new AbortController();
    const observer = { onFile: () => interrupt.abort() };
    const first = await ingest(store, { signal: interrupt.signal, observer });
    expect(first).toMatchObject({ interrupted: true, failed: [], manifestVersion: 1 });
    // Others may have been finished in the same instant.
    expect(first.added).toBeGreaterThanOrEqual(1);
    expect(await ingest(store)).toMatchObject({ unchanged: first.added, added: 3 - first.added });
  });

  it("says what is committed, and drops what was finished when that is asked for", async () => {
    const store = new NotingStore();
    const stop = new AbortController();
    const committed: string[] = [];
    const onCommitted = ({ name }: { name: string }) => {
      // Told after the commit, not before.
      expect(store.puts).toContain(layout.manifest(INDEX, 1));
      committed.push(name);
    };
    const dropped = await ingest(store, {
      signal: stop.signal,
      discard: stop.signal,
      observer: { onFile: () => stop.abort(), onCommitted },
    });
    expect(dropped).toMatchObject({ interrupted: true, manifestVersion: undefined });
    expect([committed, await readManifest(store, INDEX)]).toEqual([[], undefined]);

    await ingest(store, { observer: { onCommitted } });
    expect(committed.toSorted()).toEqual(NAMES);
  });

  it("gives a document its own metadata", async () => {
    const store = new NotingStore();
    const found = await discoverFiles([folder]);
    const [first] = found.files;
    if (first === undefined) throw new Error("no file");
    first.metadata = { kind: "insect" };
    await ingest(store, { found, metadata: { kind: "animal" } });
    const manifest = await readManifest(store, INDEX);
    if (manifest === undefined) throw new Error("no index");
    const live = await new DocumentTables(store, INDEX).liveDocuments(manifest);
    const kinds = [...live.values()].map(({ entry }) => [entry.name, entry.metadata["kind"]]);
    expect(Object.fromEntries(kinds)).toEqual({ "ant.pdf": "insect", "bee.pdf": "animal", "cat.pdf": "animal" });
    expect(await ingest(store, { found, metadata: { kind: "animal" } })).toMatchObject({ unchanged: 3 });
  });

  it("changes nothing when nothing has changed, and only the fields when those have", async () => {
    const store = new NotingStore();
    await ingest(store);
    const puts = store.puts.length;
    expect(await ingest(store)).toMatchObject({ unchanged: 3, added: 0, pages: 0, manifestVersion: undefined });
    expect(store.puts).toHaveLength(puts);

    expect(await ingest(store, { metadata: { kind: "animal" } })).toMatchObject({ replaced: 3, unchanged: 0 });
    expect(await ingest(store, { metadata: { kind: "animal" } })).toMatchObject({ replaced: 0, unchanged: 3 });
    for (const name of NAMES) {
      expect(await keysOf(store, layout.document(INDEX, await documentIdOf(name)))).toHaveLength(5);
    }
  });
});

/** The members of a model that a test leaves as they are; a class instance cannot be spread. */
function pick({
  recipe,
  recipeFingerprint,
}: Model): Pick<Model, "recipe" | "recipeFingerprint" | "encodeQuery" | "dispose"> {
  return {
    recipe,
    recipeFingerprint,
    encodeQuery: async (text) => await model.encodeQuery(text),
    dispose: async () => undefined,
  };
}
