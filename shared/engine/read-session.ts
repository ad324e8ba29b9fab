/**
 * The reads of one request, counted.
 *
 * @module
 */
import type { SegmentReader } from "../format/contract.ts";
import { CountingStore } from "../store/counting-store.ts";
import type { ObjectStore } from "../store/object-store.ts";
import type { LiveSegment } from "./snapshot.ts";

export class ReadSession {
  /** Records that needed no read. */
  cacheHits = 0;
  readonly #store: CountingStore;
  readonly #readers = new Map<LiveSegment, SegmentReader>();

  constructor(store: ObjectStore) {
    this.#store = new CountingStore(store);
  }

  /** The segment's reader, counting for this request. */
  reader(segment: LiveSegment): SegmentReader {
    const known = this.#readers.get(segment);
    if (known !== undefined) return known;
    const reader = segment.reader.withStore(this.#store);
    this.#readers.set(segment, reader);
    return reader;
  }

  get counts(): { reads: number; bytesRead: number; serialReadWaves: number; cacheHits: number } {
    const { gets, bytesRead, serialReadWaves } = this.#store.counts;
    return { reads: gets, bytesRead, serialReadWaves, cacheHits: this.cacheHits };
  }
}
