/**
 * Range reads of one object: neighbouring ranges become one read, and what the first read already brought is not read again.
 * All reads are begun at once: how many are in flight is for the store to say (`store/request-store.ts`).
 *
 * @module
 */
import type { ObjectStore } from "../store/object-store.ts";
import { concatBytes, corrupt } from "./bytes.ts";

/**
 * Ranges with at most this many bytes between them are read at once. A read waits 60 to 80 ms for its first byte
 * (turbopuffer's S3 figures) in which a connection of 50 MB/s moves some 3 MB; a quarter of a megabyte costs 5 ms.
 */
export const COALESCE_GAP_BYTES = 256 * 1024;

/** One read is not longer than this, unless one range is: longer ones gain nothing and hold more memory at once. */
export const MAX_COALESCED_BYTES = 8 * 1024 * 1024;

/** `length` bytes from `offset`. */
export interface Range {
  offset: number;
  length: number;
}

/** One read that serves the ranges `ranges[first … end)` of a sorted list. */
export interface CoalescedRead extends Range {
  first: number;
  end: number;
}

/** The reads that serve `ranges`, which are in ascending order. */
export function coalesce(ranges: readonly Range[]): CoalescedRead[] {
  const reads: CoalescedRead[] = [];
  let last: CoalescedRead | undefined;
  for (const [index, range] of ranges.entries()) {
    const end = range.offset + range.length;
    if (
      last !== undefined &&
      range.offset - (last.offset + last.length) <= COALESCE_GAP_BYTES &&
      end - last.offset <= MAX_COALESCED_BYTES
    ) {
      last.length = Math.max(last.length, end - last.offset);
      last.end = index + 1;
    } else {
      last = { ...range, first: index, end: index + 1 };
      reads.push(last);
    }
  }
  return reads;
}

/** An immutable object whose size is known. */
export class ObjectRanges {
  readonly what: string;
  readonly size: number;
  readonly #store: ObjectStore;
  readonly #key: string;
  readonly #end: Uint8Array;

  /**
   * @param end the last bytes of the object, if they are here already.
   * @param what names the object in errors.
   */
  constructor(store: ObjectStore, key: string, size: number, what: string, end: Uint8Array = new Uint8Array(0)) {
    this.#store = store;
    this.#key = key;
    this.size = size;
    this.what = what;
    this.#end = end;
  }

  /** The same object read through another store: one that counts for one request, say. */
  withStore(store: ObjectStore): ObjectRanges {
    return new ObjectRanges(store, this.#key, this.size, this.what, this.#end);
  }

  /** The same object with everything from `offset` on at hand: one read, or none when it is already. */
  async fromOffset(offset: number): Promise<ObjectRanges> {
    const endOffset = this.size - this.#end.byteLength;
    if (offset >= endOffset) return this;
    const missing = await this.read({ offset, length: endOffset - offset });
    return new ObjectRanges(this.#store, this.#key, this.size, this.what, concatBytes([missing, this.#end]));
  }

  /** Throws `corrupt_data` when the object is missing, has another size, or is too short for the range. */
  async read({ offset, length }: Range): Promise<Uint8Array> {
    if (length === 0) return new Uint8Array(0);
    const endOffset = this.size - this.#end.byteLength;
    if (offset >= endOffset) return this.#end.subarray(offset - endOffset, offset - endOffset + length);
    const object = await this.#store.get(this.#key, { offset, length });
    if (object === undefined) throw corrupt(this.what, `there is no object ${this.#key}`);
    if (object.size !== this.size) throw corrupt(this.what, `it has ${object.size} bytes, not ${this.size}`);
    return object.bytes;
  }

  /** The bytes of `ranges`, in their order, which must be ascending. */
  async readAll(ranges: readonly Range[]): Promise<Uint8Array[]> {
    const parts = await Promise.all(
      coalesce(ranges).map(async (read) => {
        const bytes = await this.read(read);
        return ranges.slice(read.first, read.end).map((range) => {
          const start = range.offset - read.offset;
          return bytes.subarray(start, start + range.length);
        });
      }),
    );
    return parts.flat();
  }
}
