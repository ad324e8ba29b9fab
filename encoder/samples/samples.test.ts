import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { parseOcrLanguages } from "../ocr/languages.ts";
import { TesseractReader } from "../ocr/tesseract-reader.ts";
import { RenderPool } from "../render/render-pool.ts";
import type { RenderedPage } from "../render/rendered-page.ts";
import { DOCUMENTS } from "./generate.ts";
import { questions } from "./questions.ts";

const PDF_FOLDER = join(import.meta.dirname, "pdf");
const SCAN = "keeper-letter-1931.pdf";
const PAGE_COUNTS: Readonly<Record<string, number>> = {
  "allotment-handbook.pdf": 3,
  "ferry-annual-report-2025.pdf": 5,
  "ferry-timetable-2026.pdf": 1,
  "heat-pump-manual.pdf": 4,
  [SCAN]: 1,
  "kelp-growth-article.pdf": 3,
  "lighthouse-museum-leaflet.pdf": 3,
  "swimming-hall-energy-audit.pdf": 3,
};

const pages = new Map<string, RenderedPage[]>();

beforeAll(async () => {
  await using pool = new RenderPool();
  await Promise.all(
    Object.keys(DOCUMENTS).map(async (name) => {
      const document = await pool.open({ name, bytes: await readFile(join(PDF_FOLDER, name)) });
      const read: RenderedPage[] = [];
      for await (const page of document) read.push(page);
      pages.set(name, read);
    }),
  );
});

function textOf(pdf: string, page: number): string {
  return (
    pages
      .get(pdf)
      ?.[page - 1]?.words.map((word) => word.text)
      .join(" ") ?? ""
  );
}

describe("the sample documents", () => {
  it("are those that the generator writes", async () => {
    expect((await readdir(PDF_FOLDER)).toSorted()).toEqual(Object.keys(DOCUMENTS).toSorted());
  });

  it("have the pages that their content was laid out for, all without problems", () => {
    const counts = Object.fromEntries([...pages].map(([name, read]) => [name, read.length]));
    expect(counts).toEqual(PAGE_COUNTS);
    expect([...pages.values()].flat().filter((page) => page.problem !== undefined)).toEqual([]);
  });

  it("have a text layer, save for the scan", () => {
    const silent = [...pages]
      .filter(([, read]) => read.some((page) => page.status === "no-text"))
      .map(([name]) => name);
    expect(silent).toEqual([SCAN]);
  });

  it("show the timetable across the sheet", () => {
    const [page] = pages.get("ferry-timetable-2026.pdf") ?? [];
    expect(page?.width).toBeGreaterThan(page?.height ?? Number.POSITIVE_INFINITY);
    expect(page?.words.slice(-4).map((word) => word.text)).toEqual(["fifteen", "minutes", "before", "departure."]);
  });

  it("come out byte for byte the same when made again", async () => {
    const make = DOCUMENTS["kelp-growth-article.pdf"];
    const [first, second] = await Promise.all([make?.(), make?.()]);
    expect(first?.byteLength).toBeGreaterThan(0);
    expect(Buffer.compare(first ?? Buffer.of(1), second ?? Buffer.of(2))).toBe(0);
  });
});

describe("the scan", { timeout: 120_000 }, () => {
  it("has the evidence of its question, for those who read its image", async () => {
    const reader = new TesseractReader({ languages: parseOcrLanguages("eng"), processes: 1 });
    try {
      const [page] = pages.get(SCAN) ?? [];
      const { words } = await reader.read(page?.image ?? new Uint8Array());
      const text = words.map((word) => word.text).join(" ");
      const asked = questions.filter((question) => question.pdf === SCAN);
      expect(asked).not.toEqual([]);
      for (const { evidence } of asked) for (const { text: proof } of evidence) expect(text).toContain(proof);
    } finally {
      reader.close();
    }
  });
});

describe("the sample questions", () => {
  it("are written to questions.jsonl as they stand", async () => {
    const lines = (await readFile(join(import.meta.dirname, "questions.jsonl"), "utf8")).trimEnd().split("\n");
    expect(lines.map((line): unknown => JSON.parse(line))).toEqual(questions);
  });

  it("have ids of their own", () => {
    expect(new Set(questions.map((question) => question.id)).size).toBe(questions.length);
  });

  it.each(questions.filter((question) => question.pdf !== SCAN))("$id: the evidence is on its page", (question) => {
    for (const { pdf, page, text } of question.evidence) {
      expect(question.pages).toContain(page);
      expect(textOf(pdf, page)).toContain(text);
    }
  });
});
