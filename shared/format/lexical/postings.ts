/**
 * The pages that have a term, and how often: ascending, as gaps. Most terms occur once on a page, so a bit of the gap says so.
 *
 * @module
 */
import { ByteReader, ByteWriter, corrupt } from "../bytes.ts";

/** Pages with a term. Both arrays have one entry per page. */
export interface Postings {
  /** Ascending. */
  pages: Uint32Array;
  /** How often each has it: 1 or more. */
  counts: Uint32Array;
}

/** Appends pages in ascending order to a list as it is stored. */
export class PostingsWriter {
  readonly #writer: ByteWriter;
  #next = 0;

  constructor(writer: ByteWriter = new ByteWriter()) {
    this.#writer = writer;
  }

  add(page: number, count: number): void {
    const gap = page - this.#next;
    this.#writer.varint(2 * gap + (count === 1 ? 1 : 0));
    if (count > 1) this.#writer.varint(count);
    this.#next = page + 1;
  }

  finish(): Uint8Array {
    return this.#writer.finish();
  }
}

/** Throws `corrupt_data` for varints cut short, for pages that are not there, and for counts below 2 that are spelled out. */
export function decodePostings(bytes: Uint8Array, pageCount: number, what: string): Postings {
  const reader = new ByteReader(bytes, what);
  // Every posting has a byte at least.
  const pages = new Uint32Array(bytes.byteLength);
  const counts = new Uint32Array(bytes.byteLength);
  let size = 0;
  let next = 0;
  while (reader.remaining > 0) {
    const gap = reader.varint("gap");
    const page = next + (gap >>> 1);
    if (page >= pageCount) throw corrupt(what, `it lists page ${page} of ${pageCount}`);
    const count = (gap & 1) === 1 ? 1 : reader.varint("count");
    if (count < 1 || ((gap & 1) === 0 && count === 1))
      throw corrupt(what, `page ${page} is said to have it ${count} times`);
    pages[size] = page;
    counts[size] = count;
    size += 1;
    next = page + 1;
  }
  return { pages: pages.subarray(0, size), counts: counts.subarray(0, size) };
}
