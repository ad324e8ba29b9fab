/**
 * How well scans are read as ingestion reads them: the numbers of docs/scans.md.
 *
 *     node test/eval/scans.ts [folder with scans]
 *
 * Without a folder: the scanned letter of the samples, pages of filings made to look scanned, pages of other scripts and
 * pages without text (the last three where the folder of shared data is, at `MAXLEAF_SHARED_DATA` or beside the
 * repository). In a folder every PDF with a text file of the same name beside it is read and compared, first pages only.
 *
 * @module
 */
import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join, parse } from "node:path";
import sharp from "sharp";
import { parseOcrLanguages } from "../../encoder/ocr/languages.ts";
import { meanConfidence, MIN_PAGE_CONFIDENCE, MIN_WORD_CONFIDENCE } from "../../encoder/ocr/kept-words.ts";
import { OCR_HEAP_MB, OCR_PAGE_TIMEOUT_MS, OCR_START_TIMEOUT_MS } from "../../encoder/ocr/limits.ts";
import { isOcrReply, type OcrReply, type OcrRequest, type RecognisedWord } from "../../encoder/ocr/protocol.ts";
import { RequestProcess } from "../../encoder/processes/request-process.ts";
import type { PagePicture } from "../../encoder/models/model.ts";
import { makePictures } from "../../encoder/render/pictures.ts";
import { RenderPool } from "../../encoder/render/render-pool.ts";
import type { RenderedPage } from "../../encoder/render/rendered-page.ts";
import { seededRandom } from "../../shared/seeded-random.ts";
import { shareOfWords } from "./word-share.ts";

const ROOT = join(import.meta.dirname, "../..");
const SHARED_DATA = process.env["MAXLEAF_SHARED_DATA"] ?? join(ROOT, "../shared/data");
const FILINGS = [
  { file: "BESTBUY_2024Q2_10Q.pdf", page: 4, degrees: 0.7 },
  { file: "AMCOR_2022_8K_dated-2022-07-01.pdf", page: 2, degrees: 0 },
  { file: "ADOBE_2022_10K.pdf", page: 20, degrees: -1.2 },
];
/** Long edge of what the made-up scanner sees: about 200 dpi. Page images are made of that, as of a scan in a PDF. */
const SCANNER_LONG_EDGE_PX = 2_400;
const OTHER_SCRIPTS = [
  "pdfjs__issue12963.pdf",
  "pdfjs__issue19360.pdf",
  "pypdf__habibi.pdf",
  "pdfjs__ThuluthFeatures.pdf",
  "pdfjs__issue8570.pdf",
  "pdfjs__bug1108301.pdf",
  "pdfjs__issue14046.pdf",
  "pdfjs__issue13316_reduced.pdf",
  "pdfjs__issue2840.pdf",
];

const pool = new RenderPool({ processes: 1 });
const recogniser = new RequestProcess<OcrRequest, OcrReply>({
  module: new URL("../../encoder/ocr/tesseract-child.ts", import.meta.url),
  who: "the recogniser",
  heapMb: OCR_HEAP_MB,
  isReply: isOcrReply,
});

async function pageOf(path: string, pageNumber = 1, pictureLongEdgePx?: number): Promise<RenderedPage> {
  for await (const page of await pool.open({ name: path, bytes: await readFile(path) }, { pictureLongEdgePx })) {
    if (page.pageNumber === pageNumber) return page;
  }
  throw new RangeError(`${path} has no page ${pageNumber}`);
}

async function recognise(picture: Uint8Array): Promise<{ words: RecognisedWord[]; seconds: number }> {
  const begunMs = performance.now();
  const outcome = await recogniser.request({ type: "read", picture }, OCR_PAGE_TIMEOUT_MS);
  if (outcome.type !== "lines") throw new Error(`a page was not read: ${JSON.stringify(outcome)}`);
  return { words: outcome.lines.flat(), seconds: (performance.now() - begunMs) / 1_000 };
}

/** The page image of a careless scan: tilted, soft, grey, grainy, a JPEG of low quality. */
async function madeToLookScanned(picture: PagePicture, degrees: number): Promise<Uint8Array> {
  const { width, height } = picture;
  const tilted = sharp(picture.data, { raw: { width, height, channels: 3 } })
    .rotate(degrees, { background: "white" })
    .blur(0.7)
    .greyscale();
  const { data, info } = await tilted.raw().toBuffer({ resolveWithObject: true });
  const random = seededRandom(7);
  const grainy = Uint8Array.from({ length: info.width * info.height }, (_, at) => {
    const grain = (random.next() + random.next() - 1) * 20;
    return Math.max(0, Math.min(255, Math.round((data[at * info.channels] ?? 255) * 0.85 + 25 + grain)));
  });
  const scan = await sharp(grainy, { raw: { width: info.width, height: info.height, channels: 1 } })
    .jpeg({ quality: 50 })
    .toBuffer();
  return (await makePictures(sharp(scan))).image;
}

function print(
  name: string,
  truth: string | undefined,
  { words, seconds }: { words: RecognisedWord[]; seconds: number },
) {
  const mean = meanConfidence([words]);
  const kept = mean < MIN_PAGE_CONFIDENCE ? [] : words.filter(({ confidence }) => confidence >= MIN_WORD_CONFIDENCE);
  const found =
    truth === undefined ? "" : `found ${shareOfWords(truth, kept.map(({ text }) => text).join(" ")).toFixed(3)}, `;
  console.log(
    `${name}: ${found}${words.length} words read, ${kept.length} kept, mean confidence ${mean.toFixed(2)}, ${seconds.toFixed(1)} s`,
  );
}

async function measureFolder(folder: string): Promise<void> {
  for (const name of (await readdir(folder)).filter((file) => file.endsWith(".pdf")).toSorted()) {
    const truth = join(folder, `${parse(name).name}.txt`);
    const text = existsSync(truth) ? await readFile(truth, "utf8") : undefined;
    print(name, text, await recognise((await pageOf(join(folder, name))).image));
  }
}

async function measureKnown(): Promise<void> {
  const letter = await pageOf(join(ROOT, "encoder/samples/pdf/keeper-letter-1931.pdf"));
  print("the letter of the samples", undefined, await recognise(letter.image));
  if (!existsSync(SHARED_DATA)) return;
  for (const { file, page, degrees } of FILINGS) {
    const path = join(SHARED_DATA, "financebench-dev/pdf", file);
    const { picture, words } = await pageOf(path, page, SCANNER_LONG_EDGE_PX);
    if (picture === undefined) throw new RangeError(`page ${page} of ${file} was not drawn`);
    const truth = words.map(({ text }) => text).join(" ");
    print(`${file}, page ${page}`, truth, await recognise(await madeToLookScanned(picture, degrees)));
  }
  for (const name of OTHER_SCRIPTS) {
    print(name, undefined, await recognise((await pageOf(join(SHARED_DATA, "weird-pdfs", name))).image));
  }
  await measurePictures();
}

/** Pages without text: every word is one too many. */
async function measurePictures(): Promise<void> {
  const folder = join(SHARED_DATA, "weird-pdfs");
  const categories: Record<string, string[]> = JSON.parse(await readFile(join(folder, "categories.json"), "utf8"));
  let pages = 0;
  let invented = 0;
  for (const name of categories["no_text"] ?? []) {
    const page = await pageOf(join(folder, name));
    if (page.words.length > 0 || page.placeholder === true) continue;
    pages++;
    invented += (await recognise(page.image)).words.length;
  }
  console.log(`${pages} pages without text: ${invented} words read`);
}

const [folder] = process.argv.slice(2);
try {
  const started = await recogniser.request(
    { type: "start", languages: parseOcrLanguages("eng") },
    OCR_START_TIMEOUT_MS,
  );
  if (started.type !== "started") throw new Error(`the recogniser did not start: ${JSON.stringify(started)}`);
  await (folder === undefined ? measureKnown() : measureFolder(folder));
} finally {
  recogniser.kill();
  pool.close();
}
