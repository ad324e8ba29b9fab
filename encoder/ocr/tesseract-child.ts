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
import type { OcrLanguage } from "./languages.ts";
import { OCR_MEMORY_MB } from "./limits.ts";
import { preparePicture, toPgm } from "./prepare-picture.ts";
import { isOcrRequest, type OcrReply, type OcrRequest } from "./protocol.ts";
import { linesOfTsv } from "./tsv.ts";

let worker: Worker | undefined;

async function answer(request: OcrRequest): Promise<OcrReply> {
  if (request.type === "start") {
    worker = await start(request.languages);
    return { type: "started" };
  }
  if (worker === undefined)
    throw new MaxleafError("internal", "a page was to be read before the recogniser was started");
  const { grey, toPage } = await preparePicture(request.picture);
  const { data } = await worker.recognize(toPgm(grey), {}, { text: false, tsv: true });
  return { type: "lines", lines: linesOfTsv(data.tsv ?? "", toPage) };
}

async function start(languages: readonly OcrLanguage[]): Promise<Worker> {
  // Tesseract looks for all languages in one folder; every package has its own.
  const folder = await mkdtemp(join(tmpdir(), "maxleaf-ocr-"));
  try {
    for (const language of languages) {
      const file = `${language.code}.traineddata.gz`;
      await symlink(join(language.folder, file), join(folder, file));
    }
    const codes = languages.map(({ code }) => code);
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
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
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
