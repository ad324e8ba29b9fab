/**
 * The reads of one request.
 *
 * @module
 */
import type { PageRecords } from "../format/contract.ts";
import type { ObjectStore } from "../store/object-store.ts";
import { type RequestCounts, RequestStore, type RequestStoreOptions } from "../store/request-store.ts";
import type { LiveSegment } from "./snapshot.ts";

export interface ReadSessionOptions extends RequestStoreOptions {
  /** Bytes between page records that a read may take in; undefined: as many as reads are worth. */
  unwantedBytes?: number | undefined;
}

export class ReadSession {
  readonly unwantedBytes: number | undefined;
  /** Records that needed no read. */
  cacheHits = 0;
  /** Counts and bounds the request's reads: everything that the request reads goes through it. */
  readonly store: RequestStore;
  readonly #readers = new Map<LiveSegment, PageRecords>();

  constructor(store: ObjectStore, { unwantedBytes, ...options }: ReadSessionOptions = {}) {
    this.unwantedBytes = unwantedBytes;
    this.store = new RequestStore(store, options);
  }

  /** The records of `segment`, through this request's store. */
  reader(segment: LiveSegment): PageRecords {
    const known = this.#readers.get(segment);
    if (known !== undefined) return known;
    const reader = segment.reader.withStore(this.store);
    this.#readers.set(segment, reader);
    return reader;
  }

  get counts(): RequestCounts & { cacheHits: number } {
    return { ...this.store.counts, cacheHits: this.cacheHits };
  }
}
