/**
 * A reading process: tesseract, compiled to WebAssembly, with the data of its languages. It runs in a process because its
 * library throws out of event handlers when something fails, and because native memory has no other bound.
 *
 * @module
 */
import { mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createWorker, OEM, PSM, type Worker } from "tesseract.js";
import { MaxleafError, toMaxleafError } from "../../shared/errors.ts";
import { startWatchdog } from "../processes/watchdog.ts";
import { meanConfidence, MIN_PAGE_CONFIDENCE } from "./kept-words.ts";
import type { OcrLanguage } from "./languages.ts";
import { OCR_MEMORY_MB } from "./limits.ts";
import { type PreparedPicture, preparePicture, toPgm, turnedOver } from "./prepare-picture.ts";
import { isOcrRequest, type OcrReply, type OcrRequest, type RecognisedWord } from "./protocol.ts";
import { linesOfTsv } from "./tsv.ts";

/** Fewer words show no direction. */
const MIN_WORDS_TO_TURN = 5;

let worker: Worker | undefined;

async function answer(request: OcrRequest): Promise<OcrReply> {
  if (request.type === "start") {
    worker = await start(request.languages);
    return { type: "started" };
  }
  if (worker === undefined)
    throw new MaxleafError("internal", "a page was to be read before the recogniser was started");
  return { type: "lines", lines: await read(worker, await preparePicture(request.picture)) };
}

/**
 * Tesseract itself turns a page whose lines run down, but not one whose lines run up or stand on their head: it reads
 * rubbish there (mean confidence 0.34 to 0.47, where the page has 0.96), and is asked again with the page turned over.
 */
async function read(tesseract: Worker, picture: PreparedPicture): Promise<RecognisedWord[][]> {
  const lines = await recognise(tesseract, picture);
  const wordCount = lines.reduce((sum, line) => sum + line.length, 0);
  if (wordCount < MIN_WORDS_TO_TURN || meanConfidence(lines) >= MIN_PAGE_CONFIDENCE) return lines;
  const turned = await recognise(tesseract, turnedOver(picture));
  return meanConfidence(turned) > meanConfidence(lines) ? turned : lines;
}

async function recognise(tesseract: Worker, { grey, toPage }: PreparedPicture): Promise<RecognisedWord[][]> {
  const { data } = await tesseract.recognize(toPgm(grey), {}, { text: false, tsv: true });
  return linesOfTsv(data.tsv ?? "", toPage);
}

async function start(languages: readonly OcrLanguage[]): Promise<Worker> {
  const [first, ...others] = languages;
  if (first === undefined) throw new MaxleafError("internal", "no language was given to read");
  if (others.length === 0) return await startIn(first.folder, [first.code]);
  // Tesseract looks for all languages in one folder; every package has its own.
  const folder = await mkdtemp(join(tmpdir(), "maxleaf-ocr-"));
  try {
    for (const language of languages) {
      const file = `${language.code}.traineddata.gz`;
      await symlink(join(language.folder, file), join(folder, file));
    }
    return await startIn(
      folder,
      languages.map(({ code }) => code),
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function startIn(folder: string, codes: string[]): Promise<Worker> {
  const started = await createWorker(codes, OEM.LSTM_ONLY, {
    langPath: folder,
    gzip: true,
    cacheMethod: "none",
    // A failure of a page rejects its promise as well. One while starting does not: it ends this process.
    errorHandler: (reason: unknown) => {
      if (worker === undefined) throw new Error(String(reason));
    },
  });
  await started.setParameters({ tessedit_pageseg_mode: PSM.AUTO });
  return started;
}

function failure(error: unknown): OcrReply {
  // Whatever is foreign is about the picture, or the language data, as there is nothing else here.
  if (!(error instanceof MaxleafError)) {
    const reason = error instanceof Error ? error.message : String(error);
    return { type: "failed", code: "file_unreadable", message: `the recogniser failed: ${reason}` };
  }
  const { code, message } = toMaxleafError(error);
  return { type: "failed", code, message };
}

process.on("message", (request) => {
  if (!isOcrRequest(request)) return;
  void answer(request)
    .catch(failure)
    .then((reply) => process.send?.(reply));
});

// Ctrl-C reaches the whole process group; the reader decides when this process ends.
process.on("SIGINT", () => undefined);
process.on("disconnect", () => process.exit());

startWatchdog(OCR_MEMORY_MB);
