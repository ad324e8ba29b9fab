/**
 * The directory section of an inverted file: where the record of every page lies, eight bytes a page. Stored as columns, so
 * that a million pages are three copies of memory and not a million rows to decode.
 *
 * @module
 */
import { ByteReader, ByteWriter } from "../bytes.ts";

export const DIRECTORY_PAGE_BYTES = 8;

/** Columns, `[pages]` each. */
export interface Directory {
  /** Where the page's record begins in its segment's object. */
  recordOffsets: Uint32Array;
  vectorCounts: Uint16Array;
  /** Position in the document table of the page's segment. */
  documentOrdinals: Uint16Array;
}

export function emptyDirectory(pageCount: number): Directory {
  return {
    recordOffsets: new Uint32Array(pageCount),
    vectorCounts: new Uint16Array(pageCount),
    documentOrdinals: new Uint16Array(pageCount),
  };
}

export function encodeDirectory({ recordOffsets, vectorCounts, documentOrdinals }: Directory): Uint8Array {
  return new ByteWriter().array(recordOffsets).array(vectorCounts).array(documentOrdinals).finish();
}

/** Throws `corrupt_data` unless the bytes are those of `pageCount` pages. */
export function decodeDirectory(bytes: Uint8Array, pageCount: number, what: string): Directory {
  const reader = new ByteReader(bytes, what);
  const recordOffsets = reader.u32Array(pageCount, "record offsets");
  const vectorCounts = reader.u16Array(pageCount, "vector counts");
  const documentOrdinals = reader.u16Array(pageCount, "document ordinals");
  reader.expectEnd();
  return { recordOffsets, vectorCounts, documentOrdinals };
}
