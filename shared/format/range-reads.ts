/**
 * Range reads of one object: neighbouring ranges become one read, and what the first read already brought is not read again.
 * All reads are begun at once: how many are in flight is for the store to say (`store/request-store.ts`).
 *
 * @module
 */
import { MAX_CONCURRENT_READS } from "../limits.ts";
import type { ObjectStore } from "../store/object-store.ts";
import { concatBytes, corrupt } from "./bytes.ts";

/** What is read beside what is wanted to save reads. The figures are from `npm run bench -- reads`. */
export interface CoalesceLimits {
  /** Gaps up to this are always read over: 64 KiB are 1.3 ms at 50 MB/s, and every read costs money and a slot besides. */
  freeGapBytes: number;
  /**
   * Larger gaps, the smallest first, only while more reads are left than can be in flight: a read waits 63 ms for its first
   * byte and six wait at once, so one read fewer saves some 10 ms. In 10 ms a connection brings half a megabyte.
   */
  gapBytes: number;
  /** All larger gaps together. The codes of 128 of 1,000 pages of 650 vectors take 248 ms in 14 reads so, 382 ms in 30 with half of it. */
  unwantedBytes: number;
  /** One read is not longer than this, unless one range is: six of them are in memory at once. */
  readBytes: number;
  /** Reads that can be in flight. */
  readsAtOnce: number;
}

export const COALESCE_LIMITS: CoalesceLimits = {
  freeGapBytes: 64 * 1024,
  gapBytes: 512 * 1024,
  unwantedBytes: 16 * 1024 * 1024,
  readBytes: 2 * 1024 * 1024,
  readsAtOnce: MAX_CONCURRENT_READS,
};

/** The free gap where bytes are short: a record or two. */
const SHORT_GAP_BYTES = 8 * 1024;

/**
 * The limits of one of `sideBySide` calls that read other objects at the same time: what can be in flight is for all of them.
 *
 * @param unwantedBytes of all of them together, where bytes are short; then small gaps are free no more.
 */
export function shareOfLimits(sideBySide: number, unwantedBytes?: number): CoalesceLimits {
  return {
    ...COALESCE_LIMITS,
    freeGapBytes: unwantedBytes === undefined ? COALESCE_LIMITS.freeGapBytes : SHORT_GAP_BYTES,
    readsAtOnce: Math.max(1, Math.floor(COALESCE_LIMITS.readsAtOnce / sideBySide)),
    unwantedBytes: (unwantedBytes ?? COALESCE_LIMITS.unwantedBytes) / sideBySide,
  };
}

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
export function coalesce(ranges: readonly Range[], limits: CoalesceLimits = COALESCE_LIMITS): CoalescedRead[] {
  const reads = new AdjacentReads(ranges);
  const gaps = ranges.slice(1).map((range, i) => ({ before: i + 1, bytes: range.offset - endOf(ranges[i]) }));
  let unwantedBytes = 0;
  for (const { before, bytes } of gaps.toSorted((a, b) => a.bytes - b.bytes)) {
    if (bytes > limits.freeGapBytes) {
      if (reads.count <= limits.readsAtOnce || bytes > limits.gapBytes) break;
      if (unwantedBytes + bytes > limits.unwantedBytes) break;
    }
    if (reads.lengthJoinedAt(before) > limits.readBytes) continue;
    reads.joinAt(before);
    if (bytes > limits.freeGapBytes) unwantedBytes += bytes;
  }
  return reads.list();
}

function endOf(range: Range | undefined): number {
  return range === undefined ? 0 : range.offset + range.length;
}

/** Reads that begin as one per range and are joined with their neighbours. */
class AdjacentReads {
  count: number;
  readonly #ranges: readonly Range[];
  /** By the first range of a read: its last one, and where it ends. */
  readonly #last: number[];
  readonly #ends: number[];
  /** By the last range of a read: its first one. */
  readonly #first: number[];

  constructor(ranges: readonly Range[]) {
    this.count = ranges.length;
    this.#ranges = ranges;
    this.#last = ranges.map((_, i) => i);
    this.#first = ranges.map((_, i) => i);
    this.#ends = ranges.map(endOf);
  }

  /** Length of the read that would come of joining the one that begins at range `before` with the one that ends there. */
  lengthJoinedAt(before: number): number {
    const first = this.#first[before - 1] ?? 0;
    return Math.max(this.#ends[first] ?? 0, this.#ends[before] ?? 0) - (this.#ranges[first]?.offset ?? 0);
  }

  joinAt(before: number): void {
    const first = this.#first[before - 1] ?? 0;
    const last = this.#last[before] ?? 0;
    this.#ends[first] = Math.max(this.#ends[first] ?? 0, this.#ends[before] ?? 0);
    this.#last[first] = last;
    this.#first[last] = first;
    this.count -= 1;
  }

  list(): CoalescedRead[] {
    const reads: CoalescedRead[] = [];
    for (let first = 0; first < this.#ranges.length; first = (this.#last[first] ?? first) + 1) {
      const offset = this.#ranges[first]?.offset ?? 0;
      reads.push({ offset, length: (this.#ends[first] ?? 0) - offset, first, end: (this.#last[first] ?? first) + 1 });
    }
    return reads;
  }
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
  async readAll(ranges: readonly Range[], limits: CoalesceLimits = COALESCE_LIMITS): Promise<Uint8Array[]> {
    const parts = await Promise.all(
      coalesce(ranges, limits).map(async (read) => {
        const bytes = await this.read(read);
        const served = ranges.slice(read.first, read.end);
        const wantedBytes = served.reduce((sum, range) => sum + range.length, 0);
        return served.map((range) => {
          const start = range.offset - read.offset;
          const end = start + range.length;
          // A view keeps the whole read in memory until the last read has come.
          return wantedBytes > read.length / 2 ? bytes.subarray(start, end) : bytes.slice(start, end);
        });
      }),
    );
    return parts.flat();
  }
}
