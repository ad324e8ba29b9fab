/**
 * The table of a lexical index: which block has a term, where blocks lie, and how long every page is. It stays in memory.
 *
 * @module
 */
import { ByteReader, ByteWriter, corrupt } from "../bytes.ts";
import type { Range } from "../range-reads.ts";
import type { BlockRow } from "./blocks.ts";

/** Longer pages count as this long: a length is a u16. Their score is off by less than the length itself says of a page. */
export const MAX_PAGE_TERMS = 0xffff;

/** First hash, length, checksum. */
const BLOCK_ROW_BYTES = 16;
const LENGTH_BYTES = 2;
const COUNT_BYTES = 4;

/** @param parts the rows of each part's blocks. @param lengths terms of each page. */
export function encodeLexicalTable(parts: readonly (readonly BlockRow[])[], lengths: readonly number[]): Uint8Array {
  const rows = parts.flat();
  const writer = new ByteWriter().u32(lengths.length).u32(rows.length).u32(parts.length);
  for (const part of parts) writer.u32(part.length);
  for (const { firstHash, length, checksum } of rows) {
    writer
      .u32(Number(firstHash & 0xffff_ffffn))
      .u32(Number(firstHash >> 32n))
      .u32(length)
      .u32(checksum);
  }
  return writer.array(Uint16Array.from(lengths, (length) => Math.min(length, MAX_PAGE_TERMS))).finish();
}

/** Where a block lies: in part `part`, and the CRC-32 of its bytes. */
export interface BlockExtent extends Range {
  part: number;
  checksum: number;
}

export class LexicalTable {
  readonly blockCount: number;
  /** `[pages]`: terms of each page, at most {@link MAX_PAGE_TERMS}. */
  readonly lengths: Uint16Array;
  readonly #firstHashes: BigUint64Array;
  readonly #offsets: Uint32Array;
  readonly #lengths: Uint32Array;
  readonly #checksums: Uint32Array;
  /** `[parts]`: the block after the last one of each. */
  readonly #partEnds: Uint32Array;

  /** @param partBytes sizes of the parts. Throws `corrupt_data` unless blocks fill them, in order, and there is a length per page. */
  constructor(
    bytes: Uint8Array,
    { pageCount, partBytes }: { pageCount: number; partBytes: readonly number[] },
    what: string,
  ) {
    const reader = new ByteReader(bytes, what);
    const pages = reader.u32("page count");
    const blocks = reader.u32("block count");
    const parts = reader.u32("part count");
    if (pages !== pageCount) throw corrupt(what, `it is of ${pages} pages, not of ${pageCount}`);
    if (parts !== partBytes.length) throw corrupt(what, `it has ${parts} parts, not ${partBytes.length}`);
    if (reader.remaining !== parts * COUNT_BYTES + blocks * BLOCK_ROW_BYTES + pages * LENGTH_BYTES) {
      throw corrupt(what, `${reader.remaining} bytes are no table of ${blocks} blocks and ${pages} pages`);
    }
    this.blockCount = blocks;
    this.#partEnds = readPartEnds(reader, parts, blocks);
    this.#firstHashes = new BigUint64Array(blocks);
    this.#offsets = new Uint32Array(blocks);
    this.#lengths = new Uint32Array(blocks);
    this.#checksums = new Uint32Array(blocks);
    let first = 0;
    for (const [part, end] of this.#partEnds.entries()) {
      this.#readRows(reader, { first, end, partBytes: partBytes[part] ?? 0 });
      first = end;
    }
    this.lengths = reader.u16Array(pages, "lengths");
  }

  /** Bytes of memory held. */
  get bytes(): number {
    const columns = [this.#firstHashes, this.#offsets, this.#lengths, this.#checksums, this.lengths];
    return columns.reduce((sum, column) => sum + column.byteLength, 0);
  }

  /** The only block that may have the term; undefined when none may. */
  blockOf(hash: bigint): number | undefined {
    let low = 0;
    let high = this.blockCount;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#firstHashes[middle] ?? 0n) > hash) high = middle;
      else low = middle + 1;
    }
    return low === 0 ? undefined : low - 1;
  }

  extentOf(block: number): BlockExtent {
    return {
      part: this.#partEnds.findIndex((end) => block < end),
      offset: this.#offsets[block] ?? 0,
      length: this.#lengths[block] ?? 0,
      checksum: this.#checksums[block] ?? 0,
    };
  }

  #readRows(reader: ByteReader, { first, end, partBytes }: { first: number; end: number; partBytes: number }): void {
    let offset = 0;
    for (let block = first; block < end; block++) {
      const low = reader.u32("first hash");
      this.#firstHashes[block] = (BigInt(reader.u32("first hash")) << 32n) | BigInt(low);
      if (block > 0 && (this.#firstHashes[block] ?? 0n) <= (this.#firstHashes[block - 1] ?? 0n)) {
        throw corrupt(reader.what, `block ${block} is out of order`);
      }
      this.#offsets[block] = offset;
      this.#lengths[block] = reader.u32("block length");
      this.#checksums[block] = reader.u32("checksum");
      offset += this.#lengths[block] ?? 0;
      if (offset > partBytes)
        throw corrupt(reader.what, `block ${block} ends at ${offset}, beyond its part of ${partBytes}`);
    }
    if (offset !== partBytes) throw corrupt(reader.what, `its blocks end at ${offset}, their part at ${partBytes}`);
  }
}

function readPartEnds(reader: ByteReader, parts: number, blocks: number): Uint32Array {
  const ends = reader.u32Array(parts, "blocks of parts");
  let end = 0;
  for (const [part, count] of ends.entries()) {
    end += count;
    if (end > blocks) throw corrupt(reader.what, `part ${part} would end at block ${end} of ${blocks}`);
    ends[part] = end;
  }
  if (end !== blocks) throw corrupt(reader.what, `its parts have ${end} of ${blocks} blocks`);
  return ends;
}
