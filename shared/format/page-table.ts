/**
 * The page table: one fixed-size row per page, with what is needed to find and verify the page's records. Records lie
 * one after the other in row order, so their offsets are the running sums of their lengths and are not stored.
 *
 * @module
 */
import { MAX_PAGES_PER_SEGMENT, MAX_SEGMENT_BYTES } from "../limits.ts";
import type { PageStatus } from "../page.ts";
import { ByteReader, ByteWriter, corrupt } from "./bytes.ts";
import { codesRecordBytes } from "./codes.ts";
import type { PageTable, SegmentIdentity } from "./contract.ts";
import type { Range } from "./range-reads.ts";
import { vectorsRecordBytes } from "./vectors.ts";

/** 1,000 rows and their documents fit the first read: see SEGMENT_TAIL_READ_BYTES. */
export const PAGE_ROW_BYTES = 44;

const STATUS_CODES = { "no-text": 0, searchable: 1 } as const satisfies Record<PageStatus, number>;
const STATUS_OF_CODE: readonly PageStatus[] = ["no-text", "searchable"];

/** One row as it is written. Checksums are CRC-32 of the page's records. */
export interface PageRow {
  documentOrdinal: number;
  pageNumber: number;
  width: number;
  height: number;
  vectorCount: number;
  status: PageStatus;
  geometryBytes: number;
  textBytes: number;
  codesChecksum: number;
  geometryChecksum: number;
  textChecksum: number;
  vectorsChecksum: number;
}

/** Where the records of one section lie: page p has `[offsets[p], offsets[p + 1])`, counted from the section's start. */
export interface RecordTable {
  /** `[pages + 1]`. */
  offsets: Float64Array;
  /** `[pages]`. */
  checksums: Uint32Array;
}

export type RecordKind = "codes" | "geometry" | "text" | "vectors";

export interface DecodedPageTable {
  pages: PageTable;
  records: Record<RecordKind, RecordTable>;
}

export function encodePageTable(rows: readonly PageRow[]): Uint8Array {
  const writer = new ByteWriter();
  for (const row of rows) {
    writer.u32(row.documentOrdinal).u32(row.pageNumber).f32(row.width).f32(row.height).u16(row.vectorCount);
    writer.u8(STATUS_CODES[row.status]).u8(0).u32(row.geometryBytes).u32(row.textBytes);
    writer.u32(row.codesChecksum).u32(row.geometryChecksum).u32(row.textChecksum).u32(row.vectorsChecksum);
  }
  return writer.finish();
}

/**
 * @throws MaxleafError `corrupt_data` for rows that cannot be, or are not in order.
 */
export function decodePageTable(
  bytes: Uint8Array,
  { dim, subspaces }: Pick<SegmentIdentity, "dim" | "subspaces">,
  what: string,
): DecodedPageTable {
  const pageCount = bytes.byteLength / PAGE_ROW_BYTES;
  if (!Number.isInteger(pageCount) || pageCount > MAX_PAGES_PER_SEGMENT) {
    throw corrupt(what, `${bytes.byteLength} bytes are not 0 to ${MAX_PAGES_PER_SEGMENT} rows of ${PAGE_ROW_BYTES}`);
  }
  const pages = emptyPageTable(pageCount);
  const records = {
    codes: emptyRecordTable(pageCount),
    geometry: emptyRecordTable(pageCount),
    text: emptyRecordTable(pageCount),
    vectors: emptyRecordTable(pageCount),
  };
  const reader = new ByteReader(bytes, what);
  let previous: PageRow | undefined;
  for (let page = 0; page < pageCount; page++) {
    const row = decodeRow(reader);
    checkOrder(row, previous, reader);
    setPage(pages, page, row);
    addRecord(records.codes, page, codesRecordBytes(row.vectorCount, subspaces), row.codesChecksum, what);
    addRecord(records.geometry, page, row.geometryBytes, row.geometryChecksum, what);
    addRecord(records.text, page, row.textBytes, row.textChecksum, what);
    addRecord(records.vectors, page, vectorsRecordBytes(row.vectorCount, dim), row.vectorsChecksum, what);
    previous = row;
  }
  return { pages, records };
}

/** Where record `index` of a section beginning at `sectionOffset` lies in its file. */
export function recordRange(offsets: Float64Array, index: number, sectionOffset: number): Range {
  const start = offsets[index] ?? 0;
  return { offset: sectionOffset + start, length: (offsets[index + 1] ?? start) - start };
}

function decodeRow(reader: ByteReader): PageRow {
  const documentOrdinal = reader.u32("document ordinal");
  const pageNumber = reader.u32("page number");
  const width = reader.f32("width");
  const height = reader.f32("height");
  const vectorCount = reader.u16("vector count");
  const status = STATUS_OF_CODE[reader.u8("status")];
  reader.u8("reserved");
  const label = `row of page ${pageNumber} of document ${documentOrdinal}`;
  if (status === undefined) throw corrupt(reader.what, `the ${label} has an unknown status`);
  if (status === "no-text" && vectorCount > 0) throw corrupt(reader.what, `the ${label} has no text but vectors`);
  if (pageNumber === 0) throw corrupt(reader.what, `the ${label} counts pages from 0`);
  if (!isExtent(width) || !isExtent(height)) throw corrupt(reader.what, `the ${label} is ${width} × ${height} large`);
  return {
    documentOrdinal,
    pageNumber,
    width,
    height,
    vectorCount,
    status,
    geometryBytes: reader.u32("geometry length"),
    textBytes: reader.u32("text length"),
    codesChecksum: reader.u32("codes checksum"),
    geometryChecksum: reader.u32("geometry checksum"),
    textChecksum: reader.u32("text checksum"),
    vectorsChecksum: reader.u32("vectors checksum"),
  };
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

function addRecord(table: RecordTable, page: number, length: number, checksum: number, what: string): void {
  const end = (table.offsets[page] ?? 0) + length;
  if (end > MAX_SEGMENT_BYTES)
    throw corrupt(what, `its records would end at ${end}, beyond ${MAX_SEGMENT_BYTES} bytes`);
  table.offsets[page + 1] = end;
  table.checksums[page] = checksum;
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

function emptyRecordTable(pageCount: number): RecordTable {
  return { offsets: new Float64Array(pageCount + 1), checksums: new Uint32Array(pageCount) };
}
