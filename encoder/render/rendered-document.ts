/**
 * A document being rendered page by page in a render process.
 *
 * @module
 */
import { MaxleafError, quote } from "../../shared/errors.ts";
import type { IngestibleType } from "./file-kind.ts";
import { MAX_LOST_PROCESSES, type RenderBounds } from "./limits.ts";
import { convertOffice, type OfficeOptions } from "./office/convert-office.ts";
import { makePlaceholder } from "./pictures.ts";
import type { RenderRequest } from "./protocol.ts";
import type { RenderOutcome, RenderProcess } from "./render-process.ts";
import type { DrawOptions } from "./source-document.ts";
import type { PageProblem, RenderedPage, SourceFile } from "./rendered-page.ts";

/** What the pool lends to a document: one process at a time, from `open` until `end`. */
export interface ProcessLoan {
  take(): RenderProcess;
  /** A process that is not alive any more is given back too. */
  giveBack(process: RenderProcess): void;
  end(): void;
}

export type PictureOptions = Pick<DrawOptions, "pictureLongEdgePx">;

/** Bounds of a document, what is made of its pages, and how an office file becomes a PDF. */
type Settings = RenderBounds & PictureOptions & OfficeOptions;

/** A page lost with its process has no known size: A4, in points. */
const LOST_PAGE_SIZE = { width: 595, height: 842 };

/** A document's pages in order. Iterate once; leaving the loop early closes it. */
export class RenderedDocument implements AsyncIterable<RenderedPage> {
  /** Of the file as it was given: an office file is rendered from a PDF, whose pages these are. */
  readonly contentType: IngestibleType;
  readonly pageCount: number;
  readonly #file: SourceFile;
  readonly #settings: Settings;
  readonly #loan: ProcessLoan;
  #process: RenderProcess;
  #lostProcesses = 0;
  #busyMs = 0;
  #closed = false;

  private constructor(file: SourceFile, settings: Settings, loan: ProcessLoan, process: RenderProcess, opened: Opened) {
    this.#file = file;
    this.#settings = settings;
    this.#loan = loan;
    this.#process = process;
    this.contentType = opened.contentType;
    this.pageCount = opened.pageCount;
  }

  /** Errors: see `RenderPool.open`. */
  static async open(file: SourceFile, settings: Settings, loan: ProcessLoan): Promise<RenderedDocument> {
    const process = loan.take();
    try {
      const outcome = await process.request({ type: "open", file }, settings.openTimeoutMs);
      if (outcome.type !== "office") {
        return new RenderedDocument(file, settings, loan, process, expectOpened(file, outcome));
      }
      const pdf: SourceFile = { name: file.name, bytes: await convertOffice(file, outcome.contentType, settings) };
      const opened = expectOpened(file, await process.request({ type: "open", file: pdf }, settings.openTimeoutMs));
      return new RenderedDocument(pdf, settings, loan, process, { ...opened, contentType: outcome.contentType });
    } catch (error) {
      loan.giveBack(process);
      throw error;
    }
  }

  /** While the caller works on a page, the next one is rendered. */
  async *[Symbol.asyncIterator](): AsyncGenerator<RenderedPage, void> {
    try {
      let next = settled(this.#render(1));
      for (let pageNumber = 1; pageNumber <= this.pageCount; pageNumber++) {
        const current = await next;
        if (!current.ok) throw current.error;
        if (pageNumber < this.pageCount) next = settled(this.#render(pageNumber + 1));
        yield current.page;
      }
    } finally {
      await this.close();
    }
  }

  /** Lets the process go. Pages not read yet are lost. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    const outcome = this.#process.busy
      ? undefined
      : await this.#process.request({ type: "close" }, this.#settings.openTimeoutMs);
    if (outcome?.type !== "closed") this.#process.kill();
    this.#loan.giveBack(this.#process);
    this.#loan.end();
  }

  async #render(pageNumber: number): Promise<RenderedPage> {
    const { pictureLongEdgePx } = this.#settings;
    const drawn = await this.#request({ type: "render", pageNumber, draw: true, pictureLongEdgePx });
    if (drawn.type === "page") return drawn.page;
    if (!isLoss(drawn)) {
      // A file of one picture that cannot be decoded has nothing to show.
      if (drawn.type === "failed" && this.pageCount === 1) throw new MaxleafError(drawn.code, drawn.message);
      return lostPage(pageNumber, problemOf(pageNumber, drawn));
    }
    // The picture is the likelier culprit; the words alone may still be had.
    const problem = problemOf(pageNumber, drawn);
    await this.#replaceProcess(problem);
    const undrawn = await this.#request({ type: "render", pageNumber, draw: false });
    if (undrawn.type === "page") return { ...undrawn.page, problem };
    if (isLoss(undrawn)) await this.#replaceProcess(problem);
    return lostPage(pageNumber, problem);
  }

  async #request(request: RenderRequest): Promise<RenderOutcome> {
    const left = this.#settings.documentTimeoutMs - this.#busyMs;
    if (left <= 0) {
      throw new MaxleafError(
        "render_timeout",
        `${quote(this.#file.name)} took more than ${this.#settings.documentTimeoutMs / 60_000} minutes to render`,
      );
    }
    const begunMs = performance.now();
    const outcome = await this.#process.request(request, Math.min(this.#settings.pageTimeoutMs, left));
    this.#busyMs += performance.now() - begunMs;
    return outcome;
  }

  async #replaceProcess(problem: PageProblem): Promise<void> {
    if (this.#closed) throw new MaxleafError("internal", `${quote(this.#file.name)} was closed while being rendered`);
    this.#loan.giveBack(this.#process);
    if (++this.#lostProcesses > MAX_LOST_PROCESSES) {
      throw new MaxleafError(
        problem.code,
        `${quote(this.#file.name)} was given up after ${this.#lostProcesses} failures: ${problem.reason}`,
      );
    }
    this.#process = this.#loan.take();
    expectOpened(
      this.#file,
      await this.#process.request({ type: "open", file: this.#file }, this.#settings.openTimeoutMs),
    );
  }
}

type Opened = Extract<RenderOutcome, { type: "opened" }>;

function expectOpened(file: SourceFile, outcome: RenderOutcome): Opened {
  if (outcome.type === "opened") return outcome;
  if (outcome.type === "failed") throw new MaxleafError(outcome.code, outcome.message);
  if (outcome.type === "timeout") {
    throw new MaxleafError("render_timeout", `${quote(file.name)} was not open after ${outcome.timeoutMs / 1_000} s`);
  }
  const how = outcome.type === "crashed" ? outcome.how : `unexpected reply ${outcome.type}`;
  throw new MaxleafError("file_unreadable", `${quote(file.name)} cannot be opened: ${how}`);
}

function isLoss(outcome: RenderOutcome): boolean {
  return outcome.type === "timeout" || outcome.type === "crashed";
}

function problemOf(pageNumber: number, outcome: RenderOutcome): PageProblem {
  if (outcome.type === "timeout") {
    return {
      code: "render_timeout",
      reason: `page ${pageNumber}: it was not rendered after ${outcome.timeoutMs / 1_000} s`,
    };
  }
  if (outcome.type === "failed") return { code: outcome.code, reason: `page ${pageNumber}: ${outcome.message}` };
  const how = outcome.type === "crashed" ? outcome.how : `unexpected reply ${outcome.type}`;
  return { code: "file_unreadable", reason: `page ${pageNumber}: ${how}` };
}

async function lostPage(pageNumber: number, problem: PageProblem): Promise<RenderedPage> {
  const pictures = await makePlaceholder(LOST_PAGE_SIZE);
  return { pageNumber, ...LOST_PAGE_SIZE, words: [], status: "no-text", ...pictures, problem };
}

type Settled = { ok: true; page: RenderedPage } | { ok: false; error: unknown };

/** A promise that may wait for its turn without being an unhandled rejection. */
function settled(page: Promise<RenderedPage>): Promise<Settled> {
  return page.then(
    (value): Settled => ({ ok: true, page: value }),
    (error: unknown): Settled => ({ ok: false, error }),
  );
}
