/**
 * Gives pages without a text layer the words that can be read on their image.
 *
 * @module
 */
import { type ErrorCode, MaxleafError } from "../../shared/errors.ts";
import type { RenderedPage } from "../render/rendered-page.ts";
import type { PageReader } from "./page-reader.ts";

/** Failures that are one page's: it is kept without words. Others would meet every page. */
const PAGE_FAILURES: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "render_timeout",
  "file_unreadable",
  "file_too_large",
]);

/** A page after reading. */
export interface ReadScan {
  page: RenderedPage;
  /** Why nothing was read although it was tried. */
  problem?: { code: ErrorCode; reason: string };
}

export class ScanReading {
  readonly #reader: PageReader;
  /** Pages on which words were found. */
  pagesRead = 0;
  /** Pages that were looked at, and the time that took, added up over all processes. */
  pagesTried = 0;
  readMs = 0;

  constructor(reader: PageReader) {
    this.#reader = reader;
  }

  /** Pages a second that one process looked at; 0 before the first. */
  get pagesPerSecond(): number {
    return this.readMs === 0 ? 0 : this.pagesTried / (this.readMs / 1_000);
  }

  /** Whether `page` is to be read: it has no words and was drawn. */
  concerns(page: RenderedPage): boolean {
    return page.status === "no-text" && page.placeholder !== true;
  }

  /**
   * `page` itself when it has words or was not drawn. Errors: those of `PageReader.read` that are not one page's.
   */
  async read(page: RenderedPage): Promise<ReadScan> {
    if (!this.concerns(page)) return { page };
    try {
      const { words, readMs } = await this.#reader.read(page.image);
      this.pagesTried++;
      this.readMs += readMs;
      if (words.length === 0) return { page };
      this.pagesRead++;
      return { page: { ...page, words, status: "searchable", textSource: "ocr" } };
    } catch (error) {
      if (!(error instanceof MaxleafError) || !PAGE_FAILURES.has(error.code)) throw error;
      const reason = `page ${page.pageNumber}: its text could not be read from its image (${error.message})`;
      return { page, problem: { code: error.code, reason } };
    }
  }
}
