/**
 * Which pages go into which segment.
 *
 * @module
 */
import { MAX_PAGES_PER_SEGMENT } from "../../shared/limits.ts";

/**
 * Exact vectors of one segment. They are in memory twice while the object is put together, and are sent in one request.
 * 256 MiB are 3,100 pages of 654 vectors of 128 values.
 */
const MAX_VECTOR_BYTES_PER_SEGMENT = 256 * 1024 * 1024;
const SCALE_BYTES = 4;

export interface SegmentLimits {
  maxPages: number;
  maxVectors: number;
}

export function segmentLimits(dim: number): SegmentLimits {
  return {
    maxPages: MAX_PAGES_PER_SEGMENT,
    maxVectors: Math.floor(MAX_VECTOR_BYTES_PER_SEGMENT / (dim + SCALE_BYTES)),
  };
}

interface HasPages {
  pages: readonly { vectorCount: number }[];
}

/** Some or all pages of one document, in one segment. */
export interface SegmentPart<Document extends HasPages> {
  document: Document;
  pages: Document["pages"][number][];
}

/**
 * Packs documents into segments in their order. A document stays whole unless it is larger than a segment; then it goes
 * on in the next ones, each of which lists it.
 */
export function planSegments<Document extends HasPages>(
  documents: readonly Document[],
  { maxPages, maxVectors }: SegmentLimits,
): SegmentPart<Document>[][] {
  const segments: SegmentPart<Document>[][] = [];
  let parts: SegmentPart<Document>[] = [];
  let room = { pages: maxPages, vectors: maxVectors };
  const startNext = () => {
    if (parts.length > 0) segments.push(parts);
    parts = [];
    room = { pages: maxPages, vectors: maxVectors };
  };
  for (const document of documents) {
    const vectors = document.pages.reduce((sum, page) => sum + page.vectorCount, 0);
    if (document.pages.length > room.pages || vectors > room.vectors) startNext();
    let part: SegmentPart<Document> | undefined;
    for (const page of document.pages) {
      const full = room.pages === 0 || page.vectorCount > room.vectors;
      if (full && parts.some((other) => other.pages.length > 0)) {
        startNext();
        part = undefined;
      }
      if (part === undefined) parts.push((part = { document, pages: [] }));
      part.pages.push(page);
      room = { pages: room.pages - 1, vectors: room.vectors - page.vectorCount };
    }
  }
  startNext();
  return segments;
}
