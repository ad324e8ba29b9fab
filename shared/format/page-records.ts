/**
 * Reads, verifies and decodes the records of one segment's pages, wherever it is known from where they lie: the segment's
 * page table or an inverted file's directory.
 *
 * @module
 */
import { MaxleafError } from "../errors.ts";
import type { ObjectStore } from "../store/object-store.ts";
import { layout } from "../store/layout.ts";
import { corrupt } from "./bytes.ts";
import { codesPartBytes, decodeCodes } from "./codes.ts";
import { containerBytes, HEADER_BYTES } from "./container.ts";
import type { PageCodes, PageLayout, PageRecord, PageRecords, PageVectors, SegmentIdentity } from "./contract.ts";
import { encodeIdentity } from "./identity.ts";
import { decodePageLayout, MIN_LAYOUT_BYTES } from "./page-layout.ts";
import { ObjectRanges, type Range, shareOfLimits } from "./range-reads.ts";
import { decodeVectors, vectorsRecordBytes } from "./vectors.ts";

/** Where the records of a segment lie. */
export interface RecordPlaces {
  id: string;
  identity: SegmentIdentity;
  pageCount: number;
  /** `[pages]`. */
  vectorCounts: Uint16Array | Uint32Array;
  /** `[pages]` or longer: where each page's record begins in the segment. */
  recordOffsets: Uint32Array;
  /** Where the last record ends. */
  recordsEnd: number;
  /** The segment. */
  object: ObjectRanges;
  vectors: ObjectRanges;
}

export class StoredPageRecords implements PageRecords {
  readonly id: string;
  readonly identity: SegmentIdentity;
  readonly pageCount: number;
  readonly #places: RecordPlaces;

  constructor(places: RecordPlaces) {
    this.id = places.id;
    this.identity = places.identity;
    this.pageCount = places.pageCount;
    this.#places = places;
  }

  withStore(store: ObjectStore): PageRecords {
    const { object, vectors } = this.#places;
    return new StoredPageRecords({
      ...this.#places,
      object: object.withStore(store),
      vectors: vectors.withStore(store),
    });
  }

  async readCodes(pages: readonly number[], sideBySide = 1): Promise<PageCodes[]> {
    const rangeOf = (page: number) => ({ offset: this.#offset(page), length: this.#codesBytes(page) });
    return await this.#read(this.#places.object, pages, sideBySide, rangeOf, (bytes, page) =>
      this.#decodeCodes(bytes, page),
    );
  }

  async readLayouts(pages: readonly number[], sideBySide = 1): Promise<PageLayout[]> {
    const rangeOf = (page: number) => {
      const offset = this.#offset(page) + this.#codesBytes(page);
      return { offset, length: this.#end(page) - offset };
    };
    return await this.#read(this.#places.object, pages, sideBySide, rangeOf, (bytes, page) =>
      this.#decodeLayout(bytes, page),
    );
  }

  async readRecords(pages: readonly number[], sideBySide = 1, unwantedBytes?: number): Promise<PageRecord[]> {
    const rangeOf = (page: number) => ({
      offset: this.#offset(page),
      length: this.#end(page) - this.#offset(page),
    });
    const decode = (bytes: Uint8Array, page: number): PageRecord => {
      const codesBytes = this.#codesBytes(page);
      const codes = this.#decodeCodes(bytes.subarray(0, codesBytes), page);
      // A copy: a view would keep all of a read that served many pages.
      return new StoredPageRecord(codes, bytes.slice(codesBytes), (layoutBytes) =>
        this.#decodeLayout(layoutBytes, page),
      );
    };
    return await this.#read(this.#places.object, pages, sideBySide, rangeOf, decode, unwantedBytes);
  }

  async readVectors(pages: readonly number[], sideBySide = 1): Promise<PageVectors[]> {
    const { identity, vectors } = this.#places;
    const offsets = this.#vectorsOffsets(pages.reduce((last, page) => Math.max(last, page), 0));
    const rangeOf = (page: number) => ({
      offset: offsets[page] ?? 0,
      length: vectorsRecordBytes(this.#vectorCount(page), identity.dim),
    });
    return await this.#read(vectors, pages, sideBySide, rangeOf, (bytes, page) => {
      const shape = { page, vectorCount: this.#vectorCount(page), dim: identity.dim };
      return decodeVectors(bytes, shape, `${vectors.what}, page ${page}`);
    });
  }

  #decodeCodes(bytes: Uint8Array, page: number): PageCodes {
    const { identity, object } = this.#places;
    const shape = { page, vectorCount: this.#vectorCount(page), subspaces: identity.subspaces };
    return decodeCodes(bytes, shape, `${object.what}, codes of page ${page}`);
  }

  #decodeLayout(bytes: Uint8Array, page: number): PageLayout {
    const what = `${this.#places.object.what}, layout of page ${page}`;
    return decodePageLayout(bytes, { page, vectorCount: this.#vectorCount(page) }, what);
  }

  /** Reads the ranges of `pages`, each once, and gives what they decode to in the order asked for. */
  async #read<T>(
    object: ObjectRanges,
    pages: readonly number[],
    sideBySide: number,
    rangeOf: (page: number) => Range,
    decode: (bytes: Uint8Array, page: number) => T,
    unwantedBytes?: number,
  ): Promise<T[]> {
    for (const page of pages) this.#checkPage(page);
    const wanted = [...new Set(pages)].toSorted((a, b) => a - b).map((page) => ({ page, range: rangeOf(page) }));
    // A page without vectors has no bytes of them: it must not draw a read to where they would be.
    const stored = wanted.filter(({ range }) => range.length > 0);
    const bytes = await object.readAll(
      stored.map(({ range }) => range),
      shareOfLimits(sideBySide, unwantedBytes),
    );
    const decoded = new Map<number, T>();
    for (const [i, { page }] of stored.entries()) decoded.set(page, decode(bytes[i] ?? new Uint8Array(0), page));
    for (const { page, range } of wanted) if (range.length === 0) decoded.set(page, decode(new Uint8Array(0), page));
    return pages.flatMap((page) => decoded.get(page) ?? []);
  }

  #vectorCount(page: number): number {
    return this.#places.vectorCounts[page] ?? 0;
  }

  #codesBytes(page: number): number {
    return codesPartBytes(this.#vectorCount(page), this.identity.subspaces);
  }

  #offset(page: number): number {
    return this.#places.recordOffsets[page] ?? 0;
  }

  #end(page: number): number {
    const { recordOffsets, recordsEnd } = this.#places;
    return page + 1 < this.pageCount ? (recordOffsets[page + 1] ?? 0) : recordsEnd;
  }

  /** Where the vectors of pages 0 to `last` begin: sums anew rather than hold 8 bytes for every page there is. */
  #vectorsOffsets(last: number): Float64Array {
    const end = Math.min(last + 1, this.pageCount);
    const offsets = new Float64Array(Number.isInteger(end) ? end : 0);
    let offset = HEADER_BYTES;
    for (let page = 0; page < offsets.length; page++) {
      offsets[page] = offset;
      offset += vectorsRecordBytes(this.#vectorCount(page), this.identity.dim);
    }
    return offsets;
  }

  #checkPage(page: number): void {
    if (Number.isInteger(page) && page >= 0 && page < this.pageCount) return;
    throw new MaxleafError("page_not_found", `segment ${this.id} has ${this.pageCount} pages; ${page} is none`);
  }
}

class StoredPageRecord implements PageRecord {
  readonly codes: PageCodes;
  readonly #stored: Uint8Array;
  readonly #decode: (bytes: Uint8Array) => PageLayout;

  constructor(codes: PageCodes, stored: Uint8Array, decode: (bytes: Uint8Array) => PageLayout) {
    this.codes = codes;
    this.#stored = stored;
    this.#decode = decode;
  }

  get layoutBytes(): number {
    return this.#stored.byteLength;
  }

  get layout(): PageLayout {
    return this.#decode(this.#stored);
  }
}

/** The vectors object of a segment, whose size follows from its pages, so that it need not be opened. */
export function vectorsObject(
  store: ObjectStore,
  key: { index: string; id: string },
  identity: SegmentIdentity,
  vectorCounts: Uint16Array | Uint32Array,
): ObjectRanges {
  let bytes = 0;
  for (const count of vectorCounts) bytes += vectorsRecordBytes(count, identity.dim);
  const size = containerBytes([bytes, encodeIdentity(identity).byteLength]);
  return new ObjectRanges(store, layout.vectors(key.index, key.id), size, `vectors of segment ${key.id}`);
}

/** Throws `corrupt_data` unless records in these places have room for their parts. */
export function checkPlaces(
  { pageCount, vectorCounts, recordOffsets, recordsEnd, identity }: Omit<RecordPlaces, "object" | "vectors" | "id">,
  what: string,
): void {
  let end = HEADER_BYTES;
  for (let page = 0; page < pageCount; page++) {
    const offset = recordOffsets[page] ?? 0;
    if (offset !== end && page === 0) throw corrupt(what, `its first record begins at ${offset}, not at ${end}`);
    if (offset < end) throw corrupt(what, `the record of page ${page} has no room for what it holds`);
    end = offset + codesPartBytes(vectorCounts[page] ?? 0, identity.subspaces) + MIN_LAYOUT_BYTES;
  }
  if (recordsEnd < end) throw corrupt(what, `its records end at ${recordsEnd}, before the last one's`);
}
