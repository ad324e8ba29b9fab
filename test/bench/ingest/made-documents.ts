/**
 * Documents for the ingestion benchmark: PDFs of ordinary pages, made of the words of the bundled documents. The same
 * request gives the same files.
 *
 * @module
 */
import { createWriteStream } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { finished } from "node:stream/promises";
import PDFDocument from "pdfkit";
import { openPdf } from "../../../encoder/render/pdf-document.ts";
import type { Random } from "../../../shared/ports.ts";
import { seededRandom } from "../../../shared/seeded-random.ts";

const SAMPLES = new URL("../../../encoder/samples/pdf/", import.meta.url);
const FONT = createRequire(import.meta.url).resolve(
  "@expo-google-fonts/source-serif-4/400Regular/SourceSerif4_400Regular.ttf",
);
/** A report's page has about so many: 500 to 600 word pieces. */
const WORDS_PER_PAGE = 400;
/** Words that follow each other in a sample follow each other here. */
const RUN_WORDS = 12;
const SEED = 7;
/** A4 with margins, in points. */
const MARGIN = 60;
const FONT_SIZE = 10.5;
const BARS = 9;

/** Writes a PDF for each of `pageCounts` into `folder`. */
export async function writeDocuments(folder: string, pageCounts: readonly number[]): Promise<void> {
  const words = await sampleWords();
  const random = seededRandom(SEED);
  for (const [at, pageCount] of pageCounts.entries()) {
    const name = `${String(at).padStart(5, "0")}-of-${pageCount}-pages.pdf`;
    await writeDocument(join(folder, name), pageCount, words, random);
  }
}

async function sampleWords(): Promise<string[]> {
  const words: string[] = [];
  for (const name of (await readdir(SAMPLES)).sort()) {
    const document = await openPdf({ name, bytes: await readFile(new URL(name, SAMPLES)) });
    for (let number = 1; number <= document.pageCount; number++) {
      const page = await document.renderPage(number, { draw: false });
      words.push(...page.words.map(({ text }) => text));
    }
    await document.close();
  }
  return words;
}

async function writeDocument(path: string, pageCount: number, words: readonly string[], random: Random): Promise<void> {
  const document = new PDFDocument({ size: "A4", margin: MARGIN, autoFirstPage: false });
  const file = document.pipe(createWriteStream(path));
  document.registerFont("text", FONT);
  for (let number = 1; number <= pageCount; number++) {
    document.addPage().font("text").fontSize(FONT_SIZE).fillColor("#1f2933");
    document.text(pageText(words, random), { align: "justify" });
    drawBars(document, random);
    document.text(`Page ${number} of ${pageCount}`, MARGIN, document.page.height - MARGIN - 2 * FONT_SIZE);
  }
  document.end();
  await finished(file);
}

function pageText(words: readonly string[], random: Random): string {
  const chosen: string[] = [];
  while (chosen.length < WORDS_PER_PAGE) {
    const start = Math.floor(random.next() * (words.length - RUN_WORDS));
    chosen.push(...words.slice(start, start + RUN_WORDS));
  }
  return chosen.join(" ");
}

/** A chart below the text, so that there is more than letters to draw. */
function drawBars(document: PDFKit.PDFDocument, random: Random): void {
  const { width, height } = document.page;
  const base = height - 2 * MARGIN;
  const step = (width - 2 * MARGIN) / BARS;
  for (let bar = 0; bar < BARS; bar++) {
    const tall = 20 + random.next() * 100;
    document.rect(MARGIN + bar * step, base - tall, step * 0.7, tall).fill(bar % 2 === 0 ? "#0f766e" : "#c2610c");
  }
  document.fillColor("#1f2933");
}
