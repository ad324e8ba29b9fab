/**
 * Which documents an index has, and where: read from the document tables of its segments.
 *
 * @module
 */
import type { Manifest, SegmentEntry } from "../../shared/format/manifest.ts";
import { NO_OVERLAY, overlaid, type Overlay, readOverlay } from "../../shared/format/overlay.ts";
import { segmentIdentityOf } from "../../shared/format/segment-identity.ts";
import { openSegment } from "../../shared/format/segment-reader.ts";
import { MAX_CONCURRENT_READS } from "../../shared/limits.ts";
import type { DocumentEntry } from "../../shared/page.ts";
import type { ObjectStore } from "../../shared/store/object-store.ts";
import PQueue from "p-queue";

/** A document that is not deleted. */
export interface LiveDocument {
  /** With the metadata that it has now. */
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

const NO_DOCUMENTS: SegmentDocuments = { documents: [], searchablePages: new Uint32Array(0) };

/** A live part of a document as its segment has it, whatever metadata has changed since. */
interface StoredPart {
  entry: DocumentEntry;
  place: DocumentPlace;
  searchablePages: number;
}

/** Reads document tables, each segment's once, and the newest overlay. Keep one while an index changes under it. */
export class DocumentTables {
  readonly #store: ObjectStore;
  readonly #index: string;
  readonly #known = new Map<string, SegmentDocuments>();
  #overlay: { id: string | undefined; value: Overlay } = { id: undefined, value: NO_OVERLAY };

  constructor(store: ObjectStore, index: string) {
    this.#store = store;
    this.#index = index;
  }

  /** The live documents of `manifest` by id. Errors: those of reading. */
  async liveDocuments(manifest: Manifest): Promise<Map<string, LiveDocument>> {
    const [overlay] = await Promise.all([this.overlayOf(manifest), this.#readMissing(manifest)]);
    const live = new Map<string, LiveDocument>();
    for (const { entry, place, searchablePages } of this.#liveParts(manifest)) {
      const known = live.get(entry.id) ?? { entry: overlaid(entry, overlay), searchablePages: 0, places: [] };
      known.places.push(place);
      known.searchablePages += searchablePages;
      live.set(entry.id, known);
    }
    return live;
  }

  /** The overlay that `manifest` names, an empty one if none. Errors: those of {@link readOverlay}. */
  async overlayOf({ overlay }: Pick<Manifest, "overlay">): Promise<Overlay> {
    const known = this.#overlay;
    if (known.id === overlay?.id) return known.value;
    const value = await readOverlay(this.#store, this.#index, overlay);
    this.#overlay = { id: overlay?.id, value };
    return value;
  }

  *#liveParts(manifest: Manifest): Generator<StoredPart> {
    for (const { id: segmentId, deletedDocuments } of manifest.segments) {
      const deleted = new Set(deletedDocuments);
      const { documents, searchablePages } = this.#known.get(segmentId) ?? NO_DOCUMENTS;
      for (const [ordinal, entry] of documents.entries()) {
        if (deleted.has(ordinal)) continue;
        yield { entry, place: { segmentId, ordinal }, searchablePages: searchablePages[ordinal] ?? 0 };
      }
    }
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
