/**
 * Page records that were read lately, kept by bytes.
 *
 * Only finished records are shared between requests: a request must not wait for the reads of another one, which workerd
 * may cancel at any time. Two cold requests for the same page read it twice.
 *
 * @module
 */
import { LRUCache } from "lru-cache";
import { MaxleafError } from "../errors.ts";
import type { PageCodes, PageLayout, PageVectors, SegmentReader } from "../format/contract.ts";
import { checkCentroidIds } from "../kernel/kernel.ts";
import type { ReadSession } from "./read-session.ts";
import type { LiveSegment } from "./snapshot.ts";

/** An eighth of an isolate: with a few hundred pages' codes and exact vectors it holds what a run of searches returns to. */
export const DEFAULT_CACHE_BYTES = 16 * 1024 * 1024;

/**
 * Shares of the cache, in eighths. A page is about 12 KB of codes, 84 KB of exact vectors, 8 KB of geometry and text; every
 * query scores four times as many pages by codes as by vectors, so the two get the same number of pages per query.
 */
const SHARE_UNIT = 1 / 8;
const CODES_SHARE = 3 * SHARE_UNIT;
const VECTORS_SHARE = 4 * SHARE_UNIT;
const LAYOUT_SHARE = SHARE_UNIT;

/** Held by an entry besides its arrays: key, list links and object headers. */
const ENTRY_OVERHEAD_BYTES = 400;

/** A page by its segment. */
export interface PageRef {
  readonly segment: LiveSegment;
  readonly page: number;
}

/** Reads records by a reader that counts for the request; `segment` is where they belong. */
type LoadRecords<T> = (reader: SegmentReader, pages: readonly number[], segment: LiveSegment) => Promise<T[]>;

/** Records of one kind. */
export class RecordCache<T extends object> {
  readonly #records: LRUCache<string, T>;
  readonly #load: LoadRecords<T>;

  constructor(maxBytes: number, bytesOf: (record: T) => number, load: LoadRecords<T>) {
    this.#load = load;
    this.#records = new LRUCache<string, T>({
      // lru-cache takes no limit of 0.
      maxSize: Math.max(1, Math.floor(maxBytes)),
      sizeCalculation: (record) => bytesOf(record) + ENTRY_OVERHEAD_BYTES,
    });
  }

  get heldBytes(): number {
    return this.#records.calculatedSize;
  }

  /** The records of `pages`, in their order. All missing ones are asked for at once, neighbours in one read. */
  async read(pages: readonly PageRef[], session: ReadSession): Promise<T[]> {
    const found = new Map<string, T>();
    const missing = new Map<LiveSegment, number[]>();
    for (const { segment, page } of pages) {
      const key = keyOf(segment, page);
      const record = this.#records.get(key);
      if (record !== undefined) {
        found.set(key, record);
        session.cacheHits += 1;
        continue;
      }
      const wanted = missing.get(segment);
      if (wanted === undefined) missing.set(segment, [page]);
      else wanted.push(page);
    }
    await Promise.all(
      Array.from(missing, async ([segment, wanted]) => {
        const records = await this.#load(session.reader(segment), wanted, segment);
        for (const [i, record] of records.entries()) {
          const key = keyOf(segment, wanted[i] ?? 0);
          this.#records.set(key, record);
          found.set(key, record);
        }
      }),
    );
    return pages.map(({ segment, page }) => {
      const record = found.get(keyOf(segment, page));
      if (record !== undefined) return record;
      throw new MaxleafError("internal", `segment ${segment.reader.id} gave no record for page ${page}`);
    });
  }

  clear(): void {
    this.#records.clear();
  }
}

function keyOf(segment: LiveSegment, page: number): string {
  return `${segment.reader.id}/${page}`;
}

/** The caches of one index, sharing `maxBytes`. */
export class RecordCaches {
  readonly codes: RecordCache<PageCodes>;
  readonly vectors: RecordCache<PageVectors>;
  readonly layouts: RecordCache<PageLayout>;

  constructor(maxBytes: number) {
    this.codes = new RecordCache<PageCodes>(
      maxBytes * CODES_SHARE,
      ({ centroidIds, codes }) => centroidIds.byteLength + codes.byteLength,
      async (reader, pages, segment) => {
        const records = await reader.readCodes(pages);
        // Once, when a record is read: scoring trusts it from then on.
        for (const record of records) checkCentroidIds(record.centroidIds, segment.centroidCount);
        return records;
      },
    );
    this.vectors = new RecordCache<PageVectors>(
      maxBytes * VECTORS_SHARE,
      ({ scales, values }) => scales.byteLength + values.byteLength,
      (reader, pages) => reader.readVectors(pages),
    );
    this.layouts = new RecordCache<PageLayout>(maxBytes * LAYOUT_SHARE, layoutBytes, (reader, pages) =>
      reader.readLayouts(pages),
    );
  }

  get heldBytes(): number {
    return this.codes.heldBytes + this.vectors.heldBytes + this.layouts.heldBytes;
  }

  clear(): void {
    for (const cache of [this.codes, this.vectors, this.layouts]) cache.clear();
  }
}

function layoutBytes({ geometry, text }: PageLayout): number {
  return geometry.boxes.byteLength + geometry.regionOfVector.byteLength + 2 * text.length;
}
