/**
 * The pages of one document, out of the page tables of the segments that it lies in.
 *
 * @module
 */
import { type DocumentPage, pagesOfDocument } from "../../shared/format/document-pages.ts";
import type { Manifest } from "../../shared/format/manifest.ts";
import { segmentIdentityOf } from "../../shared/format/segment-identity.ts";
import { openSegment } from "../../shared/format/segment-reader.ts";
import type { ObjectStore } from "../../shared/store/object-store.ts";
import type { LiveDocument } from "./document-index.ts";

/** All pages of `document` of `manifest`, in order. One read for each segment that has some. Errors: those of reading. */
export async function readDocumentPages(
  store: ObjectStore,
  manifest: Manifest,
  { places }: Pick<LiveDocument, "places">,
): Promise<DocumentPage[]> {
  const { index, segments } = manifest;
  const parts = await Promise.all(
    places.map(async ({ segmentId, ordinal }) => {
      const entry = segments.find(({ id }) => id === segmentId);
      if (entry === undefined) return [];
      const expected = segmentIdentityOf(manifest, entry);
      const { pages } = await openSegment(store, { index, id: segmentId, expected, bytes: entry.bytes });
      return pagesOfDocument(pages, ordinal);
    }),
  );
  return parts.flat().toSorted((a, b) => a.pageNumber - b.pageNumber);
}
