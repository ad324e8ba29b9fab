/**
 * The coverage section of an inverted file: the segments whose pages it lists, in the order of page positions, with what is
 * needed to read their records.
 *
 * @module
 */
import { MAX_PAGES_PER_SEGMENT } from "../../limits.ts";
import { ByteReader, ByteWriter, corrupt } from "../bytes.ts";

/** Id length, page count, bytes, end of records. */
const MIN_ROW_BYTES = 13;

export interface CoveredSegment {
  id: string;
  pageCount: number;
  /** Bytes of the segment object. */
  bytes: number;
  /** Where the last record ends in it. */
  recordsEnd: number;
}

export function encodeCoverage(segments: readonly CoveredSegment[]): Uint8Array {
  const writer = new ByteWriter().u32(segments.length);
  for (const { id, pageCount, bytes, recordsEnd } of segments) {
    writer.shortString(id).u32(pageCount).u32(bytes).u32(recordsEnd);
  }
  return writer.finish();
}

/** Throws `corrupt_data`. */
export function decodeCoverage(bytes: Uint8Array, what: string): CoveredSegment[] {
  const reader = new ByteReader(bytes, what);
  const count = reader.u32("segment count");
  if (count * MIN_ROW_BYTES > reader.remaining) {
    throw corrupt(what, `${count} segments do not fit ${reader.remaining} bytes`);
  }
  const segments: CoveredSegment[] = [];
  for (let index = 0; index < count; index++) {
    const segment = {
      id: reader.shortString("segment id"),
      pageCount: reader.u32("page count"),
      bytes: reader.u32("bytes"),
      recordsEnd: reader.u32("end of records"),
    };
    if (segment.pageCount > MAX_PAGES_PER_SEGMENT) {
      throw corrupt(what, `segment ${segment.id} is said to have ${segment.pageCount} pages`);
    }
    segments.push(segment);
  }
  reader.expectEnd();
  return segments;
}

/** `[segments + 1]`: the position of each segment's first page; the last is the number of pages. */
export function firstPositions(segments: readonly Pick<CoveredSegment, "pageCount">[]): Uint32Array {
  const first = new Uint32Array(segments.length + 1);
  for (const [index, { pageCount }] of segments.entries()) first[index + 1] = (first[index] ?? 0) + pageCount;
  return first;
}
