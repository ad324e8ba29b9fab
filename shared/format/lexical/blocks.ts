/**
 * Terms and their postings in blocks: a query reads one block for a term, and finds dictionary and postings in it, so that a
 * lookup is a single hop. A term whose postings are longer than a block has a block of its own, as long as they are.
 *
 * @module
 */
import { MaxleafError } from "../../errors.ts";
import { ByteReader, ByteWriter, corrupt } from "../bytes.ts";
import { crc32 } from "../crc32.ts";

/**
 * A block is closed when it has this many bytes. Smaller ones make the table in memory longer: of a million pages, with 600 bytes
 * of postings each, it has 1.2 MB.
 */
export const LEXICAL_BLOCK_BYTES = 8 * 1024;

const HASH_BYTES = 8;

/** What the table says of a block. */
export interface BlockRow {
  firstHash: bigint;
  length: number;
  checksum: number;
}

/** One term of a block. */
export interface BlockTerm {
  hash: bigint;
  /** See `decodePostings`. */
  postings: Uint8Array;
}

/** Neighbouring blocks that are stored together. */
export interface BlockPart {
  bytes: Uint8Array;
  rows: BlockRow[];
}

/** Packs terms in ascending order into blocks, and blocks into parts. */
export class BlockWriter {
  readonly #maxPartBytes: number;
  #block = new ByteWriter();
  #blockBytes = 0;
  #firstHash = 0n;
  #lastHash = -1n;
  #part = new ByteWriter();
  #partBytes = 0;
  #rows: BlockRow[] = [];
  #full: BlockPart[] = [];

  /** @param maxPartBytes a part is not longer, unless its only block is. */
  constructor(maxPartBytes: number) {
    this.#maxPartBytes = maxPartBytes;
  }

  add(hash: bigint, postings: Uint8Array): void {
    if (hash <= this.#lastHash)
      throw new MaxleafError("internal", "terms are written in ascending order of their hashes");
    const bytes = HASH_BYTES + postings.byteLength;
    if (this.#blockBytes > 0 && this.#blockBytes + bytes > LEXICAL_BLOCK_BYTES) this.#closeBlock();
    if (this.#blockBytes === 0) this.#firstHash = hash;
    this.#block
      .u32(Number(hash & 0xffff_ffffn))
      .u32(Number(hash >> 32n))
      .varint(postings.byteLength)
      .array(postings);
    this.#blockBytes += bytes;
    this.#lastHash = hash;
  }

  /** Parts that are finished and were not taken yet. */
  takeFull(): BlockPart[] {
    return this.#full.splice(0);
  }

  /** The remaining parts: nothing can be added after it. */
  finish(): BlockPart[] {
    if (this.#blockBytes > 0) this.#closeBlock();
    if (this.#rows.length > 0) this.#closePart();
    return this.takeFull();
  }

  #closeBlock(): void {
    const bytes = this.#block.finish();
    if (this.#partBytes > 0 && this.#partBytes + bytes.byteLength > this.#maxPartBytes) this.#closePart();
    this.#rows.push({ firstHash: this.#firstHash, length: bytes.byteLength, checksum: crc32(bytes) });
    this.#part.array(bytes);
    this.#partBytes += bytes.byteLength;
    this.#block = new ByteWriter();
    this.#blockBytes = 0;
  }

  #closePart(): void {
    this.#full.push({ bytes: this.#part.finish(), rows: this.#rows });
    this.#part = new ByteWriter();
    this.#partBytes = 0;
    this.#rows = [];
  }
}

/** The terms of a block, in its order. Throws `corrupt_data` for entries cut short or out of order. */
export function* termsOfBlock(block: Uint8Array, what: string): Generator<BlockTerm> {
  const reader = new ByteReader(block, what);
  let last = -1n;
  while (reader.remaining > 0) {
    const low = reader.u32("term");
    const hash = (BigInt(reader.u32("term")) << 32n) | BigInt(low);
    if (hash <= last) throw corrupt(what, "its terms are out of order");
    const postings = reader.take(reader.varint("length of postings"), "postings");
    last = hash;
    yield { hash, postings };
  }
}

/** The postings of a term as stored; undefined when the block does not have it. Throws `corrupt_data` as {@link termsOfBlock}. */
export function postingsIn(block: Uint8Array, hash: bigint, what: string): Uint8Array | undefined {
  for (const term of termsOfBlock(block, what)) {
    if (term.hash >= hash) return term.hash === hash ? term.postings : undefined;
  }
  return undefined;
}
