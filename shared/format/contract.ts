/**
 * What the format modules promise to the engine and to the indexer. See docs/format.md for every byte.
 *
 * @module
 */
import type { DocumentEntry, EncodedPage, PageGeometry, PageStatus } from "../page.ts";
import type { ObjectStore } from "../store/object-store.ts";

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
  training: { vectors: number; meanResidualNorm: number; meanCosine: number };
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

/** Header facts every reader checks against what it expects. */
export interface SegmentIdentity {
  recipeFingerprint: string;
  codebookId: string;
  dim: number;
  subspaces: number;
}

/** An opened segment. Reads are range reads; neighbouring pages are coalesced; every record's checksum is verified. */
export interface SegmentReader {
  readonly id: string;
  readonly identity: SegmentIdentity;
  readonly documents: readonly DocumentEntry[];
  readonly pages: PageTable;
  /** The same segment read through another store, one that counts for one request say. Shares all that was read. */
  withStore(store: ObjectStore): SegmentReader;
  readBags(): Promise<Bags>;
  /** Ascending pages of every centroid in `[firstCentroid, endCentroid)`. */
  readPostings(firstCentroid: number, endCentroid: number): Promise<Uint32Array[]>;
  /** In the order of `pages`. */
  readCodes(pages: readonly number[]): Promise<PageCodes[]>;
  readVectors(pages: readonly number[]): Promise<PageVectors[]>;
  readGeometry(pages: readonly number[]): Promise<PageGeometry[]>;
  readText(pages: readonly number[]): Promise<string[]>;
}
