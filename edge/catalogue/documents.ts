/**
 * The documents of an index, out of the document tables of its segments.
 *
 * @module
 */
import type { SearchableIndex } from "../../shared/engine/contract.ts";
import { MaxleafError, quote } from "../../shared/errors.ts";
import type { PageTable, SegmentReader } from "../../shared/format/contract.ts";
import type { SegmentEntry } from "../../shared/format/manifest.ts";
import { overlaid } from "../../shared/format/overlay.ts";
import { MAX_CONCURRENT_READS } from "../../shared/limits.ts";
import type { DocumentEntry } from "../../shared/page.ts";

/** A live document and how many of its pages can be found by searching. */
export interface CatalogueEntry {
  document: DocumentEntry;
  searchablePages: number;
}

export interface DocumentPage {
  entries: CatalogueEntry[];
  /** Whether there are more after these. */
  hasMore: boolean;
}

type Catalogued = Pick<SearchableIndex, "manifest" | "overlay" | "openSegment" | "findDocument">;

/** How often a list is begun again when the index changes under it: commits are seconds apart. */
const MAX_LIST_ATTEMPTS = 3;

/**
 * The first `limit` documents whose names come after `after`: neither deleted nor replaced, ordered by name, each once,
 * since a document larger than a segment is in the tables of several.
 *
 * Looks at the tables of all segments, a few at a time: one read for each that is not in memory. Holds no more than a few
 * segments' tables and twice the documents asked for. Errors: those of reading.
 */
export async function listDocuments(
  index: Catalogued,
  { after, limit }: { after: string | undefined; limit: number },
): Promise<DocumentPage> {
  for (let attempt = 0; attempt < MAX_LIST_ATTEMPTS; attempt++) {
    const { overlay } = index;
    const first = new FirstDocuments(after, limit + 1);
    if (!(await visitSegments(index, (segment, entry) => addDocuments(first, segment, entry)))) continue;
    const entries = first.entries().map((entry) => ({ ...entry, document: overlaid(entry.document, overlay) }));
    return { entries: entries.slice(0, limit), hasMore: entries.length > limit };
  }
  throw new MaxleafError("overloaded", `index ${quote(index.manifest.index)} changed while it was listed; try again`);
}

/** The live document with `id`. Errors: `document_not_found`, and those of reading. */
export async function findDocument(index: Catalogued, id: string): Promise<CatalogueEntry> {
  const { overlay } = index;
  let found: CatalogueEntry | undefined;
  for (const { segment: position, ordinal } of await index.findDocument(id)) {
    const { documents, pages } = await index.openSegment(position);
    const document = documents[ordinal];
    if (document?.id !== id) continue;
    found = { document, searchablePages: (found?.searchablePages ?? 0) + (searchableCounts(pages)[ordinal] ?? 0) };
  }
  if (found !== undefined) return { ...found, document: overlaid(found.document, overlay) };
  throw new MaxleafError("document_not_found", `index ${quote(index.manifest.index)} has no document ${quote(id)}`);
}

/** Shows `visit` every segment of one version; false when the index moved on to another meanwhile. */
async function visitSegments(
  index: Catalogued,
  visit: (segment: SegmentReader, entry: SegmentEntry) => void,
): Promise<boolean> {
  const { segments } = index.manifest;
  for (let first = 0; first < segments.length; first += MAX_CONCURRENT_READS) {
    const batch = segments.slice(first, first + MAX_CONCURRENT_READS);
    const opened = await Promise.all(batch.map((_, i) => index.openSegment(first + i)));
    for (const [i, entry] of batch.entries()) {
      const segment = opened[i];
      if (segment?.id !== entry.id) return false;
      visit(segment, entry);
    }
  }
  return true;
}

function addDocuments(first: FirstDocuments, { documents, pages }: SegmentReader, entry: SegmentEntry): void {
  const deleted = new Set(entry.deletedDocuments);
  const counts = searchableCounts(pages);
  for (const [ordinal, document] of documents.entries()) {
    if (!deleted.has(ordinal)) first.add(document, counts[ordinal] ?? 0);
  }
}

/** Searchable pages by the ordinal of their document. */
function searchableCounts({ pageCount, documentOrdinal, status }: PageTable): number[] {
  const counts: number[] = [];
  for (let page = 0; page < pageCount; page++) {
    const ordinal = documentOrdinal[page];
    if (ordinal !== undefined && status[page] === "searchable") counts[ordinal] = (counts[ordinal] ?? 0) + 1;
  }
  return counts;
}

/** Keeps the documents with the first names, at most twice `limit` of them. */
class FirstDocuments {
  readonly #after: string | undefined;
  readonly #limit: number;
  readonly #byId = new Map<string, CatalogueEntry>();
  /** Names from here on are not among the first `limit`. */
  #end: string | undefined;

  constructor(after: string | undefined, limit: number) {
    this.#after = after;
    this.#limit = limit;
  }

  /** Adds a document, or a further part of one. */
  add(document: DocumentEntry, searchablePages: number): void {
    const { id, name } = document;
    if ((this.#after !== undefined && name <= this.#after) || (this.#end !== undefined && name >= this.#end)) return;
    const before = this.#byId.get(id)?.searchablePages ?? 0;
    this.#byId.set(id, { document, searchablePages: before + searchablePages });
    if (this.#byId.size > 2 * this.#limit) this.#cut();
  }

  /** By name. */
  entries(): CatalogueEntry[] {
    return [...this.#byId.values()]
      .toSorted((a, b) => compareText(a.document.name, b.document.name))
      .slice(0, this.#limit);
  }

  #cut(): void {
    const kept = new Set(this.entries());
    for (const [id, entry] of this.#byId) {
      if (kept.has(entry)) continue;
      const { name } = entry.document;
      this.#end = this.#end === undefined || name < this.#end ? name : this.#end;
      this.#byId.delete(id);
    }
  }
}

/** By code units: the same order in every locale. */
function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
