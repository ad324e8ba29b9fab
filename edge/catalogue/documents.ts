/**
 * The documents of an index, out of the document tables of its segments.
 *
 * @module
 */
import type { SearchableIndex } from "../../shared/engine/contract.ts";
import { MaxleafError, quote } from "../../shared/errors.ts";
import type { PageTable } from "../../shared/format/contract.ts";
import type { DocumentEntry } from "../../shared/page.ts";

/** A live document and how many of its pages can be found by searching. */
export interface CatalogueEntry {
  document: DocumentEntry;
  searchablePages: number;
}

type Catalogued = Pick<SearchableIndex, "manifest" | "openSegment" | "findDocument">;

/**
 * Neither deleted nor replaced, ordered by name, each once: a document larger than a segment is in the tables of several.
 * Segments hold at most thousands of documents, so this takes milliseconds.
 */
export async function listDocuments(index: Catalogued): Promise<CatalogueEntry[]> {
  const entries = new Map<string, CatalogueEntry>();
  for (const position of index.manifest.segments.keys()) {
    const segment = await index.openSegment(position);
    const deleted = new Set(index.manifest.segments[position]?.deletedDocuments);
    const searchablePages = new Uint32Array(segment.documents.length);
    for (let page = 0; page < segment.pages.pageCount; page++) {
      const ordinal = segment.pages.documentOrdinal[page];
      if (ordinal === undefined || segment.pages.status[page] !== "searchable") continue;
      searchablePages[ordinal] = (searchablePages[ordinal] ?? 0) + 1;
    }
    for (const [ordinal, document] of segment.documents.entries()) {
      if (deleted.has(ordinal)) continue;
      const before = entries.get(document.id)?.searchablePages ?? 0;
      entries.set(document.id, { document, searchablePages: before + (searchablePages[ordinal] ?? 0) });
    }
  }
  return [...entries.values()].sort((a, b) => compareText(a.document.name, b.document.name));
}

/** The live document with `id`. Errors: `document_not_found`. */
export async function findDocument(index: Catalogued, id: string): Promise<CatalogueEntry> {
  let found: CatalogueEntry | undefined;
  for (const { segment: position, ordinal } of await index.findDocument(id)) {
    const { documents, pages } = await index.openSegment(position);
    const document = documents[ordinal];
    if (document === undefined) continue;
    found = { document, searchablePages: (found?.searchablePages ?? 0) + searchableCount(pages, ordinal) };
  }
  if (found !== undefined) return found;
  throw new MaxleafError("document_not_found", `index ${quote(index.manifest.index)} has no document ${quote(id)}`);
}

function searchableCount(pages: PageTable, ordinal: number): number {
  let count = 0;
  for (let page = 0; page < pages.pageCount; page++) {
    if (pages.documentOrdinal[page] === ordinal && pages.status[page] === "searchable") count += 1;
  }
  return count;
}

/** By code units: the same order in every locale. */
function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
