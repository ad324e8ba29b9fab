/**
 * Writes a segment into a store and reads all of one back.
 *
 * @module
 */
import { layout } from "../../store/layout.ts";
import type { ObjectStore } from "../../store/object-store.ts";
import type { SegmentIdentity, SegmentReader } from "../contract.ts";
import { openSegment } from "../segment-reader.ts";
import { writeSegment, type WrittenSegment } from "../segment-writer.ts";
import { SAMPLE_CENTROIDS, type SegmentInput } from "./samples.ts";

export const INDEX = "test";
export const SEGMENT_ID = "0123abcd";

/** Puts both objects of a segment where {@link openStored} finds them. */
export async function putSegment(store: ObjectStore, input: SegmentInput): Promise<WrittenSegment> {
  const written = writeSegment(input.identity, input.documents, input.pages);
  await store.put(layout.segment(INDEX, SEGMENT_ID), written.segment);
  await store.put(layout.vectors(INDEX, SEGMENT_ID), written.vectors);
  return written;
}

export async function openStored(store: ObjectStore, expected: SegmentIdentity): Promise<SegmentReader> {
  return await openSegment(store, { index: INDEX, id: SEGMENT_ID, expected });
}

/** Everything a segment holds, read through its reader. */
export async function readAll(segment: SegmentReader) {
  const pages = Array.from({ length: segment.pages.pageCount }, (_, page) => page);
  const postings = await segment.readPostings(0, SAMPLE_CENTROIDS);
  return {
    documents: segment.documents,
    pages: segment.pages,
    bags: await segment.readBags(),
    /** Pages of the centroids that have any. */
    postings: new Map([...postings.entries()].filter(([, list]) => list.length > 0)),
    codes: await segment.readCodes(pages),
    vectors: await segment.readVectors(pages),
    geometry: await segment.readGeometry(pages),
    text: await segment.readText(pages),
  };
}
