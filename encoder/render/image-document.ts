/**
 * PNG, JPEG, WebP and TIFF files. Each picture of a TIFF is a page; of an animation only the first picture is.
 *
 * @module
 */
import sharp, { type Metadata, type SharpOptions } from "sharp";
import { MaxleafError, quote } from "../../shared/errors.ts";
import { MAX_SOURCE_PIXELS } from "./limits.ts";
import { makePictures, makePlaceholder } from "./pictures.ts";
import type { RenderedPage, SourceFile } from "./rendered-page.ts";
import type { DrawOptions, SourceDocument } from "./source-document.ts";

/** EXIF orientations 5 to 8 turn the picture by a quarter. */
const FIRST_QUARTER_TURN = 5;

/**
 * Opens an image file. Errors: `file_unreadable`, `file_too_large`.
 */
export async function openImage(file: SourceFile): Promise<SourceDocument> {
  const options: SharpOptions = { limitInputPixels: MAX_SOURCE_PIXELS, failOn: "error" };
  const first = await readMetadata(file, options);
  const pageCount = first.format === "tiff" ? (first.pages ?? 1) : 1;
  return {
    pageCount,
    renderPage: (pageNumber, draw) => renderImage(file, pageNumber, draw, { ...options, page: pageNumber - 1 }),
    close: () => Promise.resolve(),
  };
}

async function renderImage(
  file: SourceFile,
  pageNumber: number,
  { draw, pictureLongEdgePx }: DrawOptions,
  options: SharpOptions,
): Promise<RenderedPage> {
  const { width, height, orientation = 1 } = await readMetadata(file, options);
  if (width * height > MAX_SOURCE_PIXELS) {
    throw new MaxleafError(
      "file_too_large",
      `picture ${pageNumber} of ${quote(file.name)} has ${width} × ${height} pixels; the limit is ${MAX_SOURCE_PIXELS}`,
    );
  }
  const size = orientation >= FIRST_QUARTER_TURN ? { width: height, height: width } : { width, height };
  try {
    const pictures = draw
      ? await makePictures(sharp(file.bytes, options).autoOrient(), pictureLongEdgePx)
      : await makePlaceholder(size);
    return { pageNumber, ...size, words: [], status: "no-text", ...pictures };
  } catch (error) {
    throw unreadable(file, error);
  }
}

async function readMetadata(file: SourceFile, options: SharpOptions): Promise<Metadata> {
  try {
    // The pixel limit is checked by hand, so that a picture over it is called too large and not unreadable.
    return await sharp(file.bytes, { ...options, limitInputPixels: false }).metadata();
  } catch (error) {
    throw unreadable(file, error);
  }
}

function unreadable(file: SourceFile, cause: unknown): MaxleafError {
  const reason = cause instanceof Error ? cause.message.split("\n")[0] : String(cause);
  return new MaxleafError("file_unreadable", `${quote(file.name)} cannot be decoded: ${reason}`, { cause });
}
