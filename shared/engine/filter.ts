/**
 * Which pages a filter lets through.
 *
 * A filter that names something the index does not know is refused: an empty result would look like an answer. A known field
 * with a value that no document has is an answer, and an empty one; known are the fields that the index was created with, or
 * else those that documents have.
 *
 * Of segments that are not opened, the document tables are read, a few segments at a time, and let go again: what stays
 * is the selection. See `SelectionCache`.
 *
 * @module
 */
import { MaxleafError, quote } from "../errors.ts";
import { overlaid } from "../format/overlay.ts";
import type { DocumentEntry } from "../page.ts";
import type { SearchFilter } from "./contract.ts";
import { checkFilterFields, declaredFields } from "./filterable-fields.ts";
import type { SegmentLookup } from "./open/segment-lookup.ts";
import type { PageSelection } from "./selection.ts";
import { countOf, type IndexSnapshot, type LiveSegment } from "./snapshot.ts";

/** Segments whose tables are read at once: each is 1 to 2 MB of tables while it is looked at. Ours. */
const SEGMENTS_AT_ONCE = 4;

/** Errors: `invalid_filter` for a document or metadata field that the index does not have, or does not filter by; those of reading. */
export async function selectPages(
  snapshot: IndexSnapshot,
  filter: SearchFilter | undefined,
  lookup: SegmentLookup,
): Promise<PageSelection> {
  if (filter === undefined || (filter.documents === undefined && filter.metadata === undefined)) {
    return snapshot.everyPage;
  }
  checkFilterFields(filter, snapshot.manifest);
  if (snapshot.inverted === undefined) return await selectFiltered(snapshot, filter, lookup);
  const known = snapshot.selections.get(filter);
  if (known !== undefined) return known;
  const selection = await selectFiltered(snapshot, filter, lookup);
  snapshot.selections.set(filter, selection);
  return selection;
}

async function selectFiltered(
  snapshot: IndexSnapshot,
  filter: SearchFilter,
  lookup: SegmentLookup,
): Promise<PageSelection> {
  const wanted = await wantedDocuments(filter.documents, lookup);
  const fields = Object.entries(filter.metadata ?? {}).map(([field, values]) => ({ field, values: new Set(values) }));
  if (fields.length === 0 && wanted !== undefined) return selectionOf(snapshot, wanted);
  const passes = (document: DocumentEntry): boolean =>
    fields.every(({ field, values }) => {
      const value = Object.hasOwn(document.metadata, field) ? document.metadata[field] : undefined;
      return value !== undefined && values.has(value);
    });
  const { passing, knownFields } = await passingDocuments(snapshot, passes, wanted, lookup);
  for (const { field } of declaredFields(snapshot.manifest) === undefined ? fields : []) {
    if (knownFields.has(field)) continue;
    throw new MaxleafError("invalid_filter", `the filter names field ${quote(field)}, which no document has`);
  }
  return selectionOf(snapshot, passing);
}

/** Ordinals of documents by segment. */
type DocumentSets = ReadonlyMap<LiveSegment, ReadonlySet<number>>;

async function wantedDocuments(
  ids: readonly string[] | undefined,
  lookup: SegmentLookup,
): Promise<DocumentSets | undefined> {
  if (ids === undefined) return undefined;
  const wanted = new Map<LiveSegment, Set<number>>();
  const found = await Promise.all([...new Set(ids)].map(async (id) => ({ id, places: await lookup.findDocument(id) })));
  for (const { id, places } of found) {
    if (places.length === 0) {
      throw new MaxleafError("invalid_filter", `the filter names document ${quote(id)}, which the index does not have`);
    }
    for (const { segment, ordinal } of places) {
      const ordinals = wanted.get(segment);
      if (ordinals === undefined) wanted.set(segment, new Set([ordinal]));
      else ordinals.add(ordinal);
    }
  }
  return wanted;
}

/** Live documents (of `among`, if given) that pass, and all metadata fields of live documents. */
async function passingDocuments(
  snapshot: IndexSnapshot,
  passes: (document: DocumentEntry) => boolean,
  among: DocumentSets | undefined,
  lookup: SegmentLookup,
): Promise<{ passing: DocumentSets; knownFields: ReadonlySet<string> }> {
  const passing = new Map<LiveSegment, ReadonlySet<number>>();
  const knownFields = new Set<string>();
  for (let first = 0; first < snapshot.segments.length; first += SEGMENTS_AT_ONCE) {
    const batch = snapshot.segments.slice(first, first + SEGMENTS_AT_ONCE);
    const tables = await Promise.all(batch.map((segment) => lookup.tablesOf(segment)));
    for (const [i, segment] of batch.entries()) {
      const ordinals = new Set<number>();
      for (const [ordinal, stored] of (tables[i]?.documents ?? []).entries()) {
        if (segment.deletedDocuments.has(ordinal)) continue;
        const document = overlaid(stored, snapshot.overlay);
        for (const field of Object.keys(document.metadata)) knownFields.add(field);
        if (passes(document) && (among === undefined || among.get(segment)?.has(ordinal) === true))
          ordinals.add(ordinal);
      }
      passing.set(segment, ordinals);
    }
  }
  return { passing, knownFields };
}

function selectionOf(snapshot: IndexSnapshot, documents: DocumentSets): PageSelection {
  const masks = new Map<LiveSegment, Uint8Array>();
  let pageCount = 0;
  for (const segment of snapshot.scanned) {
    const ordinals = documents.get(segment);
    const { searchablePages, documentOrdinals } = segment;
    const mask = new Uint8Array(searchablePages.length);
    if (ordinals !== undefined && ordinals.size > 0) {
      for (let page = 0; page < mask.length; page++) {
        mask[page] = searchablePages[page] === 1 && ordinals.has(documentOrdinals[page] ?? -1) ? 1 : 0;
      }
    }
    masks.set(segment, mask);
    pageCount += countOf(mask);
  }
  return { masks, pageCount };
}
