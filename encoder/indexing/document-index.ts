/**
 * Which documents an index has, and where: read from the document tables of its segments.
 *
 * @module
 */
import type { Manifest, SegmentEntry } from "../../shared/format/manifest.ts";
import { segmentIdentityOf } from "../../shared/format/segment-identity.ts";
import { openSegment } from "../../shared/format/segment-reader.ts";
import { MAX_CONCURRENT_READS } from "../../shared/limits.ts";
import type { DocumentEntry } from "../../shared/page.ts";
import type { ObjectStore } from "../../shared/store/object-store.ts";
import PQueue from "p-queue";

/** A document that is not deleted. */
export interface LiveDocument {
  entry: DocumentEntry;
  searchablePages: number;
  /** One place; several for a document larger than a segment. */
  places: DocumentPlace[];
}

/** Position `ordinal` in the document table of segment `segmentId`. */
export interface DocumentPlace {
  segmentId: string;
  ordinal: number;
}

/** The document table of one segment with what is searchable of each document. Segments never change. */
interface SegmentDocuments {
  documents: readonly DocumentEntry[];
  searchablePages: Uint32Array;
}

/** Reads document tables, each segment's once. Keep one while an index changes under it. */
export class DocumentTables {
  readonly #store: ObjectStore;
  readonly #index: string;
  readonly #known = new Map<string, SegmentDocuments>();

  constructor(store: ObjectStore, index: string) {
    this.#store = store;
    this.#index = index;
  }

  /** The live documents of `manifest` by id. */
  async liveDocuments(manifest: Manifest): Promise<Map<string, LiveDocument>> {
    await this.#readMissing(manifest);
    const live = new Map<string, LiveDocument>();
    for (const { id: segmentId, deletedDocuments } of manifest.segments) {
      const deleted = new Set(deletedDocuments);
      const tables = this.#known.get(segmentId);
      tables?.documents.forEach((entry, ordinal) => {
        if (deleted.has(ordinal)) return;
        const known = live.get(entry.id) ?? { entry, searchablePages: 0, places: [] };
        known.places.push({ segmentId, ordinal });
        known.searchablePages += tables.searchablePages[ordinal] ?? 0;
        live.set(entry.id, known);
      });
    }
    return live;
  }

  async #readMissing(manifest: Manifest): Promise<void> {
    const reads = new PQueue({ concurrency: MAX_CONCURRENT_READS });
    const missing = manifest.segments.filter((segment) => !this.#known.has(segment.id));
    await reads.addAll(missing.map((segment) => async () => await this.#read(manifest, segment)));
  }

  async #read(manifest: Manifest, entry: SegmentEntry): Promise<void> {
    const expected = segmentIdentityOf(manifest, entry);
    const options = { index: this.#index, id: entry.id, expected, bytes: entry.bytes };
    const { documents, pages } = await openSegment(this.#store, options);
    const searchablePages = new Uint32Array(documents.length);
    pages.documentOrdinal.forEach((ordinal, page) => {
      if (pages.status[page] === "searchable") searchablePages[ordinal] = (searchablePages[ordinal] ?? 0) + 1;
    });
    this.#known.set(entry.id, { documents, searchablePages });
  }
}
