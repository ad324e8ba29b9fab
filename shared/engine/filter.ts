/**
 * Which pages a filter lets through.
 *
 * A filter that names something the index does not know is refused: an empty result would look like an answer. A known field
 * with a value that no document has is an answer, and an empty one.
 *
 * @module
 */
import { MaxleafError, quote } from "../errors.ts";
import type { DocumentEntry } from "../page.ts";
import type { SearchFilter } from "./contract.ts";
import { countOf, type IndexSnapshot, type LiveSegment } from "./snapshot.ts";

/** Pages that may be returned, for every scanned segment of a snapshot. */
export interface PageSelection {
  /** One mask `[pages]` per segment of `snapshot.scanned`. Shared with the snapshot: not to be written to. */
  masks: readonly Uint8Array[];
  pageCount: number;
}

/** Errors: `invalid_filter` for a document or metadata field that the index does not have. */
export function selectPages(snapshot: IndexSnapshot, filter: SearchFilter | undefined): PageSelection {
  if (filter === undefined || (filter.documents === undefined && filter.metadata === undefined)) {
    return {
      masks: snapshot.scanned.map((segment) => segment.searchablePages),
      pageCount: snapshot.searchablePageCount,
    };
  }
  checkFilter(snapshot, filter);
  const wanted = filter.documents === undefined ? undefined : new Set(filter.documents);
  const fields = Object.entries(filter.metadata ?? {}).map(([field, values]) => ({ field, values: new Set(values) }));
  const passes = (document: DocumentEntry): boolean =>
    (wanted === undefined || wanted.has(document.id)) &&
    fields.every(({ field, values }) => {
      const value = Object.hasOwn(document.metadata, field) ? document.metadata[field] : undefined;
      return value !== undefined && values.has(value);
    });
  const masks = snapshot.scanned.map((segment) => filteredPages(segment, passes));
  return { masks, pageCount: masks.reduce((sum, mask) => sum + countOf(mask), 0) };
}

function checkFilter(snapshot: IndexSnapshot, filter: SearchFilter): void {
  for (const id of filter.documents ?? []) {
    if (snapshot.documents.has(id)) continue;
    throw new MaxleafError("invalid_filter", `the filter names document ${quote(id)}, which the index does not have`);
  }
  for (const field of Object.keys(filter.metadata ?? {})) {
    if (snapshot.metadataFields.has(field)) continue;
    throw new MaxleafError("invalid_filter", `the filter names field ${quote(field)}, which no document has`);
  }
}

function filteredPages(segment: LiveSegment, passes: (document: DocumentEntry) => boolean): Uint8Array {
  const { documents, pages } = segment.reader;
  const passing = documents.map(passes);
  return segment.searchablePages.map((searchable, page) =>
    searchable === 1 && passing[pages.documentOrdinal[page] ?? 0] === true ? 1 : 0,
  );
}
