/**
 * What of an index is kept in memory: decided from its manifest alone, before anything of it is read.
 *
 * @module
 */
import { MaxleafError, quote } from "../../errors.ts";
import type { Manifest, SegmentEntry } from "../../format/manifest.ts";
import { OVERLAY_HEAP_FACTOR } from "../../format/overlay.ts";
import { CODEWORDS_PER_SUBSPACE, ISOLATE_MEMORY_BYTES } from "../../limits.ts";
import type { SearchPath } from "../contract.ts";
import { LANES } from "../../kernel/query-block.ts";

/** Of an isolate's 128 MB: the rest is code, requests in flight and garbage that was not collected yet. */
export const DEFAULT_MEMORY_BYTES = 96 * 1024 * 1024;

/** Kept free for page records, whatever is resident: the codes of one query's candidates at the least. Ours. */
export const MIN_RECORD_CACHE_BYTES = 8 * 1024 * 1024;

/** Kernel memory's share of the isolate, at most: the heap needs the rest for tables, records and answers. */
export const MAX_KERNEL_BYTES = 0.625 * ISOLATE_MEMORY_BYTES;

/** Bytes of the heap that an opened segment keeps of a page (its row and record offset, its masks) and of a document, about. */
export const HEAP_BYTES_PER_PAGE = 48;
export const HEAP_BYTES_PER_DOCUMENT = 700;

/** The same of a page that an inverted file covers: its row of the directory (8) and its byte in two masks. */
const DIRECTORY_BYTES_PER_PAGE = 10;

/** Where a cell lies (offset, length, checksum, part). */
const CELL_TABLE_BYTES = 16;

/** Kernel memory of a query for each page that it can find: scores (4), mask and last seen token (2). */
const SCAN_BYTES_PER_PAGE = 6;

/** Kernel memory of a query for each centroid: rows in one and two bytes. Rows on demand take less. */
const ROW_BYTES_PER_CENTROID = 3 * LANES;

/** Of a centroid in kernel memory, besides its values: where products with a biased query start. */
const START_BYTES = 2;

/** Queries at once that there is room for. */
const QUERIES_AT_ONCE = 2;

/** Bytes of a page on a list that no inverted file has: its id in the bag, and its position, gaps being 7 bits a byte. */
const LIST_ENTRY_BYTES = 2 + 1.5;

/** How an index is held. `bags`: those of all pages; `lists`: all lists of centroids; `heads`: only where lists lie. */
export type Holding = "bags" | "lists" | "heads";

/** Bytes that a way of holding an index needs, room for queries included. */
export interface HoldingBytes {
  kernel: number;
  heap: number;
}

const NO_INVERTED_FILE = "has no inverted file; `maxleaf optimize` makes one";

/** What each way of holding `manifest` needs; undefined where it cannot be. */
export function holdingBytes(manifest: Manifest): Record<Holding, HoldingBytes | undefined> {
  const { codebook, inverted, segments } = manifest;
  const overlay = OVERLAY_HEAP_FACTOR * (manifest.overlay?.bytes ?? 0);
  const tables = tableBytes(segments) + overlay;
  if (codebook === undefined) return { bags: { kernel: 0, heap: tables }, lists: undefined, heads: undefined };
  const { dim } = manifest.recipe;
  const { centroidCount, cellCount, subspaces } = codebook;
  const codebookBytes = (centroidCount + cellCount) * (dim + START_BYTES) + CODEWORDS_PER_SUBSPACE * dim * 4;
  const pages = sum(segments, (segment) => segment.pageCount);
  const tableEntries = subspaces * CODEWORDS_PER_SUBSPACE * LANES;
  // As much again for what tables are made of.
  const queryBytes = 2 * tableEntries + pages * SCAN_BYTES_PER_PAGE + centroidCount * ROW_BYTES_PER_CENTROID;
  const bagBytes = sum(segments, (segment) => segment.bagEntries * 2 + segment.pageCount * 4);
  const bags = { kernel: codebookBytes + QUERIES_AT_ONCE * queryBytes + bagBytes, heap: tables };
  if (inverted === undefined) return { bags, lists: undefined, heads: undefined };
  const covered = new Set(inverted.segmentIds);
  const uncovered = segments.filter((segment) => !covered.has(segment.id));
  const heads = {
    kernel: codebookBytes + QUERIES_AT_ONCE * queryBytes,
    heap:
      inverted.pageCount * DIRECTORY_BYTES_PER_PAGE +
      cellCount * CELL_TABLE_BYTES +
      sum(uncovered, (segment) => segment.bagEntries * LIST_ENTRY_BYTES) +
      tableBytes(uncovered) +
      overlay,
  };
  return { bags, heads, lists: { ...heads, heap: heads.heap + sum(inverted.parts, (bytes) => bytes) } };
}

/** Memory for one index. */
export interface MemoryLimits {
  /** All of it. */
  totalBytes: number;
  /** Of that, kernel memory. */
  kernelBytes: number;
}

/**
 * The best way of holding `manifest` in memory. Lists come first where there are any: an index gets an inverted file when it
 * has some 7,000 pages, and scanning the bags of 100,000 takes 30 ms (1.2 ns a bag entry) where lists of the best centroids
 * have a tenth of the entries. Lists that are not held are read for every query. An index without an inverted file is held by its bags whatever they need; kernel memory
 * then says `overloaded`.
 *
 * @param path what the caller wants, which comes before the limits. Errors: `path_unavailable` for `pruned` without an
 * inverted file, and for `resident` where nothing fits though `pruned` would.
 */
export function planHolding(manifest: Manifest, limits: MemoryLimits, path?: "resident" | "pruned"): Holding {
  const needed = holdingBytes(manifest);
  const fits = (bytes: HoldingBytes | undefined): boolean =>
    bytes !== undefined &&
    bytes.kernel <= limits.kernelBytes &&
    bytes.kernel + bytes.heap + MIN_RECORD_CACHE_BYTES <= limits.totalBytes;
  if (path === "pruned") {
    if (needed.heads !== undefined) return "heads";
    throw unavailable(manifest, path, NO_INVERTED_FILE);
  }
  if (fits(needed.lists)) return "lists";
  if (needed.heads === undefined || fits(needed.bags)) return "bags";
  if (path === undefined) return "heads";
  const least = (needed.lists?.kernel ?? 0) + (needed.lists?.heap ?? 0);
  throw unavailable(manifest, path, `would need ${least} bytes of memory, and ${limits.totalBytes} are there`);
}

/** Errors: `path_unavailable` when `manifest` cannot be held so. */
export function checkHolding(manifest: Manifest, holding: Holding): Holding {
  if (holdingBytes(manifest)[holding] !== undefined) return holding;
  throw unavailable(manifest, holding === "lists" ? "resident" : "pruned", NO_INVERTED_FILE);
}

function unavailable({ index }: Manifest, path: SearchPath, why: string): MaxleafError {
  return new MaxleafError("path_unavailable", `index ${quote(index)} cannot be searched by path ${path}: it ${why}`);
}

/** Heap bytes of the page and document tables of `segments`. */
function tableBytes(segments: readonly SegmentEntry[]): number {
  return sum(
    segments,
    (segment) => segment.pageCount * HEAP_BYTES_PER_PAGE + segment.documentCount * HEAP_BYTES_PER_DOCUMENT,
  );
}

function sum<T>(items: readonly T[], bytesOf: (item: T) => number): number {
  return items.reduce((total, item) => total + bytesOf(item), 0);
}
