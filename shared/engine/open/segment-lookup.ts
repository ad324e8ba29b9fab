/**
 * Finds documents of an index and the tables of its segments, reading what is not in memory.
 *
 * @module
 */
import { MaxleafError } from "../../errors.ts";
import type { SegmentReader } from "../../format/contract.ts";
import { segmentIdentityOf } from "../../format/segment-identity.ts";
import { openSegment } from "../../format/segment-reader.ts";
import type { DocumentEntry } from "../../page.ts";
import type { ObjectStore } from "../../store/object-store.ts";
import type { IndexSnapshot, LiveSegment } from "../snapshot.ts";

/** Where a part of a live document is. */
export interface FoundDocument {
  readonly segment: LiveSegment;
  readonly ordinal: number;
  /** As its segment has it. */
  readonly document: DocumentEntry;
}

/** Lookups of one request in one snapshot, through the request's `store`. */
export class SegmentLookup {
  readonly #snapshot: IndexSnapshot;
  readonly #store: ObjectStore;

  constructor(snapshot: IndexSnapshot, store: ObjectStore) {
    this.#snapshot = snapshot;
    this.#store = store;
  }

  /** The segment with its page and document tables. Errors: those of reading. */
  async tablesOf(segment: LiveSegment): Promise<SegmentReader> {
    if (segment.tables !== undefined) return segment.tables;
    const { manifest } = this.#snapshot;
    const entry = manifest.segments[segment.index];
    if (entry === undefined) throw new MaxleafError("internal", `segment ${segment.reader.id} is not in its manifest`);
    const expected = segmentIdentityOf(manifest, entry);
    return await openSegment(this.#store, { index: manifest.index, id: entry.id, expected, bytes: entry.bytes });
  }

  /** Every live part of a document, in the manifest's order; none when the index does not have it. Errors: those of reading. */
  async findDocument(documentId: string): Promise<FoundDocument[]> {
    const found = [...this.#placesInTables(documentId), ...(await this.#placesByHash(documentId))];
    return found.toSorted((a, b) => a.segment.index - b.segment.index);
  }

  #placesInTables(documentId: string): FoundDocument[] {
    return this.#snapshot.segments.flatMap((segment) =>
      (segment.tables?.documents ?? []).flatMap((document, ordinal) =>
        document.id === documentId && !segment.deletedDocuments.has(ordinal) ? [{ segment, ordinal, document }] : [],
      ),
    );
  }

  /** The inverted file knows documents by a hash of their ids: the record of a page tells whose it is. */
  async #placesByHash(documentId: string): Promise<FoundDocument[]> {
    const { inverted, segments } = this.#snapshot;
    if (inverted === undefined) return [];
    const byId = new Map(segments.map((segment) => [segment.reader.id, segment]));
    const places = await inverted.withStore(this.#store).findDocument(documentId);
    const found = await Promise.all(
      places.map(async ({ segment: covered, documentOrdinal: ordinal }): Promise<FoundDocument | undefined> => {
        const segment = byId.get(inverted.segmentIds[covered] ?? "");
        if (segment === undefined || segment.deletedDocuments.has(ordinal)) return undefined;
        const { start, end } = pagesOf(segment, ordinal);
        if (start === end) return undefined;
        const [layout] = await segment.reader.withStore(this.#store).readLayouts([start]);
        return layout?.document.id === documentId ? { segment, ordinal, document: layout.document } : undefined;
      }),
    );
    return found.flatMap((place) => place ?? []);
  }
}

/** The pages `[start, end)` of a document of `segment`. */
export function pagesOf({ documentOrdinals }: LiveSegment, ordinal: number): { start: number; end: number } {
  const ordinals = Array.from(documentOrdinals);
  const start = ordinals.indexOf(ordinal);
  return start === -1 ? { start: 0, end: 0 } : { start, end: ordinals.lastIndexOf(ordinal) + 1 };
}
