/**
 * What reading a scan may cost, and how its picture is prepared. The measurements are in docs/scans.md.
 *
 * @module
 */

/**
 * Long edge of the picture that is read: about 200 dpi on A4. Seven scans read best at this size, and larger ones take
 * longer and lose lines of skewed pages.
 */
export const OCR_LONG_EDGE_PX = 2_400;
/** A small picture is not blown up further than this: there is no more to see in it. */
export const OCR_MAX_ENLARGEMENT = 2;
/** Pixels of a picture given to be read: page images have at most 2.6 million. */
export const MAX_OCR_PICTURE_PIXELS = 40_000_000;

/** Of one page. A dense page takes 5 s of processor time; on two cores shared by nine others it took up to 60 s. */
export const OCR_PAGE_TIMEOUT_MS = 3 * 60_000;
/** Until the recogniser and its language data (3 MB English) are loaded; takes 0.5 s idle. */
export const OCR_START_TIMEOUT_MS = 60_000;
/** JavaScript heap of a reading process; its memory is WebAssembly's. */
export const OCR_HEAP_MB = 512;
/** Memory of a reading process, watched from inside. 39 pages in a row needed 463 MB. */
export const OCR_MEMORY_MB = 1_536;
/** A reading process is replaced after so many pages, so that what native code leaks goes with it. */
export const PAGES_PER_OCR_PROCESS = 200;
/** Reading processes at once: one per two cores, as for rendering. Each keeps one core busy. */
export const MAX_OCR_PROCESSES = 4;
/** Languages read at once; every one more makes a page slower. */
export const MAX_OCR_LANGUAGES = 4;
