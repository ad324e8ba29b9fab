/**
 * Document id → places, of all covered segments: hashes in ascending order, in blocks that can be read and verified one by
 * one. A small table of the blocks stays in memory; the blocks do not.
 *
 * @module
 */
import { ByteReader, ByteWriter, corrupt } from "../bytes.ts";
import { checkRecord } from "../container.ts";
import { crc32 } from "../crc32.ts";
import type { ObjectRanges, Range } from "../range-reads.ts";
import type { CoveredDocument } from "./contract.ts";

/** A block is 4 KiB: a read of one is no dearer than of a single entry, and a million documents have a table of 47 KB. */
export const ENTRIES_PER_BLOCK = 256;
/** Hash, segment, document. */
const ENTRY_BYTES = 16;
/** First hash of the block, checksum. */
const BLOCK_ROW_BYTES = 12;
const HASHES_AT_ONCE = 1_024;

export interface DocumentPlace extends CoveredDocument {
  documentId: string;
}

/** Both sections: `entries` in blocks, and the table of the blocks. */
export interface EncodedDocumentIds {
  entries: Uint8Array;
  blocks: Uint8Array;
}

/** The first 8 bytes of the SHA-256 of an id, as a big-endian number. */
export async function hashDocumentId(documentId: string): Promise<bigint> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(documentId));
  return new DataView(digest).getBigUint64(0);
}

export async function encodeDocumentIds(places: readonly DocumentPlace[]): Promise<EncodedDocumentIds> {
  const hashes = await hashAll(places);
  const order = Uint32Array.from(places.keys()).sort((a, b) => compare(hashes[a], hashes[b]) || a - b);
  const entries = new Uint8Array(places.length * ENTRY_BYTES);
  const view = new DataView(entries.buffer);
  for (const [i, place] of order.entries()) {
    view.setBigUint64(i * ENTRY_BYTES, hashes[place] ?? 0n, true);
    view.setUint32(i * ENTRY_BYTES + 8, places[place]?.segment ?? 0, true);
    view.setUint32(i * ENTRY_BYTES + 12, places[place]?.documentOrdinal ?? 0, true);
  }
  const blocks = new ByteWriter().u32(places.length);
  for (let first = 0; first < places.length; first += ENTRIES_PER_BLOCK) {
    const block = entries.subarray(first * ENTRY_BYTES, (first + ENTRIES_PER_BLOCK) * ENTRY_BYTES);
    blocks.array(block.subarray(0, 8)).u32(crc32(block));
  }
  return { entries, blocks: blocks.finish() };
}

/** The table of the blocks, and how to look an id up by it. */
export class DocumentIds {
  readonly bytes: number;
  readonly #entryCount: number;
  readonly #section: Range;
  readonly #firstHashes: BigUint64Array;
  readonly #checksums: Uint32Array;

  /** @param section where the entries lie. Throws `corrupt_data` unless the table is that of as many entries. */
  constructor(blocks: Uint8Array, section: Range, what: string) {
    const reader = new ByteReader(blocks, what);
    this.#entryCount = reader.u32("entry count");
    if (this.#entryCount * ENTRY_BYTES !== section.length) {
      throw corrupt(what, `${this.#entryCount} documents do not take ${section.length} bytes`);
    }
    const blockCount = Math.ceil(this.#entryCount / ENTRIES_PER_BLOCK);
    if (reader.remaining !== blockCount * BLOCK_ROW_BYTES) {
      throw corrupt(what, `${reader.remaining} bytes are no table of ${blockCount} blocks`);
    }
    this.#section = section;
    this.#firstHashes = new BigUint64Array(blockCount);
    this.#checksums = new Uint32Array(blockCount);
    for (let block = 0; block < blockCount; block++) {
      const low = reader.u32("first hash");
      this.#firstHashes[block] = (BigInt(reader.u32("first hash")) << 32n) | BigInt(low);
      this.#checksums[block] = reader.u32("checksum");
    }
    this.bytes = this.#firstHashes.byteLength + this.#checksums.byteLength;
  }

  /** Places of `documentId` in the order of their segments: one read, or none. Errors: `corrupt_data` and those of reading. */
  async find(object: ObjectRanges, documentId: string): Promise<CoveredDocument[]> {
    const hash = await hashDocumentId(documentId);
    const end = this.#firstAbove(hash);
    if (end === 0) return [];
    // The hash may begin within the last block that starts below it, and go on through blocks that start with it.
    let first = end - 1;
    while (first > 0 && this.#firstHashes[first] === hash) first -= 1;
    const bytes = await object.read(this.#rangeOf(first, end));
    for (let block = first; block < end; block++) {
      const start = (block - first) * ENTRIES_PER_BLOCK * ENTRY_BYTES;
      const part = bytes.subarray(start, start + ENTRIES_PER_BLOCK * ENTRY_BYTES);
      checkRecord(part, this.#checksums[block], `${object.what}, block ${block} of document ids`);
    }
    return placesOf(bytes, hash);
  }

  /** The first block that begins above `hash`. */
  #firstAbove(hash: bigint): number {
    let low = 0;
    let high = this.#firstHashes.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#firstHashes[middle] ?? 0n) > hash) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  #rangeOf(firstBlock: number, endBlock: number): Range {
    const first = firstBlock * ENTRIES_PER_BLOCK;
    const end = Math.min(endBlock * ENTRIES_PER_BLOCK, this.#entryCount);
    return { offset: this.#section.offset + first * ENTRY_BYTES, length: (end - first) * ENTRY_BYTES };
  }
}

function placesOf(bytes: Uint8Array, hash: bigint): CoveredDocument[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const places: CoveredDocument[] = [];
  for (let at = 0; at < bytes.byteLength; at += ENTRY_BYTES) {
    if (view.getBigUint64(at, true) !== hash) continue;
    places.push({ segment: view.getUint32(at + 8, true), documentOrdinal: view.getUint32(at + 12, true) });
  }
  return places;
}

async function hashAll(places: readonly DocumentPlace[]): Promise<BigUint64Array> {
  const hashes = new BigUint64Array(places.length);
  for (let first = 0; first < places.length; first += HASHES_AT_ONCE) {
    const some = places.slice(first, first + HASHES_AT_ONCE);
    hashes.set(await Promise.all(some.map(({ documentId }) => hashDocumentId(documentId))), first);
  }
  return hashes;
}

function compare(a = 0n, b = 0n): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
