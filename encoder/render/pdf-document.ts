/**
 * PDF files: the picture by pdf-to-img, the words from pdfjs' text layer.
 *
 * pdf-to-img hides the document it parses, so the file is opened twice, both times by the same pdfjs. What that costs is
 * the cross-reference table and the fonts (10 to 25 ms a file, measured on filings of 75 and 107 pages); text and
 * drawing instructions are separate passes over a page in pdfjs either way.
 *
 * @module
 */
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { pdf, type Pdf } from "pdf-to-img";
import { getDocument, type PDFDocumentProxy, type PDFPageProxy, VerbosityLevel } from "pdfjs-dist/legacy/build/pdf.mjs";
import type { DocumentInitParameters } from "pdfjs-dist/types/src/display/api.js";
import sharp from "sharp";
import { MaxleafError, quote } from "../../shared/errors.ts";
import type { PageWord } from "../models/model.ts";
import { MAX_PAGE_SCALE, MAX_SOURCE_PIXELS, PAGE_IMAGE_LONG_EDGE_PX, PAGES_PER_PICTURE_SESSION } from "./limits.ts";
import { makePictures, makePlaceholder, type Pictures } from "./pictures.ts";
import { RawCanvasFactory } from "./raw-canvas.ts";
import type { PageProblem, RenderedPage, SourceFile } from "./rendered-page.ts";
import type { SourceDocument } from "./source-document.ts";
import { readFontWidths } from "./words/font-widths.ts";
import { toMatrix } from "./words/geometry.ts";
import { pageWords } from "./words/page-words.ts";

const PDFJS_FOLDER = dirname(createRequire(import.meta.url).resolve("pdfjs-dist/package.json"));
/** pdfjs wants folders with a slash at the end. */
const pdfjsFolder = (name: string) => `${join(PDFJS_FOLDER, name)}/`;

const INIT: DocumentInitParameters = {
  verbosity: VerbosityLevel.ERRORS,
  standardFontDataUrl: pdfjsFolder("standard_fonts"),
  cMapUrl: pdfjsFolder("cmaps"),
  cMapPacked: true,
  // Decoders of JPEG 2000, JBIG2 and colour profiles. pdf-to-img leaves them out, and such scans would come out blank.
  wasmUrl: pdfjsFolder("wasm"),
  iccUrl: pdfjsFolder("iccs"),
  maxImageSize: MAX_SOURCE_PIXELS,
  CanvasFactory: RawCanvasFactory,
};

interface PageSize {
  width: number;
  height: number;
}

/** A page of no size, or one that cannot be read at all, is shown as A4. */
const UNKNOWN_SIZE: PageSize = { width: 595, height: 842 };

/**
 * Opens a PDF. One that asks for no password to be read (only to be changed) opens like any other.
 *
 * Errors: `file_encrypted`, `file_unreadable`.
 */
export async function openPdf(file: SourceFile): Promise<SourceDocument> {
  const document = await openText(file);
  let pictures: PictureSession | undefined;
  return {
    pageCount: document.numPages,
    async renderPage(pageNumber, { draw, pictureLongEdgePx }) {
      if (!draw) return renderPage(document, pageNumber, makePlaceholder);
      if (pictures?.isSpent() === true) {
        await pictures.close();
        pictures = undefined;
      }
      const session = (pictures ??= await PictureSession.open(file));
      return renderPage(document, pageNumber, (size) => session.draw(pageNumber, size, pictureLongEdgePx));
    },
    async close() {
      await pictures?.close();
      await document.loadingTask.destroy();
    },
  };
}

async function openText(file: SourceFile): Promise<PDFDocumentProxy> {
  try {
    // pdfjs takes the bytes it is given away, hence a copy.
    return await getDocument({ ...INIT, data: Uint8Array.from(file.bytes) }).promise;
  } catch (error) {
    if (error instanceof Error && error.name === "PasswordException") {
      throw new MaxleafError("file_encrypted", `${quote(file.name)} is locked with a password`, { cause: error });
    }
    throw new MaxleafError("file_unreadable", `${quote(file.name)} is a damaged PDF: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

/** pdf-to-img on one document. It reads `scale` anew for each page, which is how every page gets its own. */
class PictureSession {
  readonly #options: { scale: number };
  readonly #pdf: Pdf;
  #drawn = 0;

  private constructor(options: { scale: number }, opened: Pdf) {
    this.#options = options;
    this.#pdf = opened;
  }

  static async open(file: SourceFile): Promise<PictureSession> {
    const options = { scale: 1, docInitParams: INIT };
    return new PictureSession(options, await pdf(Uint8Array.from(file.bytes), options));
  }

  isSpent(): boolean {
    return this.#drawn >= PAGES_PER_PICTURE_SESSION;
  }

  /** Draws a page of `width` × `height` points, once: as large as the larger of image and picture. */
  async draw(pageNumber: number, { width, height }: PageSize, pictureLongEdgePx = 0): Promise<Pictures> {
    this.#drawn++;
    const longEdge = Math.max(PAGE_IMAGE_LONG_EDGE_PX, pictureLongEdgePx);
    const scale = Math.min(MAX_PAGE_SCALE, longEdge / Math.max(width, height));
    this.#options.scale = scale;
    const pixels = await this.#pdf.getPage(pageNumber);
    const columns = Math.floor(width * scale);
    const rows = Math.floor(height * scale);
    if (pixels.byteLength !== columns * rows * 4) {
      throw new RangeError(`expected ${columns} × ${rows} pixels but got ${pixels.byteLength} bytes`);
    }
    const drawn = sharp(pixels, { raw: { width: columns, height: rows, channels: 4 } });
    return makePictures(drawn, pictureLongEdgePx || undefined);
  }

  async close(): Promise<void> {
    await this.#pdf.destroy();
  }
}

async function renderPage(
  document: PDFDocumentProxy,
  pageNumber: number,
  draw: (size: PageSize) => Promise<Pictures>,
): Promise<RenderedPage> {
  let size = UNKNOWN_SIZE;
  let words: PageWord[] = [];
  const failures: string[] = [];
  try {
    const page = await document.getPage(pageNumber);
    size = sizeOf(page);
    words = await readWords(page, size);
    page.cleanup();
  } catch (error) {
    failures.push(`its text cannot be read (${messageOf(error)})`);
  }
  const pictures = await draw(size).catch((error: unknown) => {
    failures.push(`it cannot be drawn (${messageOf(error)})`);
    return makePlaceholder(size);
  });
  const problem: PageProblem = { code: "file_unreadable", reason: `page ${pageNumber}: ${failures.join("; ")}` };
  return {
    pageNumber,
    ...size,
    words,
    status: words.length > 0 ? "searchable" : "no-text",
    ...pictures,
    ...(failures.length > 0 ? { problem } : {}),
  };
}

function sizeOf(page: PDFPageProxy): PageSize {
  const { width, height } = page.getViewport({ scale: 1 });
  if (width > 0 && height > 0 && Number.isFinite(width) && Number.isFinite(height)) return { width, height };
  throw new RangeError(`the page measures ${width} × ${height} points`);
}

async function readWords(page: PDFPageProxy, size: PageSize): Promise<PageWord[]> {
  const viewport = toMatrix(page.getViewport({ scale: 1 }).transform);
  if (viewport === undefined) throw new RangeError("the page has no usable coordinate system");
  const content = await page.getTextContent();
  // A page without text, a scan as a rule, would cost the decoding of its picture.
  const isBlank = content.items.every((item) => !("str" in item) || item.str.trim() === "");
  if (isBlank) return [];
  // A page that cannot be drawn may still be read.
  const fonts = await readFontWidths(page).catch(() => undefined);
  return pageWords(content, viewport, size, fonts);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message.replaceAll(/\s+/g, " ").trim() : String(error);
}
