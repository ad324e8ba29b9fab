/**
 * What rendering gives: a document's pages with their pictures and words.
 *
 * @module
 */
import type { ErrorCode } from "../../shared/errors.ts";
import type { PageStatus } from "../../shared/page.ts";
import type { PageInput } from "../models/model.ts";

/** A source file in memory. `name` is only for error sentences. */
export interface SourceFile {
  name: string;
  bytes: Uint8Array;
}

/** Why a page has no picture, or no words although it may show some. */
export interface PageProblem {
  code: ErrorCode;
  /** A sentence for people. */
  reason: string;
}

/** A page, its images, its words and, where it was asked for, its picture for a model, before any lossy compression. */
export interface RenderedPage extends PageInput {
  /** WebP, long edge `PAGE_IMAGE_LONG_EDGE_PX`. A blank, crossed-out page when `problem` says that drawing failed. */
  image: Uint8Array;
  /** WebP, `THUMBNAIL_WIDTH_PX` wide. */
  thumbnail: Uint8Array;
  /** Set when the images stand for a page that could not be drawn. */
  placeholder?: true;
  /** `no-text`: the page has no text layer, or none that can be read. */
  status: PageStatus;
  /** Set when part of the page failed; the page is kept all the same. */
  problem?: PageProblem;
}
