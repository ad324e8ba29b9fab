/**
 * One process at work on a document: opens it, renders the pages that it is given, and is replaced when it is lost.
 *
 * @module
 */
import { MaxleafError, quote } from "../../shared/errors.ts";
import { MAX_LOST_PROCESSES, type RenderBounds } from "./limits.ts";
import { makePlaceholder } from "./pictures.ts";
import type { RenderRequest } from "./protocol.ts";
import type { RenderOutcome, RenderProcess } from "./render-process.ts";
import type { PageProblem, RenderedPage, SourceFile } from "./rendered-page.ts";
import type { DrawOptions } from "./source-document.ts";

/** What the pool lends to a document: one process at a time, until `end`. */
export interface ProcessLoan {
  take(): RenderProcess;
  /** A process that is not alive any more is given back too. */
  giveBack(process: RenderProcess): void;
  end(): void;
  /** Another process for the same document, when one is free and no other document waits for it. */
  another?: (() => ProcessLoan | undefined) | undefined;
  /** Whether a document waits that has no process at all, or the process's memory is needed. */
  isWanted?: (() => boolean) | undefined;
}

export type PictureOptions = Pick<DrawOptions, "pictureLongEdgePx">;

/** What a document has used up, all its processes together. */
export interface DocumentUse {
  lostProcesses: number;
  busyMs: number;
}

export interface HandOptions extends RenderBounds, PictureOptions {
  file: SourceFile;
  pageCount: number;
  use: DocumentUse;
  /** Told of each page how long its process was busy with it. */
  onRendered?: ((renderMs: number) => void) | undefined;
}

/** A page lost with its process has no known size: A4, in points. */
const LOST_PAGE_SIZE = { width: 595, height: 842 };

export class RenderHand {
  readonly loan: ProcessLoan;
  readonly #options: HandOptions;
  #process: RenderProcess;
  /** Of this hand alone. */
  #busyMs = 0;
  #ended = false;

  /** @param process - Of `loan`, with the document open. */
  constructor(options: HandOptions, loan: ProcessLoan, process: RenderProcess) {
    this.#options = options;
    this.loan = loan;
    this.#process = process;
  }

  /** A hand for a document that another one has opened before. Undefined when it cannot be opened now. */
  static async join(options: HandOptions, loan: ProcessLoan): Promise<RenderHand | undefined> {
    const process = loan.take();
    const opened = await process.request({ type: "open", file: options.file }, options.openTimeoutMs);
    if (opened.type === "opened") return new RenderHand(options, loan, process);
    if (opened.type !== "failed") process.kill();
    loan.giveBack(process);
    loan.end();
    return undefined;
  }

  /**
   * A page that cannot be rendered comes back with its problem. Errors: of documents that are given up, and `file_unreadable`
   * for a file of one picture.
   */
  async render(pageNumber: number): Promise<RenderedPage> {
    const busyMs = this.#busyMs;
    const page = await this.#renderOrLose(pageNumber);
    this.#options.onRendered?.(this.#busyMs - busyMs);
    return page;
  }

  async #renderOrLose(pageNumber: number): Promise<RenderedPage> {
    const { pictureLongEdgePx, pageCount } = this.#options;
    const drawn = await this.#request({ type: "render", pageNumber, draw: true, pictureLongEdgePx });
    if (drawn.type === "page") return drawn.page;
    if (!isLoss(drawn)) {
      // A file of one picture that cannot be decoded has nothing to show.
      if (drawn.type === "failed" && pageCount === 1) throw new MaxleafError(drawn.code, drawn.message);
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

  /** Lets the process go. What it renders is lost. */
  async end(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    const outcome = this.#process.busy
      ? undefined
      : await this.#process.request({ type: "close" }, this.#options.openTimeoutMs);
    if (outcome?.type !== "closed") this.#process.kill();
    this.loan.giveBack(this.#process);
    this.loan.end();
  }

  async #request(request: RenderRequest): Promise<RenderOutcome> {
    const { file, use, documentTimeoutMs, pageTimeoutMs } = this.#options;
    const left = documentTimeoutMs - use.busyMs;
    if (left <= 0) {
      throw new MaxleafError(
        "render_timeout",
        `${quote(file.name)} took more than ${documentTimeoutMs / 60_000} minutes to render`,
      );
    }
    const begunMs = performance.now();
    const outcome = await this.#process.request(request, Math.min(pageTimeoutMs, left));
    const tookMs = performance.now() - begunMs;
    use.busyMs += tookMs;
    this.#busyMs += tookMs;
    return outcome;
  }

  async #replaceProcess(problem: PageProblem): Promise<void> {
    const { file, use, openTimeoutMs } = this.#options;
    if (this.#ended) throw new MaxleafError("internal", `${quote(file.name)} was closed while being rendered`);
    this.loan.giveBack(this.#process);
    if (++use.lostProcesses > MAX_LOST_PROCESSES) {
      throw new MaxleafError(
        problem.code,
        `${quote(file.name)} was given up after ${use.lostProcesses} failures: ${problem.reason}`,
      );
    }
    this.#process = this.loan.take();
    expectOpened(file, await this.#process.request({ type: "open", file }, openTimeoutMs));
  }
}

export type Opened = Extract<RenderOutcome, { type: "opened" }>;

/** Errors: see `RenderPool.open`. */
export function expectOpened(file: SourceFile, outcome: RenderOutcome): Opened {
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
