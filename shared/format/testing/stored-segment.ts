/**
 * Writes a segment into a store and reads all of one back.
 *
 * @module
 */
import { layout } from "../../store/layout.ts";
import type { ObjectStore } from "../../store/object-store.ts";
import type { PageRecords, SegmentIdentity, SegmentReader } from "../contract.ts";
import { openSegment } from "../segment-reader.ts";
import { writeSegment, type WrittenSegment } from "../segment-writer.ts";
import type { SegmentInput } from "./samples.ts";
import { readLexical } from "./stored-lexical.ts";

export const INDEX = "test";
export const SEGMENT_ID = "0123abcd";

/** Puts both objects of a segment where {@link openStored} finds them. */
export async function putSegment(store: ObjectStore, input: SegmentInput, id = SEGMENT_ID): Promise<WrittenSegment> {
  const written = writeSegment(input.identity, input.documents, input.pages);
  await store.put(layout.segment(INDEX, id), written.segment);
  await store.put(layout.vectors(INDEX, id), written.vectors);
  return written;
}

export async function openStored(
  store: ObjectStore,
  expected: SegmentIdentity,
  id = SEGMENT_ID,
): Promise<SegmentReader> {
  return await openSegment(store, { index: INDEX, id, expected });
}

/** Everything a segment holds, read through its reader. */
export async function readAll(segment: SegmentReader) {
  return {
    documents: segment.documents,
    pages: segment.pages,
    bags: await segment.readBags(),
    lexical: segment.lexical === undefined ? undefined : await readLexical(segment.lexical),
    ...(await readAllRecords(segment)),
  };
}

/** All parts of all records of a segment. */
export async function readAllRecords(segment: PageRecords) {
  const pages = Array.from({ length: segment.pageCount }, (_, page) => page);
  const records = await segment.readRecords(pages);
  return {
    records: records.map(({ codes, layout: pageLayout }) => ({ codes, layout: pageLayout })),
    codes: await segment.readCodes(pages),
    layouts: await segment.readLayouts(pages),
    vectors: await segment.readVectors(pages),
  };
}

/** What {@link readAllRecords} must give for what was written. */
export function recordsOf({ documents, pages }: SegmentInput) {
  const codes = pages.map((page) => page.codes);
  const layouts = pages.map(({ documentOrdinal, page: { geometry, text, pageNumber, width, height } }) => ({
    geometry,
    text,
    document: documents[documentOrdinal],
    pageNumber,
    width: Math.fround(width),
    height: Math.fround(height),
  }));
  return {
    records: codes.map((pageCodes, i) => ({ codes: pageCodes, layout: layouts[i] })),
    codes,
    layouts,
    vectors: pages.map(({ exact }) => exact),
  };
}
