/**
 * A document being rendered page by page in render processes: one, and more when a long document has the pool for itself.
 *
 * @module
 */
import type { IngestibleType } from "./file-kind.ts";
import { MAX_SHARED_SOURCE_BYTES, MIN_PAGES_TO_SHARE, type RenderBounds } from "./limits.ts";
import { convertOffice, type OfficeOptions } from "./office/convert-office.ts";
import {
  expectOpened,
  type HandOptions,
  type Opened,
  type PictureOptions,
  type ProcessLoan,
  RenderHand,
} from "./render-hand.ts";
import type { RenderProcess } from "./render-process.ts";
import type { RenderedPage, SourceFile } from "./rendered-page.ts";

/** Bounds of a document, what is made of its pages, and how an office file becomes a PDF. */
type Settings = RenderBounds & PictureOptions & OfficeOptions & Pick<HandOptions, "onRendered">;

/** What a hand did. No page: it joined and found nothing to do, or could not join. */
type Done = { ok: true; hand: RenderHand | undefined; page: RenderedPage | undefined } | { ok: false; error: unknown };

/** A document's pages, in order while one process renders them. Iterate once; leaving the loop early closes it. */
export class RenderedDocument implements AsyncIterable<RenderedPage> {
  /** Of the file as it was given: an office file is rendered from a PDF, whose pages these are. */
  readonly contentType: IngestibleType;
  readonly pageCount: number;
  readonly #options: HandOptions;
  readonly #first: RenderHand;
  readonly #hands = new Set<RenderHand>();
  /** One for each hand at work or joining. */
  readonly #working = new Set<Promise<Done>>();
  #nextPage = 1;
  #mayShare: boolean;
  #closed = false;

  private constructor(file: SourceFile, settings: Settings, loan: ProcessLoan, process: RenderProcess, opened: Opened) {
    this.contentType = opened.contentType;
    this.pageCount = opened.pageCount;
    this.#options = { ...settings, file, pageCount: opened.pageCount, use: { lostProcesses: 0, busyMs: 0 } };
    this.#first = new RenderHand(this.#options, loan, process);
    this.#hands.add(this.#first);
    this.#mayShare = file.bytes.byteLength <= MAX_SHARED_SOURCE_BYTES;
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

  /** While the caller works on a page, every process renders its next one. */
  async *[Symbol.asyncIterator](): AsyncGenerator<RenderedPage, void> {
    try {
      this.#goOn(this.#first);
      while (this.#working.size > 0) {
        this.#recruit();
        const done = await this.#race();
        if (!done.ok) throw done.error;
        const { hand, page } = done;
        if (hand === undefined) continue;
        if (hand !== this.#first && hand.loan.isWanted?.() === true) await this.#dismiss(hand);
        else this.#goOn(hand);
        if (page !== undefined) yield page;
      }
    } finally {
      await this.close();
    }
  }

  /** Lets the processes go. Pages not read yet are lost. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await Promise.all([...this.#hands].map(async (hand) => await hand.end()));
  }

  /** Gives `hand` the next page, if there is one. */
  #goOn(hand: RenderHand): void {
    if (this.#nextPage > this.pageCount) return;
    const pageNumber = this.#nextPage++;
    this.#work(async () => ({ hand, page: await hand.render(pageNumber) }));
  }

  /** Takes on another process, if the pool has one that nobody else needs and there is enough to do for it. */
  #recruit(): void {
    const left = this.pageCount - this.#nextPage + 1;
    if (!this.#mayShare || left < MIN_PAGES_TO_SHARE * this.#working.size) return;
    const loan = this.#first.loan.another?.();
    if (loan === undefined) return;
    this.#work(async () => {
      const hand = await RenderHand.join(this.#options, loan);
      // A file that opens in one process and not in another is better left to the first.
      if (hand === undefined) this.#mayShare = false;
      else if (this.#closed) await hand.end();
      else this.#hands.add(hand);
      return { hand, page: undefined };
    });
  }

  async #dismiss(hand: RenderHand): Promise<void> {
    this.#hands.delete(hand);
    await hand.end();
  }

  #work(task: () => Promise<{ hand: RenderHand | undefined; page: RenderedPage | undefined }>): void {
    const working: Promise<Done> = task().then(
      (done): Done => ({ ok: true, ...done }),
      (error: unknown): Done => ({ ok: false, error }),
    );
    this.#working.add(working);
  }

  /** What the first hand that is through did. */
  async #race(): Promise<Done> {
    const { done, working } = await Promise.race(
      [...this.#working].map(async (working) => ({ done: await working, working })),
    );
    this.#working.delete(working);
    return done;
  }
}
