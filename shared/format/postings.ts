/**
 * The postings section: centroid → pages, the transpose of the bags, for indexes too large to hold their bags. Blocks of
 * neighbouring centroids can be read and verified one by one, so a range of centroids is one read.
 *
 * @module
 */
import { MAX_CENTROIDS } from "../limits.ts";
import { bagOf } from "./bags.ts";
import { ByteReader, ByteWriter, concatBytes, corrupt } from "./bytes.ts";
import { checkRecord } from "./container.ts";
import type { Bags } from "./contract.ts";
import { crc32 } from "./crc32.ts";
import { recordRange } from "./page-table.ts";
import type { ObjectRanges, Range } from "./range-reads.ts";

/** Centroids of a block: the table of 65,536 centroids has 8 KiB, and a block of a full segment some tens. */
export const POSTINGS_BLOCK_CENTROIDS = 64;
const TABLE_HEADER_BYTES = 4;
const TABLE_ENTRY_BYTES = 8;

/** Shared by all centroids without a page: most of them, in a small segment. */
const NO_PAGES = new Uint32Array(0);

/** Where blocks lie: block b has `[offsets[b], offsets[b + 1])`, counted from the section's start. */
export interface PostingsTable {
  blockCount: number;
  /** `[blocks + 1]`. */
  offsets: Float64Array;
  /** `[blocks]`, CRC-32. */
  checksums: Uint32Array;
}

/** The section for `bags`: a table of blocks, then the blocks. Ends with the last block that has a page. */
export function encodePostings(bags: Bags): Uint8Array {
  const blocks = transpose(bags).map(encodeBlock);
  const table = new ByteWriter().u32(blocks.length);
  for (const block of blocks) table.u32(block.byteLength).u32(crc32(block));
  return concatBytes([table.finish(), ...blocks]);
}

/** Bytes of the table, from the first four bytes of the section. */
export function postingsTableBytes(start: Uint8Array, what: string): number {
  const blockCount = new ByteReader(start, what).u32("block count");
  if (blockCount > MAX_CENTROIDS / POSTINGS_BLOCK_CENTROIDS)
    throw corrupt(what, `it is said to have ${blockCount} blocks`);
  return TABLE_HEADER_BYTES + blockCount * TABLE_ENTRY_BYTES;
}

/** The table of a section of `sectionBytes` bytes, whose first {@link postingsTableBytes} bytes are `bytes`. */
export function decodePostingsTable(bytes: Uint8Array, sectionBytes: number, what: string): PostingsTable {
  const tableBytes = postingsTableBytes(bytes, what);
  const reader = new ByteReader(bytes, what);
  const blockCount = reader.u32("block count");
  if (tableBytes > bytes.byteLength) throw corrupt(what, `a table of ${blockCount} blocks needs ${tableBytes} bytes`);
  const offsets = new Float64Array(blockCount + 1);
  const checksums = new Uint32Array(blockCount);
  offsets[0] = tableBytes;
  for (let block = 0; block < blockCount; block++) {
    offsets[block + 1] = (offsets[block] ?? 0) + reader.u32("block length");
    checksums[block] = reader.u32("block checksum");
  }
  if (offsets[blockCount] !== sectionBytes) {
    throw corrupt(what, `its blocks end at ${offsets[blockCount]}, the section at ${sectionBytes}`);
  }
  return { blockCount, offsets, checksums };
}

/**
 * The pages of every centroid in `[firstCentroid, endCentroid)`: two short reads for the table, then one of the blocks.
 * Errors: `corrupt_data`.
 */
export async function readPostings(
  object: ObjectRanges,
  { offset, length }: Range,
  pageCount: number,
  { firstCentroid, endCentroid }: { firstCentroid: number; endCentroid: number },
): Promise<Uint32Array[]> {
  const what = `${object.what}, postings`;
  const start = await object.read({ offset, length: Math.min(length, TABLE_HEADER_BYTES) });
  const tableBytes = Math.min(length, postingsTableBytes(start, what));
  const table = decodePostingsTable(await object.read({ offset, length: tableBytes }), length, what);
  const firstBlock = Math.floor(firstCentroid / POSTINGS_BLOCK_CENTROIDS);
  const endBlock = Math.min(table.blockCount, Math.ceil(endCentroid / POSTINGS_BLOCK_CENTROIDS));
  const blocks = numbersBetween(firstBlock, endBlock);
  const records = await object.readAll(blocks.map((block) => recordRange(table.offsets, block, offset)));
  const lists = records.map((bytes, position) => {
    const block = firstBlock + position;
    checkRecord(bytes, table.checksums[block], `${what}, block ${block}`);
    return decodePostingsBlock(bytes, pageCount, `${what}, block ${block}`);
  });
  return numbersBetween(firstCentroid, endCentroid).map((id) => {
    const block = lists[Math.floor(id / POSTINGS_BLOCK_CENTROIDS) - firstBlock];
    return block?.[id % POSTINGS_BLOCK_CENTROIDS] ?? NO_PAGES;
  });
}

/**
 * Ascending pages of each of the block's {@link POSTINGS_BLOCK_CENTROIDS} centroids; no lists at all for a block of no
 * bytes. Throws `corrupt_data`.
 */
export function decodePostingsBlock(bytes: Uint8Array, pageCount: number, what: string): Uint32Array[] {
  const lists: Uint32Array[] = [];
  if (bytes.byteLength === 0) return lists;
  const reader = new ByteReader(bytes, what);
  for (let index = 0; index < POSTINGS_BLOCK_CENTROIDS; index++) lists.push(decodeList(reader, pageCount));
  reader.expectEnd();
  return lists;
}

function numbersBetween(first: number, end: number): number[] {
  return Array.from({ length: Math.max(0, end - first) }, (_, index) => first + index);
}

function decodeList(reader: ByteReader, pageCount: number): Uint32Array {
  const length = reader.varint("list length");
  if (length > reader.remaining) throw corrupt(reader.what, `${length} pages do not fit ${reader.remaining} bytes`);
  const pages = new Uint32Array(length);
  let next = 0;
  for (let index = 0; index < length; index++) {
    const page = next + reader.varint("gap");
    if (page >= pageCount) throw corrupt(reader.what, `it lists page ${page} of ${pageCount}`);
    pages[index] = page;
    next = page + 1;
  }
  return pages;
}

/** Blocks of lists: `blocks[b][i]` are the pages of centroid b · 64 + i. */
function transpose(bags: Bags): number[][][] {
  const blocks: number[][][] = [];
  for (let page = 0; page + 1 < bags.offsets.length; page++) {
    for (const id of bagOf(bags, page)) {
      const blockIndex = Math.floor(id / POSTINGS_BLOCK_CENTROIDS);
      while (blocks.length <= blockIndex) blocks.push(Array.from({ length: POSTINGS_BLOCK_CENTROIDS }, () => []));
      blocks[blockIndex]?.[id % POSTINGS_BLOCK_CENTROIDS]?.push(page);
    }
  }
  return blocks;
}

/** A block whose centroids have no page takes no bytes: a small segment uses few of many centroids. */
function encodeBlock(lists: readonly (readonly number[])[]): Uint8Array {
  const writer = new ByteWriter();
  if (lists.every((pages) => pages.length === 0)) return writer.finish();
  for (const pages of lists) {
    writer.varint(pages.length);
    let next = 0;
    for (const page of pages) {
      writer.varint(page - next);
      next = page + 1;
    }
  }
  return writer.finish();
}
