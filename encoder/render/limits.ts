/**
 * What rendering may cost, and how large its pictures are. Times were set on two loaded cores, where an ordinary page
 * takes 0.2 s and the slowest of 4,000 filing pages 3 s.
 *
 * @module
 */

// --- Pictures -------------------------------------------------------------------------------------------------

/** Long edge of a page image: 145 dpi on A4, so that 8-point print can be read and the image stays near 230 kB. */
export const PAGE_IMAGE_LONG_EDGE_PX = 1_600;
/** A page of a few points is not blown up further than this (288 dpi). */
export const MAX_PAGE_SCALE = 4;
export const PAGE_IMAGE_QUALITY = 80;
/** Two columns of thumbnails on a phone, at twice the pixel density. */
export const THUMBNAIL_WIDTH_PX = 320;
/** A narrow strip is not made taller than this many times its width. */
export const MAX_THUMBNAIL_ASPECT = 4;
export const THUMBNAIL_QUALITY = 75;
/** Of 0 to 6. On filing pages 2 gives 231 kB in 117 ms; 3 and 4 give 227 kB in 290 ms, 0 and 1 273 kB in 95 ms. */
export const WEBP_EFFORT = 2;

// --- What a source may be -------------------------------------------------------------------------------------

/** Bytes of one source file. */
export { MAX_SOURCE_BYTES } from "../../shared/limits.ts";
/** Pages of one document: a printed encyclopaedia volume has 1,500. */
export const MAX_DOCUMENT_PAGES = 20_000;
/** Pixels of one picture, in an image file or inside a PDF: an A0 poster at 300 dpi has 139 million. */
export const MAX_SOURCE_PIXELS = 160_000_000;
/** Pixels of one canvas that pdfjs asks for: the page itself needs at most 2.6 million, its patterns and groups less. */
export const MAX_CANVAS_PIXELS = 40_000_000;

// --- Time and memory ------------------------------------------------------------------------------------------

/** Start of a render process, and reading a document's structure. Repairing a broken 250 MB PDF scans all of it. */
export const OPEN_TIMEOUT_MS = 60_000;
/** One page: text and pictures. */
export const PAGE_TIMEOUT_MS = 60_000;
/** Time a whole document may keep a render process busy: 20,000 ordinary pages at the speed above take an hour. */
export const DOCUMENT_TIMEOUT_MS = 2 * 60 * 60_000;
/** Render processes that one document may cost before it is given up. A bad page costs two: drawn, then words alone. */
export const MAX_LOST_PROCESSES = 6;
/** JavaScript heap of a render process; filings need 150 MB. */
export const RENDER_HEAP_MB = 1_024;
/** pdf-to-img never frees a drawn page (about 1 MB each), so the document is opened anew after so many. */
export const PAGES_PER_PICTURE_SESSION = 100;
/** A render process is replaced after so many documents, so that what native code leaks goes with it. */
export const DOCUMENTS_PER_PROCESS = 200;
/** Memory of a render process, pixels and fonts included; filings need 400 MB. */
export const RENDER_MEMORY_MB = 3_072;
/** Render processes at once, beside the encoder, which needs the other cores more. */
export const MAX_RENDER_PROCESSES = 4;
/** Pages left for each process before a document gets another: starting one and opening the file takes as long as 2 to 5 pages. */
export const MIN_PAGES_TO_SHARE = 16;
/** Larger files are rendered by one process, since each holds the file twice. */
export const MAX_SHARED_SOURCE_BYTES = 64 * 1024 * 1024;

/** Bounds that a pool can be given; the defaults are the constants above. */
export interface RenderBounds {
  openTimeoutMs: number;
  pageTimeoutMs: number;
  documentTimeoutMs: number;
  heapMb: number;
}

export const DEFAULT_BOUNDS: RenderBounds = {
  openTimeoutMs: OPEN_TIMEOUT_MS,
  pageTimeoutMs: PAGE_TIMEOUT_MS,
  documentTimeoutMs: DOCUMENT_TIMEOUT_MS,
  heapMb: RENDER_HEAP_MB,
};
