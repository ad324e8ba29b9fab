/**
 * What an inverted file promises to the engine. See docs/format.md for every byte.
 *
 * @module
 */
import type { ObjectStore } from "../../store/object-store.ts";
import type { PageRecords } from "../contract.ts";

/** The lists of one cell's centroids as they are stored; their checksum was compared. */
export interface CellBlock {
  cell: number;
  /** u32 ends `[centroids]`, counted from the end of this table, then the lists: see `decodeCellBlock`. */
  bytes: Uint8Array;
}

/** Where a cell's block lies: `length` bytes from `offset` of part `part`. */
export interface CellExtent {
  part: number;
  offset: number;
  length: number;
}

/** Position `documentOrdinal` in the document table of covered segment `segment`. */
export interface CoveredDocument {
  segment: number;
  documentOrdinal: number;
}

/**
 * centroid → pages, of many segments at once. Pages have *positions* 0 … pageCount − 1: those of a segment are adjacent
 * and in its order, segments in the order of `segmentIds`.
 */
export interface InvertedFile {
  readonly id: string;
  readonly segmentIds: readonly string[];
  readonly pageCount: number;
  readonly cellCount: number;
  /** `[segments + 1]`. */
  readonly firstPosition: Uint32Array;
  /** `[pages]`: where a page's record begins in its segment's object. */
  readonly recordOffsets: Uint32Array;
  /** `[pages]`. */
  readonly vectorCounts: Uint16Array;
  /** `[pages]`: position in the document table of the page's segment. */
  readonly documentOrdinals: Uint16Array;
  /** Bytes of memory held. */
  readonly bytes: number;
  /** The same file read through another store. Shares all that was read. */
  withStore(store: ObjectStore): InvertedFile;
  /** For planning reads without reading. */
  cellExtent(cell: number): CellExtent;
  /** Blocks in the order asked for; neighbouring cells coalesce. Errors: `corrupt_data`, `store_unavailable`. */
  readCells(cells: readonly number[]): Promise<CellBlock[]>;
  /**
   * Places of a document by its id; none when the covered segments do not have it. At most one read. Ids are compared by
   * their hash: whoever reads the document's records compares the id itself.
   */
  findDocument(documentId: string): Promise<CoveredDocument[]>;
  /** Records of covered segment `segment` (a position in `segmentIds`), without opening it. */
  records(segment: number): PageRecords;
}
