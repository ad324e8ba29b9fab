/**
 * The pipeline itself, its rendering processes included, killed at every write; with a model that costs nothing.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import PDFDocument from "pdfkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { TEST_DIM } from "../../encoder/indexing/testing-index.ts";
import { encodedPage, topicVectors } from "../../encoder/indexing/testing.ts";
import { ingestFiles } from "../../encoder/ingest/pipeline.ts";
import type { Model, PageInput } from "../../encoder/models/model.ts";
import { recipeFingerprint } from "../../shared/recipe/fingerprint.ts";
import type { ObjectStore } from "../../shared/store/object-store.ts";
import { isFull } from "./support/report.ts";
import { INDEX, RECIPE } from "./support/small-documents.ts";
import { Trial } from "./support/trial.ts";

/** A vector for each word, decided by how many there are. */
const model: Model = {
  recipe: RECIPE,
  recipeFingerprint: await recipeFingerprint(RECIPE),
  encodePages: async (pages) => pages.map(encode),
  encodeQuery: async () => await Promise.reject(new Error("no question is asked")),
  dispose: async () => undefined,
};

function encode({ pageNumber, words }: PageInput) {
  const vectors = topicVectors({ count: words.length, dim: TEST_DIM, topics: 5, spread: 0.4, seed: words.length });
  return { ...encodedPage(vectors, pageNumber), wordsLeftOut: 0 };
}

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "maxleaf-pipeline-faults-"));
  await writeFile(join(folder, "old"), await pdf(["one two three four five", "six seven"]));
  await writeFile(join(folder, "new"), await pdf(["one two three", "four five six seven eight nine"]));
  await writeFile(join(folder, "other"), await pdf(["ten eleven twelve thirteen"]));
});
afterAll(async () => await rm(folder, { recursive: true, force: true }));

async function pdf(pages: readonly string[]): Promise<Buffer> {
  const document = new PDFDocument({ autoFirstPage: false });
  const chunks: Buffer[] = [];
  document.on("data", (chunk: Buffer) => chunks.push(chunk));
  const ended = new Promise((resolve) => document.once("end", resolve));
  for (const text of pages) document.addPage({ size: [200, 100] }).text(text);
  document.end();
  await ended;
  return Buffer.concat(chunks);
}

/** Ingests `files`, by the names that documents have. */
const ingesting = (files: Readonly<Record<string, string>>) => async (store: ObjectStore) => {
  const found = Object.entries(files).map(([name, file]) => ({ name, path: join(folder, file), bytes: 0 }));
  const report = await ingestFiles({
    store,
    index: INDEX,
    model,
    found: { files: found, skipped: 0, unreadable: [] },
    threads: 1,
  });
  if (report.failed.length > 0) throw new Error(JSON.stringify(report.failed));
};

describe("killed at any write", () => {
  // An ingestion begins processes, which takes two seconds of a core, and there are some 60 of them.
  it.runIf(isFull)("the pipeline, which replaces a document and adds another", { timeout: 1_200_000 }, async () => {
    const trial = await Trial.of({
      indexes: [INDEX],
      prepare: ingesting({ "a.pdf": "old" }),
      run: ingesting({ "a.pdf": "new", "b.pdf": "other" }),
    });
    expect(await trial.crashEverywhere()).toBeGreaterThan(20);
  });
});
