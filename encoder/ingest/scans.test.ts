/**
 * Pages without a text layer on their way into an index: with readers that a test controls, and with the real one.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openIndex } from "../../shared/engine/open-index.ts";
import { MaxleafError } from "../../shared/errors.ts";
import { readManifest } from "../../shared/format/manifest-store.ts";
import { MemoryStore } from "../../shared/store/memory-store.ts";
import { loadKernel } from "../cli/load-kernel.ts";
import type { Model } from "../models/model.ts";
import { loadModel } from "../models/registry.ts";
import { parseOcrLanguages } from "../ocr/languages.ts";
import type { PageReader, PageReading, ReadWord } from "../ocr/page-reader.ts";
import { TesseractReader } from "../ocr/tesseract-reader.ts";
import { textPdf } from "../render/fixtures.ts";
import { discoverFiles } from "./discover.ts";
import { ingestFiles } from "./pipeline.ts";

const INDEX = "scans";
const LETTER = join(import.meta.dirname, "../samples/pdf/keeper-letter-1931.pdf");
const TIMEOUT_MS = 180_000;

let folder: string;
let model: Model;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "maxleaf-scans-"));
  model = await loadModel("minilm-words");
  const picture = { create: { width: 90, height: 60, channels: 3, background: "teal" } } as const;
  await writeFile(join(folder, "photo.png"), await sharp(picture).png().toBuffer());
  await writeFile(join(folder, "typed.pdf"), await textPdf(["the harbour of Korrin"]));
});

afterAll(async () => {
  await model.dispose();
  await rm(folder, { recursive: true, force: true });
});

/** A reader that finds the same on every picture. */
class GivenReader implements PageReader {
  readonly pictures: Uint8Array[] = [];
  readonly #answer: () => PageReading;
  closed = false;

  constructor(answer: () => PageReading) {
    this.#answer = answer;
  }

  async read(picture: Uint8Array): Promise<PageReading> {
    this.pictures.push(picture);
    return this.#answer();
  }

  close(): void {
    this.closed = true;
  }
}

const words = (...texts: string[]): ReadWord[] =>
  texts.map((text, at) => ({ text, box: [at / 10, 0.1, (at + 1) / 10, 0.2], confidence: 0.9 }));

async function ingest(options: { pageReader?: PageReader; model?: Model } = {}) {
  const store = new MemoryStore();
  const found = await discoverFiles([folder]);
  const report = await ingestFiles({ store, index: INDEX, model, found, ...options });
  return { store, report };
}

async function search(store: MemoryStore, question: string) {
  const index = await openIndex({ store, index: INDEX, kernelModule: await loadKernel() });
  const { hits } = await index.search({ query: await model.encodeQuery(question), k: 5 });
  index.close();
  return hits;
}

describe("a page without a text layer", () => {
  it("is found by the words that are read on its image, and says where they are from", async () => {
    const pageReader = new GivenReader(() => ({ words: words("herring", "in", "barrels"), readMs: 500 }));
    const { store, report } = await ingest({ pageReader });
    expect(report).toMatchObject({
      pages: 2,
      searchablePages: 2,
      pagesWithoutText: 0,
      pagesReadByOcr: 1,
      ocrPagesPerSecond: 2,
      pageNotices: [],
    });
    expect(pageReader.pictures).toHaveLength(1);
    expect((await sharp(pageReader.pictures[0]).metadata()).format).toBe("webp");

    const [first, second] = await search(store, "barrels of herring");
    expect(first).toMatchObject({ documentName: "photo.png", textSource: "ocr", snippet: "herring in barrels" });
    expect(first?.matches.find(({ text }) => text === "herring")?.box?.[2]).toBeCloseTo(0.1, 3);
    expect(second?.documentName).toBe("typed.pdf");
    expect(second).not.toHaveProperty("textSource");
  });

  it("stays without words when none are found, or nobody reads", async () => {
    const pageReader = new GivenReader(() => ({ words: [], readMs: 250 }));
    const { report } = await ingest({ pageReader });
    expect(report).toMatchObject({ searchablePages: 1, pagesWithoutText: 1, pagesReadByOcr: 0, ocrPagesPerSecond: 4 });
    expect((await ingest()).report).toMatchObject({ pagesWithoutText: 1, pagesReadByOcr: 0, ocrPagesPerSecond: 0 });
  });

  it("is kept and reported when reading it takes too long or fails", async () => {
    const pageReader = new GivenReader(() => {
      throw new MaxleafError("render_timeout", "it was not read after 90 s");
    });
    const { report } = await ingest({ pageReader });
    expect(report).toMatchObject({ added: 2, failed: [], pagesWithoutText: 1, pagesReadByOcr: 0 });
    expect(report.pageNotices).toEqual([
      {
        name: "photo.png",
        page: 1,
        code: "render_timeout",
        reason: "page 1: its text could not be read from its image (it was not read after 90 s)",
      },
    ]);
  });

  it("ends the ingestion when nothing can be read at all", async () => {
    const pageReader = new GivenReader(() => {
      throw new MaxleafError("model_unavailable", "scans cannot be read: the recogniser ended with exit code 1");
    });
    await expect(ingest({ pageReader })).rejects.toMatchObject({ code: "model_unavailable" });
    expect(pageReader.closed).toBe(true);
  });

  it("ends being read when the ingestion is interrupted, and is read by the next one", async () => {
    const interrupt = new AbortController();
    let end: (() => void) | undefined;
    // Reads until it is closed.
    const pageReader: PageReader = {
      read: async () => {
        setTimeout(() => interrupt.abort(), 10);
        return await new Promise<PageReading>((_, reject) => {
          end = () => reject(new MaxleafError("file_unreadable", "the recogniser was ended"));
        });
      },
      close: () => end?.(),
    };
    const store = new MemoryStore();
    const found = await discoverFiles([join(folder, "photo.png")]);
    const reading = ingestFiles({ store, index: INDEX, model, found, pageReader, signal: interrupt.signal });
    expect(await reading).toMatchObject({ interrupted: true, added: 0, failed: [], pageNotices: [] });
    const again = new GivenReader(() => ({ words: words("herring"), readMs: 1 }));
    expect(await ingestFiles({ store, index: INDEX, model, found, pageReader: again })).toMatchObject({
      pagesReadByOcr: 1,
    });
  });

  it("is not read for a model that looks at pages", async () => {
    const pageReader = new GivenReader(() => ({ words: words("never"), readMs: 1 }));
    const looking: Model = {
      recipe: model.recipe,
      recipeFingerprint: model.recipeFingerprint,
      pictureLongEdgePx: 64,
      encodePages: async (pages) => await model.encodePages(pages),
      encodeQuery: async (text) => await model.encodeQuery(text),
      dispose: async () => undefined,
    };
    await ingest({ pageReader, model: looking });
    expect(pageReader.pictures).toEqual([]);
  });
});

describe("the scanned sample", { timeout: TIMEOUT_MS }, () => {
  it("is read by the recogniser that comes with Maxleaf", async () => {
    const store = new MemoryStore();
    const pageReader = new TesseractReader({ languages: parseOcrLanguages("eng"), processes: 1 });
    try {
      const found = await discoverFiles([LETTER]);
      const report = await ingestFiles({ store, index: INDEX, model, found, pageReader });
      expect(report).toMatchObject({ pages: 1, searchablePages: 1, pagesReadByOcr: 1, pageNotices: [] });
    } finally {
      pageReader.close();
    }
    const [hit] = await search(store, "Which steamer struck the Hen and Chickens in thick snow?");
    expect(hit).toMatchObject({ textSource: "ocr", snippet: expect.stringContaining("steamer ASTRID of Bergen") });
    // The box is where the word stands: in the upper half of the sheet.
    const steamer = hit?.matches.find(({ text }) => text === "steamer");
    expect(steamer?.box?.[1]).toBeGreaterThan(0.2);
    expect(steamer?.box?.[3]).toBeLessThan(0.4);
    expect((await readManifest(store, INDEX))?.segments[0]).toMatchObject({ searchablePageCount: 1 });
  });
});
