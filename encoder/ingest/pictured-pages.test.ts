/**
 * The pipeline with a model that looks at pages: what it is given, and how many pages wait.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { recipeFingerprint } from "../../shared/recipe/fingerprint.ts";
import { testRecipe } from "../../shared/recipe/testing.ts";
import { MemoryStore } from "../../shared/store/memory-store.ts";
import type { Model, ModelPage, PageInput } from "../models/model.ts";
import { rawPdf, textPdf } from "../render/fixtures.ts";
import { discoverFiles } from "./discover.ts";
import { ingestFiles } from "./pipeline.ts";

const DIM = 16;
/** As in page-batcher.ts. */
const MAX_BATCH_PAGES = 4;
const LONG_EDGE_PX = 2_000;
const FIRST_PAGE_MS = 4_000;

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "maxleaf-pictured-"));
  await writeFile(join(folder, "long.pdf"), await textPdf(["one", "two", "three", "four", "five", "six"]));
  // Its second page is none.
  const pages = "<< /Type /Pages /Kids [3 0 R 4 0 R] /Count 2 >>";
  const whole = "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 400 300] >>";
  await writeFile(join(folder, "torn.pdf"), rawPdf(["<< /Type /Catalog /Pages 2 0 R >>", pages, whole, "7"]));
});
afterAll(() => rm(folder, { recursive: true }));

/** A cell for every page, its vector made of the page's number. Notes what it was given. */
async function lookingModel(onPages: (pages: readonly PageInput[]) => Promise<void>): Promise<Model> {
  const recipe = testRecipe({ dim: DIM, geometry: "grid" });
  const encode = ({ pageNumber, width, height, words }: PageInput): ModelPage => {
    const vectors = new Float32Array(DIM);
    vectors[pageNumber % DIM] = 1;
    const geometry = {
      kind: "grid" as const,
      boxes: new Uint16Array(0),
      columns: 1,
      rows: 1,
      regionOfVector: Uint16Array.of(0),
    };
    const text = words.map((word) => word.text).join(" ");
    return {
      pageNumber,
      width,
      height,
      status: "searchable",
      vectorCount: 1,
      vectors,
      geometry,
      text,
      wordsLeftOut: 0,
    };
  };
  return {
    recipe,
    recipeFingerprint: await recipeFingerprint(recipe),
    pictureLongEdgePx: LONG_EDGE_PX,
    encodePages: async (pages) => {
      await onPages(pages);
      return pages.map(encode);
    },
    encodeQuery: () => Promise.reject(new Error("no question is asked")),
    dispose: () => Promise.resolve(),
  };
}

async function ingest(model: Model, name: string) {
  const found = await discoverFiles([join(folder, name)]);
  return await ingestFiles({ store: new MemoryStore(), index: "pages", model, found, threads: 1 });
}

describe("pages for a model that looks at them", () => {
  it("come with their picture, a few at a time", async () => {
    const sizes: (number | undefined)[] = [];
    let mostAtOnce = 0;
    const model = await lookingModel(async (pages) => {
      sizes.push(...pages.map(({ picture }) => picture?.data.length));
      mostAtOnce = Math.max(mostAtOnce, pages.length);
      // The first page takes so long that the renderer would get ahead if nothing held it.
      if (sizes.length === 1) await new Promise((resolve) => setTimeout(resolve, FIRST_PAGE_MS));
    });
    const report = await ingest(model, "long.pdf");
    expect(report).toMatchObject({ pages: 6, searchablePages: 6, failed: [], pageNotices: [] });
    // Pages of 400 × 300 points, drawn at the largest scale there is.
    expect(sizes).toEqual(Array.from({ length: 6 }, () => 1_600 * 1_200 * 3));
    expect(mostAtOnce).toBeLessThanOrEqual(MAX_BATCH_PAGES);
  });

  it("are left without vectors where they could not be drawn; the others go on", async () => {
    const given: number[] = [];
    const model = await lookingModel((pages) => {
      given.push(...pages.map(({ pageNumber }) => pageNumber));
      return Promise.resolve();
    });
    const report = await ingest(model, "torn.pdf");
    expect(given).toEqual([1]);
    expect(report).toMatchObject({ pages: 2, searchablePages: 1, failed: [] });
    expect(report.pageNotices).toMatchObject([{ page: 2, code: "file_unreadable" }]);
  });
});
