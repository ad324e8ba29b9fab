/**
 * What an ingestion did, as counts and as the list of everything that did not go well.
 *
 * @module
 */
import type { ErrorCode } from "../../shared/errors.ts";

/** A file that is not in the index, or only in an older version, because of `reason`. */
export interface FailedFile {
  name: string;
  code: ErrorCode;
  reason: string;
}

/** A page that is in the index but not as it should be: not drawn, not read, or only part of its words searchable. */
export interface PageNotice {
  name: string;
  page: number;
  code: ErrorCode | "words_left_out";
  reason: string;
}

export interface IngestReport {
  index: string;
  recipe: string;
  /** Documents that are new to the index, took the place of an older version, or were there already. */
  added: number;
  replaced: number;
  unchanged: number;
  failed: FailedFile[];
  /** Files in folders that no reader exists for. */
  skippedFiles: number;
  /** Pages added, those among them that can be found, and those without any text for this recipe. */
  pages: number;
  searchablePages: number;
  pagesWithoutText: number;
  /** Searchable pages whose words were read from their image. */
  pagesReadByOcr: number;
  /** Of one reading process, pages without text included; 0 when none was read. */
  ocrPagesPerSecond: number;
  pageNotices: PageNotice[];
  vectors: number;
  seconds: number;
  pagesPerSecond: number;
  /** Undefined when nothing was committed. */
  manifestVersion: number | undefined;
  /** The index has outgrown its codebook; see `CommitReport`. */
  codebookStale: boolean;
  /** The roughest of the commits by its `CommitReport.drift`; undefined without vectors. */
  drift: number | undefined;
  /** Stopped early; what was finished is in the index, and running it again does the rest. */
  interrupted: boolean;
}

/** A report of an ingestion that has not begun. */
export function emptyReport(index: string, recipe: string): IngestReport {
  return {
    index,
    recipe,
    added: 0,
    replaced: 0,
    unchanged: 0,
    failed: [],
    skippedFiles: 0,
    pages: 0,
    searchablePages: 0,
    pagesWithoutText: 0,
    pagesReadByOcr: 0,
    ocrPagesPerSecond: 0,
    pageNotices: [],
    vectors: 0,
    seconds: 0,
    pagesPerSecond: 0,
    manifestVersion: undefined,
    codebookStale: false,
    drift: undefined,
    interrupted: false,
  };
}
