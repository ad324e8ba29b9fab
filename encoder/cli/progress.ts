/**
 * Shows how far an ingestion is: a bar when a person watches, a line per document otherwise. Always on stderr.
 *
 * @module
 */
import cliProgress from "cli-progress";
import type { FoundFile } from "../ingest/discover.ts";
import type { IngestObserver } from "../ingest/observer.ts";
import type { IndexingProgress } from "../indexing/index-writer.ts";
import { counted, duration } from "./format.ts";
import type { Terminal } from "./terminal.ts";

const BAR_FORMAT =
  "{stage} {bar} {percentage}% | {files} of {fileCount} files | {pages} pages | {rate} pages/s | {left} left";
/** The first seconds go into starting processes, the first pages are few: an estimate from them would frighten. */
const SETTLE_MS = 2_000;
const SETTLE_SHARE = 0.01;

const STAGE_LINES: Record<IndexingProgress["stage"], string> = {
  training: "training the codebook",
  coding: "writing segments",
  inverting: "building the inverted file",
  calibrating: "measuring what searches find",
};

/** Progress by bytes of the sources: the only size known of files that are not open yet. */
class Tally {
  readonly #beginMs = performance.now();
  readonly #totalBytes: number;
  readonly fileCount: number;
  readonly #openPages = new Map<string, number>();
  readonly #openShares = new Map<string, number>();
  #doneBytes = 0;
  files = 0;
  pages = 0;

  constructor(files: readonly FoundFile[]) {
    this.#totalBytes = Math.max(1, sizeOf(files));
    this.fileCount = files.length;
  }

  /** One more page of a file, whichever. */
  page(file: FoundFile, pageCount: number): void {
    this.pages++;
    const done = this.pagesOf(file) + 1;
    this.#openPages.set(file.name, done);
    this.#openShares.set(file.name, (done / pageCount) * file.bytes);
  }

  /** Pages of a file that is not done with. */
  pagesOf(file: FoundFile): number {
    return this.#openPages.get(file.name) ?? 0;
  }

  file(file: FoundFile): void {
    this.files++;
    this.#openPages.delete(file.name);
    this.#openShares.delete(file.name);
    this.#doneBytes += file.bytes;
  }

  /** 0 … 1. */
  get share(): number {
    const open = [...this.#openShares.values()].reduce((sum, bytes) => sum + bytes, 0);
    return Math.min(1, (this.#doneBytes + open) / this.#totalBytes);
  }

  get rate(): string {
    return (this.pages / (this.#elapsedMs / 1_000)).toFixed(1);
  }

  get left(): string {
    if (this.share < SETTLE_SHARE || this.#elapsedMs < SETTLE_MS) return "…";
    return duration((this.#elapsedMs * (1 - this.share)) / this.share);
  }

  get #elapsedMs(): number {
    return performance.now() - this.#beginMs;
  }
}

function sizeOf(files: readonly FoundFile[]): number {
  return files.reduce((sum, file) => sum + file.bytes, 0);
}

export interface IngestProgress extends IngestObserver {
  /** Takes the bar away. Call it whatever happened: the cursor is hidden until then. */
  stop(): void;
}

/** @param quiet - No lines when nobody watches; a bar is shown all the same. */
export function showIngestProgress(files: readonly FoundFile[], terminal: Terminal, quiet: boolean): IngestProgress {
  if (terminal.errIsTty) return bar(new Tally(files));
  return quiet ? { stop: () => undefined } : lines(new Tally(files), terminal);
}

function bar(tally: Tally): IngestProgress {
  const shown = new cliProgress.SingleBar(
    // Ctrl-C is the command's to handle; the library's own handler would only half stop.
    { format: BAR_FORMAT, stream: process.stderr, hideCursor: true, gracefulExit: false, clearOnComplete: true },
    cliProgress.Presets.shades_classic,
  );
  const payload = (stage: string) => {
    const { files, fileCount, pages, rate, left } = tally;
    return { stage, files, fileCount, pages, rate, left };
  };
  const update = (stage: string) => shown.update(Math.round(tally.share * 1_000), payload(stage));
  shown.start(1_000, 0, payload("reading"));
  return {
    onPage: (file, _page, pageCount) => {
      tally.page(file, pageCount);
      update("reading");
    },
    onFile: (file) => {
      tally.file(file);
      update("reading");
    },
    onCommit: ({ stage, share }: IndexingProgress) => update(`${stage} ${Math.round(share * 100)}%`),
    stop: () => shown.stop(),
  };
}

function lines(tally: Tally, terminal: Terminal): IngestProgress {
  let stageShown = "";
  return {
    onPage: (file, _page, pageCount) => tally.page(file, pageCount),
    onFile: (file, outcome) => {
      const pages = tally.pagesOf(file);
      tally.file(file);
      // Of ten thousand files that did not change nobody wants ten thousand lines.
      if (outcome === "unchanged") return;
      const what = outcome === "failed" ? "" : ` (${counted(pages, "page")})`;
      const { files, fileCount, rate, left } = tally;
      terminal.err(`${outcome} ${file.name}${what}: ${files} of ${fileCount} files, ${rate} pages/s, ${left} left\n`);
    },
    onCommit: ({ stage }) => {
      if (stage !== stageShown) terminal.err(`${STAGE_LINES[stage]}\n`);
      stageShown = stage;
    },
    stop: () => undefined,
  };
}
