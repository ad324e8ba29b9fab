/**
 * One version of an index, opened: what a search looks at from its first to its last step, whatever is committed meanwhile.
 *
 * @module
 */
import type { SegmentReader } from "../format/contract.ts";
import type { Manifest } from "../format/manifest.ts";
import type { KernelBags, KernelCodebook } from "../kernel/kernel.ts";
import type { DocumentEntry } from "../page.ts";
import type { SharedResident } from "./shared-resident.ts";

/** A segment that stays open over many manifests. `bags` is undefined when no page of it has vectors. */
export interface OpenedSegment {
  readonly reader: SegmentReader;
  readonly bags: SharedResident<KernelBags> | undefined;
  /** Centroids of the codebook its vectors are coded with; 0 when none are. */
  readonly centroidCount: number;
}

/** A segment as one manifest sees it. */
export interface LiveSegment extends OpenedSegment {
  /** `[documents]`: 1 for documents that were not deleted. */
  readonly liveDocuments: Uint8Array;
  /** `[pages]`: 1 for pages that have vectors and whose document was not deleted. */
  readonly searchablePages: Uint8Array;
  /** Position of its first page among all pages of segments with vectors; equal scores are ordered by it. */
  readonly firstPosition: number;
}

/** Where a live document is. */
export interface DocumentPlace {
  readonly segment: LiveSegment;
  readonly ordinal: number;
  readonly document: DocumentEntry;
}

export class IndexSnapshot {
  readonly manifest: Manifest;
  readonly codebook: SharedResident<KernelCodebook> | undefined;
  /** In the manifest's order. */
  readonly segments: readonly LiveSegment[];
  /** Those with vectors, in the same order. */
  readonly scanned: readonly LiveSegment[];
  /** Live documents by id, each with its places: several for a document larger than a segment. */
  readonly documents: ReadonlyMap<string, readonly DocumentPlace[]>;
  /** Metadata fields of live documents. */
  readonly metadataFields: ReadonlySet<string>;
  readonly searchablePageCount: number;
  #users = 1;

  /** Takes over one use of `codebook` and of every segment's bags. `opened` is in the manifest's order. */
  constructor(
    manifest: Manifest,
    codebook: SharedResident<KernelCodebook> | undefined,
    opened: readonly OpenedSegment[],
  ) {
    this.manifest = manifest;
    this.codebook = codebook;
    this.segments = liveSegments(manifest, opened);
    this.scanned = this.segments.filter((segment) => segment.bags !== undefined);
    const places = this.segments.flatMap(placesOf);
    this.documents = Map.groupBy(places, (place) => place.document.id);
    this.metadataFields = new Set(places.flatMap((place) => Object.keys(place.document.metadata)));
    this.searchablePageCount = this.scanned.reduce((sum, segment) => sum + countOf(segment.searchablePages), 0);
  }

  /** The page at `position` among all pages of {@link scanned} segments. */
  locate(position: number): { segment: LiveSegment; page: number } {
    let found: LiveSegment | undefined;
    for (const segment of this.scanned) {
      if (segment.firstPosition > position) break;
      found = segment;
    }
    if (found === undefined) throw new RangeError(`no page is at position ${position}`);
    return { segment: found, page: position - found.firstPosition };
  }

  /** One more search looks at this snapshot. */
  retain(): this {
    this.#users += 1;
    return this;
  }

  /** One fewer; the last one lets go of codebook and bags. */
  release(): void {
    this.#users -= 1;
    if (this.#users > 0) return;
    this.codebook?.release();
    for (const segment of this.segments) segment.bags?.release();
  }
}

function liveSegments(manifest: Manifest, opened: readonly OpenedSegment[]): LiveSegment[] {
  const live: LiveSegment[] = [];
  let firstPosition = 0;
  for (const [index, segment] of opened.entries()) {
    const { documents, pages } = segment.reader;
    const liveDocuments = new Uint8Array(documents.length).fill(1);
    for (const ordinal of manifest.segments[index]?.deletedDocuments ?? []) liveDocuments[ordinal] = 0;
    const searchablePages = new Uint8Array(pages.pageCount);
    for (let page = 0; page < pages.pageCount; page++) {
      const isLive = liveDocuments[pages.documentOrdinal[page] ?? 0] === 1;
      searchablePages[page] = isLive && (pages.vectorCount[page] ?? 0) > 0 ? 1 : 0;
    }
    live.push({ ...segment, liveDocuments, searchablePages, firstPosition });
    if (segment.bags !== undefined) firstPosition += pages.pageCount;
  }
  return live;
}

function placesOf(segment: LiveSegment): DocumentPlace[] {
  return segment.reader.documents.flatMap((document, ordinal) =>
    segment.liveDocuments[ordinal] === 1 ? [{ segment, ordinal, document }] : [],
  );
}

/** How many bytes of `mask` are 1. */
export function countOf(mask: Uint8Array): number {
  let count = 0;
  for (const byte of mask) count += byte;
  return count;
}
