/**
 * A source file opened for reading, of whatever kind. Runs inside a render process.
 *
 * @module
 */
import { MaxleafError, quote } from "../../shared/errors.ts";
import { detectType, type IngestibleType } from "./file-kind.ts";
import { openImage } from "./image-document.ts";
import { MAX_DOCUMENT_PAGES, MAX_SOURCE_BYTES } from "./limits.ts";
import { isOfficeType, type OfficeType } from "./office/office-type.ts";
import { openPdf } from "./pdf-document.ts";
import type { RenderedPage, SourceFile } from "./rendered-page.ts";

/** What is made of a page beside its words. */
export interface DrawOptions {
  /** `false`: a placeholder instead of the images. */
  draw: boolean;
  /** Long edge of the raw picture for a model that looks at pages; undefined: none is made. */
  pictureLongEdgePx?: number | undefined;
}

export interface SourceDocument {
  readonly pageCount: number;
  /**
   * Renders a page, 1-based. A page of which only a part fails comes back with its `problem`; one that was not drawn has no
   * picture.
   */
  renderPage(pageNumber: number, options: DrawOptions): Promise<RenderedPage>;
  close(): Promise<void>;
}

/** `document` is undefined for an office file, which must become a PDF first. */
export type OpenedSource =
  | { contentType: IngestibleType; document: SourceDocument }
  | { contentType: OfficeType; document: undefined };

/**
 * Opens a file by its content.
 *
 * Errors: `file_empty`, `file_unsupported`, `file_unreadable`, `file_encrypted`, `file_too_large`.
 */
export async function openSource(file: SourceFile): Promise<OpenedSource> {
  if (file.bytes.byteLength > MAX_SOURCE_BYTES) {
    throw new MaxleafError(
      "file_too_large",
      `${quote(file.name)} has ${file.bytes.byteLength} bytes; the limit is ${MAX_SOURCE_BYTES}`,
    );
  }
  const contentType = await detectType(file.name, file.bytes);
  if (isOfficeType(contentType)) return { contentType, document: undefined };
  const document = contentType === "application/pdf" ? await openPdf(file) : await openImage(file);
  if (document.pageCount >= 1 && document.pageCount <= MAX_DOCUMENT_PAGES) return { contentType, document };
  await document.close();
  if (document.pageCount < 1) throw new MaxleafError("file_empty", `${quote(file.name)} has no pages`);
  throw new MaxleafError(
    "file_too_large",
    `${quote(file.name)} has ${document.pageCount} pages; the limit is ${MAX_DOCUMENT_PAGES}`,
  );
}
