/**
 * The page table: one fixed-size row per page, with what is needed to find the page's records. Records lie one after the
 * other in row order, so their offsets are the running sums of their lengths and are not stored.
 *
 * @module
 */
import { MAX_PAGES_PER_SEGMENT, MAX_SEGMENT_BYTES } from "../limits.ts";
import type { PageStatus } from "../page.ts";
import { ByteReader, ByteWriter, corrupt } from "./bytes.ts";
import { codesPartBytes } from "./codes.ts";
import { HEADER_BYTES } from "./container.ts";
import type { PageTable } from "./contract.ts";
import { MIN_LAYOUT_BYTES } from "./page-layout.ts";

/** 1,000 rows, their documents and often their bags fit the first read: see SEGMENT_TAIL_READ_BYTES. */
export const PAGE_ROW_BYTES = 24;

const STATUS_CODES = { "no-text": 0, searchable: 1 } as const satisfies Record<PageStatus, number>;
const STATUS_OF_CODE: readonly PageStatus[] = ["no-text", "searchable"];

/** One row as it is written. */
export interface PageRow {
  documentOrdinal: number;
  pageNumber: number;
  width: number;
  height: number;
  vectorCount: number;
  status: PageStatus;
  /** Bytes of the layout part of the page's record. */
  layoutBytes: number;
}

export interface DecodedPageTable {
  pages: PageTable;
  /** `[pages + 1]`: where each page's record begins in the segment; the last is where the records end. */
  recordOffsets: Uint32Array;
}

export function encodePageTable(rows: readonly PageRow[]): Uint8Array {
  const writer = new ByteWriter();
  for (const row of rows) {
    writer.u32(row.documentOrdinal).u32(row.pageNumber).f32(row.width).f32(row.height).u16(row.vectorCount);
    writer.u8(STATUS_CODES[row.status]).u8(0).u32(row.layoutBytes);
  }
  return writer.finish();
}

/**
 * @throws MaxleafError `corrupt_data` for rows that cannot be, or are not in order.
 */
export function decodePageTable(bytes: Uint8Array, subspaces: number, what: string): DecodedPageTable {
  const pageCount = bytes.byteLength / PAGE_ROW_BYTES;
  if (!Number.isInteger(pageCount) || pageCount > MAX_PAGES_PER_SEGMENT) {
    throw corrupt(what, `${bytes.byteLength} bytes are not 0 to ${MAX_PAGES_PER_SEGMENT} rows of ${PAGE_ROW_BYTES}`);
  }
  const pages = emptyPageTable(pageCount);
  const recordOffsets = new Uint32Array(pageCount + 1);
  const reader = new ByteReader(bytes, what);
  let previous: PageRow | undefined;
  // The records section is the first.
  let recordEnd = HEADER_BYTES;
  for (let page = 0; page < pageCount; page++) {
    const row = decodeRow(reader);
    checkOrder(row, previous, reader);
    setPage(pages, page, row);
    recordOffsets[page] = recordEnd;
    recordEnd += codesPartBytes(row.vectorCount, subspaces) + row.layoutBytes;
    if (recordEnd > MAX_SEGMENT_BYTES) {
      throw corrupt(what, `its records would end at ${recordEnd}, beyond ${MAX_SEGMENT_BYTES} bytes`);
    }
    previous = row;
  }
  recordOffsets[pageCount] = recordEnd;
  return { pages, recordOffsets };
}

function decodeRow(reader: ByteReader): PageRow {
  const documentOrdinal = reader.u32("document ordinal");
  const pageNumber = reader.u32("page number");
  const width = reader.f32("width");
  const height = reader.f32("height");
  const vectorCount = reader.u16("vector count");
  const status = STATUS_OF_CODE[reader.u8("status")];
  reader.u8("reserved");
  const layoutBytes = reader.u32("layout length");
  const label = `row of page ${pageNumber} of document ${documentOrdinal}`;
  if (status === undefined) throw corrupt(reader.what, `the ${label} has an unknown status`);
  if (status === "no-text" && vectorCount > 0) throw corrupt(reader.what, `the ${label} has no text but vectors`);
  if (pageNumber === 0) throw corrupt(reader.what, `the ${label} counts pages from 0`);
  if (!isExtent(width) || !isExtent(height)) throw corrupt(reader.what, `the ${label} is ${width} × ${height} large`);
  if (layoutBytes < MIN_LAYOUT_BYTES) throw corrupt(reader.what, `the ${label} has a layout of ${layoutBytes} bytes`);
  return { documentOrdinal, pageNumber, width, height, vectorCount, status, layoutBytes };
}

/** Whether a page can be `value` wide or high. */
export function isExtent(value: number): boolean {
  return Number.isFinite(value) && value >= 0;
}

/** Whether `row` may follow `previous`: pages of a document are adjacent and ascending. */
export function isInOrder(
  row: Pick<PageRow, "documentOrdinal" | "pageNumber">,
  previous: Pick<PageRow, "documentOrdinal" | "pageNumber"> | undefined,
): boolean {
  if (previous === undefined || row.documentOrdinal > previous.documentOrdinal) return true;
  return row.documentOrdinal === previous.documentOrdinal && row.pageNumber > previous.pageNumber;
}

function checkOrder(row: PageRow, previous: PageRow | undefined, reader: ByteReader): void {
  if (isInOrder(row, previous)) return;
  throw corrupt(reader.what, `page ${row.pageNumber} of document ${row.documentOrdinal} is out of order`);
}

function setPage(pages: PageTable, page: number, row: PageRow): void {
  pages.documentOrdinal[page] = row.documentOrdinal;
  pages.pageNumber[page] = row.pageNumber;
  pages.vectorCount[page] = row.vectorCount;
  pages.width[page] = row.width;
  pages.height[page] = row.height;
  pages.status.push(row.status);
}

function emptyPageTable(pageCount: number): PageTable {
  return {
    pageCount,
    documentOrdinal: new Uint32Array(pageCount),
    pageNumber: new Uint32Array(pageCount),
    vectorCount: new Uint32Array(pageCount),
    width: new Float32Array(pageCount),
    height: new Float32Array(pageCount),
    status: [],
  };
}
