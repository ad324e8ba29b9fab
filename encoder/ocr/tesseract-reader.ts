/**
 * Reads pages with tesseract, each in a child process with limits on time and memory.
 *
 * @module
 */
import { availableParallelism } from "node:os";
import PQueue from "p-queue";
import { MaxleafError } from "../../shared/errors.ts";
import { type Outcome, RequestProcess } from "../processes/request-process.ts";
import { keptWords } from "./kept-words.ts";
import type { OcrLanguage } from "./languages.ts";
import {
  MAX_OCR_PROCESSES,
  OCR_HEAP_MB,
  OCR_PAGE_TIMEOUT_MS,
  OCR_START_TIMEOUT_MS,
  PAGES_PER_OCR_PROCESS,
} from "./limits.ts";
import type { PageReader, PageReading } from "./page-reader.ts";
import { isOcrReply, type OcrReply, type OcrRequest } from "./protocol.ts";

export interface TesseractOptions {
  /** From `parseOcrLanguages`. */
  languages: readonly OcrLanguage[];
  /** Pages read at once. Default: one per two cores, at most `MAX_OCR_PROCESSES`. */
  processes?: number | undefined;
  /** Instead of `OCR_PAGE_TIMEOUT_MS`. */
  pageTimeoutMs?: number | undefined;
}

interface ReadingProcess {
  process: RequestProcess<OcrRequest, OcrReply>;
  pages: number;
}

/** No process is started before the first page. */
export class TesseractReader implements PageReader {
  readonly #languages: readonly OcrLanguage[];
  readonly #pageTimeoutMs: number;
  readonly #queue: PQueue;
  readonly #idle: ReadingProcess[] = [];
  readonly #busy = new Set<ReadingProcess>();
  #closed = false;

  constructor({ languages, processes, pageTimeoutMs = OCR_PAGE_TIMEOUT_MS }: TesseractOptions) {
    this.#languages = languages;
    this.#pageTimeoutMs = pageTimeoutMs;
    const concurrency = processes ?? Math.min(MAX_OCR_PROCESSES, Math.max(1, availableParallelism() >> 1));
    this.#queue = new PQueue({ concurrency });
  }

  async read(picture: Uint8Array): Promise<PageReading> {
    return await this.#queue.add(async () => await this.#read(picture));
  }

  close(): void {
    this.#closed = true;
    for (const { process } of [...this.#idle, ...this.#busy]) process.kill();
    this.#idle.length = 0;
  }

  async #read(picture: Uint8Array): Promise<PageReading> {
    const reading = this.#take();
    this.#busy.add(reading);
    try {
      if (reading.pages === 0) await this.#start(reading);
      reading.pages++;
      const begunMs = performance.now();
      const outcome = await reading.process.request({ type: "read", picture }, this.#pageTimeoutMs);
      if (outcome.type !== "lines") throw problemOf(outcome);
      return { words: keptWords(outcome.lines), readMs: performance.now() - begunMs };
    } finally {
      this.#busy.delete(reading);
      this.#giveBack(reading);
    }
  }

  #take(): ReadingProcess {
    if (this.#closed) throw new MaxleafError("internal", "the reader of scans is closed");
    let reading = this.#idle.pop();
    // An idle process may have been ended from outside.
    while (reading !== undefined && !reading.process.alive) reading = this.#idle.pop();
    if (reading !== undefined) return reading;
    const module = new URL("./tesseract-child.ts", import.meta.url);
    const process = new RequestProcess<OcrRequest, OcrReply>({
      module,
      who: "the recogniser",
      heapMb: OCR_HEAP_MB,
      isReply: isOcrReply,
    });
    return { process, pages: 0 };
  }

  async #start({ process }: ReadingProcess): Promise<void> {
    const outcome = await process.request({ type: "start", languages: this.#languages }, OCR_START_TIMEOUT_MS);
    if (outcome.type === "started") return;
    process.kill();
    throw new MaxleafError("model_unavailable", `scans cannot be read: ${problemOf(outcome).message}`);
  }

  #giveBack(reading: ReadingProcess): void {
    const { process, pages } = reading;
    if (this.#closed || !process.alive || pages >= PAGES_PER_OCR_PROCESS) process.kill();
    else this.#idle.push(reading);
  }
}

function problemOf(outcome: Outcome<OcrReply>): MaxleafError {
  if (outcome.type === "timeout") {
    return new MaxleafError("render_timeout", `it was not read after ${outcome.timeoutMs / 1_000} s`);
  }
  if (outcome.type === "failed") return new MaxleafError(outcome.code, outcome.message);
  const how = outcome.type === "crashed" ? outcome.how : `unexpected reply ${outcome.type}`;
  return new MaxleafError("file_unreadable", how);
}
