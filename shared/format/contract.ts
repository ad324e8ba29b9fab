/**
 * What the format modules promise to the engine and to the indexer. See docs/format.md for every byte.
 *
 * @module
 */
import type { DocumentEntry, EncodedPage, PageGeometry, PageStatus, TextSource } from "../page.ts";
import type { ObjectStore } from "../store/object-store.ts";
import type { LexicalIndex } from "./lexical/contract.ts";

/** Decoded codebook. A vector d is coded as its nearest centroid c plus the PQ code of d − c. */
export interface Codebook {
  id: string;
  recipeFingerprint: string;
  dim: number;
  centroidCount: number;
  /** `[centroidCount, dim]`; the centroid's value is `centroids · centroidScale`, and residuals are taken against that. */
  centroids: Int8Array;
  centroidScale: number;
  /** M; divides `dim`. */
  subspaces: number;
  /** `[subspaces, 256, dim / subspaces]`. */
  codewords: Float32Array;
  cells: Cells;
  training: { vectors: number; meanResidualNorm: number; meanCosine: number };
}

/** Groups of similar centroids, stored next to each other: cell c has the centroids `[offsets[c], offsets[c + 1])`, at least one. */
export interface Cells {
  /** `[cells + 1]`. */
  offsets: Uint32Array;
  /** Coarse centroids, `[cells, dim]`; the value is `centroids · scale`. */
  centroids: Int8Array;
  scale: number;
}

/** Distinct centroids of every page of a segment, ascending within a page. Page p has `ids[offsets[p] … offsets[p+1])`. */
export interface Bags {
  offsets: Uint32Array;
  ids: Uint16Array;
}

/** Codes of one page: `centroidIds` `[n]`, `codes` `[n, subspaces]` row-major. */
export interface PageCodes {
  centroidIds: Uint16Array;
  codes: Uint8Array;
}

/** Exact vectors of one page as int8: row i is `values[i·dim …] · scales[i]`. */
export interface PageVectors {
  scales: Float32Array;
  values: Int8Array;
}

/** One row per page of a segment, as columns. */
export interface PageTable {
  pageCount: number;
  /** Position in the segment's document table. Pages of a document are adjacent and in page order. */
  documentOrdinal: Uint32Array;
  pageNumber: Uint32Array;
  vectorCount: Uint32Array;
  width: Float32Array;
  height: Float32Array;
  status: PageStatus[];
}

/** What a segment is built from: documents, each with its pages in order. */
export interface SegmentPage {
  documentOrdinal: number;
  page: EncodedPage;
  /** Empty, as `exact` is, for pages without vectors. */
  codes: PageCodes;
  exact: PageVectors;
}

/** What is shown of a page: all that a hit needs. */
export interface PageLayout {
  geometry: PageGeometry;
  text: string;
  document: DocumentEntry;
  /** 1-based. */
  pageNumber: number;
  width: number;
  height: number;
  /** Absent: `layer`. */
  textSource?: TextSource | undefined;
}

/** Everything about a page but its exact vectors. */
export interface PageRecord {
  readonly codes: PageCodes;
  /** Verified and decoded whenever it is asked for, since few of the pages that are scored are shown. Throws `corrupt_data`. */
  readonly layout: PageLayout;
  /** Bytes that the layout takes as stored, for those who count what they keep. */
  readonly layoutBytes: number;
}

/** Header facts every reader checks against what it expects. */
export interface SegmentIdentity {
  recipeFingerprint: string;
  codebookId: string;
  dim: number;
  subspaces: number;
}

/**
 * Records of one segment's pages, which are numbered from 0. Reads are range reads; neighbouring pages are coalesced; every
 * part's checksum is verified. Answers are in the order of `pages`. `sideBySide` is how many segments are read at the same
 * time, this one included, which share what can be in flight; 1. Errors: `page_not_found`, `corrupt_data`,
 * `store_unavailable`.
 */
export interface PageRecords {
  readonly id: string;
  readonly identity: SegmentIdentity;
  readonly pageCount: number;
  /** The same records read through another store, one that counts for one request say. Shares all that was read. */
  withStore(store: ObjectStore): PageRecords;
  readCodes(pages: readonly number[], sideBySide?: number): Promise<PageCodes[]>;
  readLayouts(pages: readonly number[], sideBySide?: number): Promise<PageLayout[]>;
  /** Codes and layouts in one range each. `unwantedBytes` of all segments together are read between them at most. */
  readRecords(pages: readonly number[], sideBySide?: number, unwantedBytes?: number): Promise<PageRecord[]>;
  readVectors(pages: readonly number[], sideBySide?: number): Promise<PageVectors[]>;
}

/** An opened segment: its records and its tables. */
export interface SegmentReader extends PageRecords {
  readonly documents: readonly DocumentEntry[];
  readonly pages: PageTable;
  /** `[pages + 1]`: where the record of each page begins in the segment object; the last is where the records end. */
  readonly recordOffsets: Uint32Array;
  /** The terms of its pages; undefined of segments that were written before there was such an index. */
  readonly lexical: LexicalIndex | undefined;
  withStore(store: ObjectStore): SegmentReader;
  readBags(): Promise<Bags>;
}
