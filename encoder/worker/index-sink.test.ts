/**
 * The sink with the real pipeline and model, over a store in memory.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import PDFDocument from "pdfkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { MaxleafError } from "../../shared/errors.ts";
import { encodeAlias } from "../../shared/format/aliases.ts";
import { readManifest } from "../../shared/format/manifest-store.ts";
import { documentIdOf } from "../../shared/names.ts";
import { layout } from "../../shared/store/layout.ts";
import { MemoryStore } from "../../shared/store/memory-store.ts";
import { loadModel } from "../models/registry.ts";
import { DocumentSink } from "./index-sink.ts";

const RECIPE = "minilm-words";

let folder: string;
let store: MemoryStore;
let sink: DocumentSink;
const loaded: string[] = [];
const changed: (number | undefined)[] = [];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "maxleaf-sink-"));
  store = new MemoryStore();
  sink = new DocumentSink({
    store,
    defaultRecipe: RECIPE,
    loadModel: async (recipe) => {
      loaded.push(recipe);
      if (loaded.length === 1) throw new MaxleafError("model_unavailable", "it is not there yet");
      return await loadModel(recipe);
    },
    onChanged: (_index, before) => void changed.push(before?.version),
  });
});
afterAll(async () => {
  await sink.close();
  await rm(folder, { recursive: true, force: true });
});

async function file(name: string, text: string) {
  const path = join(folder, encodeURIComponent(name));
  const document = new PDFDocument({ info: { CreationDate: new Date(0) } });
  const chunks: Buffer[] = [];
  document.on("data", (chunk: Buffer) => chunks.push(chunk));
  const ended = new Promise((resolve) => document.once("end", resolve));
  document.text(text).end();
  await ended;
  await writeFile(path, Buffer.concat(chunks));
  return { name, path, bytes: 1 };
}

async function ingest(...files: Awaited<ReturnType<typeof file>>[]) {
  const outcomes: Record<string, string> = {};
  const onFile = (name: string, outcome: string) => void (outcomes[name] = outcome);
  const { failed } = await sink.ingest("books", files, { signal: new AbortController().signal, onFile });
  return { outcomes, failed };
}

describe("DocumentSink", () => {
  it("tries a model again that could not be loaded, and keeps one that could", async () => {
    const owl = await file("birds/owl.pdf", "The barn owl hunts at night.");
    await expect(ingest(owl)).rejects.toMatchObject({ code: "model_unavailable" });
    expect(await ingest(owl, await file("ship.pdf", "The ship sails."))).toEqual({
      outcomes: { "birds/owl.pdf": "added", "ship.pdf": "added" },
      failed: [],
    });
    expect((await readManifest(store, "books"))?.version).toBe(1);
    expect(changed).toEqual([undefined]);
  });

  it("commits nothing for what is there already, and a new version for what is not", async () => {
    const owl = await file("birds/owl.pdf", "The barn owl hunts at night.");
    expect((await ingest(owl)).outcomes).toEqual({ "birds/owl.pdf": "unchanged" });
    expect((await readManifest(store, "books"))?.version).toBe(1);
    expect((await ingest(await file("birds/owl.pdf", "Owls sleep by day."))).outcomes).toEqual({
      "birds/owl.pdf": "replaced",
    });
    expect((await readManifest(store, "books"))?.version).toBe(2);
    expect([loaded, changed]).toEqual([
      [RECIPE, RECIPE],
      [undefined, 1],
    ]);
  });

  it("deletes what is there with all that is stored of it, and does not mind what is not", async () => {
    const owl = layout.document("books", await documentIdOf("birds/owl.pdf"));
    expect((await store.list(owl)).objects).not.toEqual([]);
    expect(await sink.remove("books", ["birds/owl.pdf", "never.pdf"])).toEqual(["birds/owl.pdf"]);
    expect((await store.list(owl)).objects).toEqual([]);
    expect(await sink.remove("books", ["birds/owl.pdf"])).toEqual([]);
    expect(await sink.remove("no-such-index", ["a.pdf"])).toEqual([]);
    expect((await readManifest(store, "books"))?.version).toBe(3);
    expect(changed).toEqual([undefined, 1, 3]);
  });

  it("works on the index that an alias leads to by then", async () => {
    const lead = async (index: string) =>
      void (await store.put(layout.alias("current"), encodeAlias({ index, changedAtMs: 1 })));
    const { signal } = new AbortController();
    const call = { signal, onFile: () => undefined };
    const owl = await file("owl.pdf", "The barn owl hunts at night.");
    for (const index of ["first", "second"]) {
      await lead(index);
      expect(await sink.ingest("current", [owl], call)).toMatchObject({ index, added: 1 });
      expect(await readManifest(store, index)).toMatchObject({ version: 1 });
    }
    expect(await readManifest(store, "current")).toBeUndefined();
    expect(await sink.remove("current", ["owl.pdf"])).toEqual(["owl.pdf"]);
    expect((await readManifest(store, "second"))?.segments).toEqual([]);
    expect((await readManifest(store, "first"))?.segments).toHaveLength(1);
  });
});
