/**
 * What a lexical index promises to the engine: term → pages that have it and how often. See docs/format.md for every byte.
 *
 * @module
 */
import type { ObjectStore } from "../../store/object-store.ts";

/**
 * The terms of some pages, which are numbered from 0: a segment's, or those of all segments that an inverted file covers, in
 * its order. Its table is in memory, its blocks are read.
 */
export interface LexicalIndex {
  /** Of the segment, or of the inverted file. */
  readonly id: string;
  readonly pageCount: number;
  readonly blockCount: number;
  /** `[pages]`: terms of each page, 65,535 at most. */
  readonly lengths: Uint16Array;
  /** Bytes of memory held. */
  readonly bytes: number;
  /** The same read through another store. Shares all that was read. */
  withStore(store: ObjectStore): LexicalIndex;
  /** The only block that may have the term of this hash; undefined when none may. */
  blockOf(hash: bigint): number | undefined;
  /** Bytes that reading `block` takes: for planning reads without reading. */
  blockBytes(block: number): number;
  /**
   * Verified blocks in the order asked for; neighbours coalesce. `sideBySide` is how many such indexes are read at the same
   * time, this one included; 1. Errors: `corrupt_data`, `store_unavailable`.
   */
  readBlocks(blocks: readonly number[], sideBySide?: number): Promise<Uint8Array[]>;
}
