/**
 * One version of an index, opened: what a search looks at from its first to its last step, whatever is committed meanwhile.
 *
 * @module
 */
import type { Bags, PageRecords, SegmentReader } from "../format/contract.ts";
import type { InvertedFile } from "../format/inverted/contract.ts";
import type { Manifest } from "../format/manifest.ts";
import { OVERLAY_HEAP_FACTOR, type Overlay } from "../format/overlay.ts";
import type { KernelBags, KernelCodebook } from "../kernel/kernel.ts";
import type { CentroidLists } from "./candidates/centroid-lists.ts";
import { LexicalHolder } from "./lexical/lexical-groups.ts";
import { type PageSelection, SelectionCache } from "./selection.ts";
import { HEAP_BYTES_PER_DOCUMENT, HEAP_BYTES_PER_PAGE, type Holding } from "./planner/holding.ts";
import type { SharedResident } from "./shared-resident.ts";

/** A segment that stays open over many manifests. */
export interface OpenedSegment {
  readonly reader: PageRecords;
  /** The same with its tables; undefined when only the inverted file knows the segment. */
  readonly tables: SegmentReader | undefined;
  /** Undefined when no page has vectors, and where candidates come from lists. */
  readonly bags: SharedResident<KernelBags> | undefined;
  /** What the lists of segments that the inverted file does not cover are made of; undefined of all others. */
  readonly listedBags: Bags | undefined;
  /** Centroids of the codebook its vectors are coded with; 0 when none are. */
  readonly centroidCount: number;
  /** `[pages]`. */
  readonly documentOrdinals: ArrayLike<number>;
  readonly vectorCounts: ArrayLike<number>;
}

/** A segment as one manifest sees it. */
export interface LiveSegment extends OpenedSegment {
  /** Position in the manifest. */
  readonly index: number;
  /** Ordinals of deleted documents. */
  readonly deletedDocuments: ReadonlySet<number>;
  /** `[pages]`: 1 for pages that have vectors and whose document was not deleted. */
  readonly searchablePages: Uint8Array;
  /** Position of its first page among all pages of segments with vectors; equal scores are ordered by it. */
  readonly firstPosition: number;
}

/** Segments whose pages are found by the same lists. Lists number pages from 0, segment after segment. */
export interface ListGroup {
  readonly lists: CentroidLists;
  readonly segments: readonly LiveSegment[];
}

/** What an {@link IndexSnapshot} is made of. */
export interface SnapshotParts {
  manifest: Manifest;
  /** The one that the manifest names; an empty one if none. */
  overlay: Overlay;
  holding: Holding;
  codebook: SharedResident<KernelCodebook> | undefined;
  /** `[cells + 1]` of the codebook. */
  cellOffsets: Uint32Array | undefined;
  /** Unless candidates come from bags. */
  inverted: InvertedFile | undefined;
  /** All lists of the inverted file: from the store, or held. */
  invertedLists: CentroidLists | undefined;
  /** Lists of the segments that it does not cover, one after the other; undefined when there are none. */
  otherLists: CentroidLists | undefined;
  /** In the manifest's order. */
  opened: readonly OpenedSegment[];
}

export class IndexSnapshot {
  readonly manifest: Manifest;
  /** What documents' metadata is now, where it has changed since their segments were written. */
  readonly overlay: Overlay;
  readonly holding: Holding;
  readonly codebook: SharedResident<KernelCodebook> | undefined;
  readonly cellOffsets: Uint32Array | undefined;
  readonly inverted: InvertedFile | undefined;
  readonly invertedLists: CentroidLists | undefined;
  readonly otherLists: CentroidLists | undefined;
  /** In the manifest's order. */
  readonly segments: readonly LiveSegment[];
  /** Those with vectors, in the same order. */
  readonly scanned: readonly LiveSegment[];
  /** Empty when candidates come from bags. */
  readonly listGroups: readonly ListGroup[];
  /** All searchable pages. */
  readonly everyPage: PageSelection;
  readonly selections = new SelectionCache();
  readonly lexical = new LexicalHolder();
  #users = 1;

  /** Takes over one use of `codebook` and of every segment's bags. */
  constructor(parts: SnapshotParts) {
    this.manifest = parts.manifest;
    this.overlay = parts.overlay;
    this.holding = parts.holding;
    this.codebook = parts.codebook;
    this.cellOffsets = parts.cellOffsets;
    this.inverted = parts.inverted;
    this.invertedLists = parts.invertedLists;
    this.otherLists = parts.otherLists;
    this.segments = liveSegments(parts.manifest, parts.opened);
    this.scanned = this.segments.filter((segment) => segment.centroidCount > 0);
    this.listGroups = listGroups(this.segments, parts);
    this.everyPage = {
      masks: new Map(this.scanned.map((segment) => [segment, segment.searchablePages])),
      pageCount: this.scanned.reduce((sum, segment) => sum + countOf(segment.searchablePages), 0),
    };
  }

  /** The page at `position` among all pages of {@link scanned} segments. */
  locate(position: number): { segment: LiveSegment; page: number } {
    const after = this.scanned.findIndex((segment) => segment.firstPosition > position);
    const found = this.scanned[(after === -1 ? this.scanned.length : after) - 1];
    if (found === undefined) throw new RangeError(`no page is at position ${position}`);
    return { segment: found, page: position - found.firstPosition };
  }

  /** Bytes held on the heap, about; what lies in kernel memory is counted there. */
  get heapBytes(): number {
    let bytes = this.selections.bytes + this.lexical.bytes + (this.inverted?.bytes ?? 0);
    bytes += OVERLAY_HEAP_FACTOR * (this.manifest.overlay?.bytes ?? 0);
    for (const lists of [this.invertedLists, this.otherLists]) bytes += lists?.bytes ?? 0;
    for (const { tables, listedBags, searchablePages } of this.segments) {
      bytes += searchablePages.byteLength;
      if (listedBags !== undefined) bytes += listedBags.ids.byteLength + listedBags.offsets.byteLength;
      if (tables === undefined) continue;
      bytes += tables.lexical?.bytes ?? 0;
      bytes += tables.pageCount * HEAP_BYTES_PER_PAGE + tables.documents.length * HEAP_BYTES_PER_DOCUMENT;
    }
    return bytes;
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
    const { documentOrdinals, vectorCounts } = segment;
    const deletedDocuments = new Set(manifest.segments[index]?.deletedDocuments);
    const { pageCount } = segment.reader;
    const searchablePages = new Uint8Array(pageCount);
    for (let page = 0; page < pageCount; page++) {
      const isLive = deletedDocuments.size === 0 || !deletedDocuments.has(documentOrdinals[page] ?? 0);
      searchablePages[page] = isLive && (vectorCounts[page] ?? 0) > 0 ? 1 : 0;
    }
    live.push({ ...segment, index, deletedDocuments, searchablePages, firstPosition });
    if (segment.centroidCount > 0) firstPosition += pageCount;
  }
  return live;
}

function listGroups(
  segments: readonly LiveSegment[],
  { inverted, invertedLists, otherLists }: Pick<SnapshotParts, "inverted" | "invertedLists" | "otherLists">,
): ListGroup[] {
  const groups: ListGroup[] = [];
  if (inverted !== undefined && invertedLists !== undefined) {
    const byId = new Map(segments.map((segment) => [segment.reader.id, segment]));
    groups.push({ lists: invertedLists, segments: inverted.segmentIds.flatMap((id) => byId.get(id) ?? []) });
  }
  if (otherLists !== undefined) {
    groups.push({ lists: otherLists, segments: segments.filter((segment) => segment.listedBags !== undefined) });
  }
  return groups;
}

/** How many bytes of `mask` are 1. */
export function countOf(mask: Uint8Array): number {
  let count = 0;
  for (const byte of mask) count += byte;
  return count;
}
