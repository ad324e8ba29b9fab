/**
 * Page records that were read lately, kept in what the resident state leaves of the memory budget.
 *
 * Only finished records are shared between requests: a request must not wait for the reads of another one, which workerd
 * may cancel at any time. Two cold requests for the same page read it twice.
 *
 * All kinds of records share one list: every query uses some pages' codes, fewer pages' exact vectors and the layouts of
 * what it shows, so what the last queries used is what is kept, in the proportions they used it.
 *
 * @module
 */
import { MaxleafError } from "../errors.ts";
import type { PageCodes, PageLayout, PageRecord, PageRecords, PageVectors } from "../format/contract.ts";
import { checkCentroidIds } from "../kernel/kernel.ts";
import type { HeldRecord, MemoryBudget, RecordOwner } from "./memory-budget.ts";
import type { ReadSession } from "./read-session.ts";
import type { LiveSegment } from "./snapshot.ts";

/** A page by its segment. */
export interface PageRef {
  readonly segment: LiveSegment;
  readonly page: number;
}

const KINDS = ["codes", "vectors", "layout", "record"] as const satisfies readonly (keyof HeldRecord)[];
type Kind = (typeof KINDS)[number];

/** Where a record may be found. */
interface RecordPlace<T> {
  kind: Kind;
  take: (held: HeldRecord) => T | undefined;
  /** Taking it costs something, so that what was taken is kept as well. */
  decodes?: true;
}

/** Pages of one segment that are read while others are read of `sideBySide - 1` other segments. */
interface WantedPages {
  pages: readonly number[];
  segment: LiveSegment;
  sideBySide: number;
  unwantedBytes: number | undefined;
}

/** How one kind of records is read and kept. */
interface RecordKind<T> {
  kind: Kind;
  bytesOf: (record: T) => number;
  hold: (record: T) => HeldRecord;
  /** The likeliest first. */
  places: readonly RecordPlace<T>[];
  /** Reads by a reader that counts for the request. */
  load: (reader: PageRecords, wanted: WantedPages) => Promise<T[]>;
}

/** Records of one kind. */
export class RecordCache<T extends object> {
  readonly #kind: RecordKind<T>;
  readonly #caches: RecordCaches;

  constructor(caches: RecordCaches, kind: RecordKind<T>) {
    this.#caches = caches;
    this.#kind = kind;
  }

  /**
   * The records of `pages`, in their order. All missing ones are asked for at once, neighbours in one read.
   *
   * @param heldFor what the request itself holds of a page. May decode: it is asked only for what is not at hand.
   */
  async read<P extends PageRef>(
    pages: readonly P[],
    session: ReadSession,
    heldFor: (page: P) => T | undefined = () => undefined,
  ): Promise<T[]> {
    const records: (T | undefined)[] = [];
    /** By segment and page, the places in `records` that wait for it. */
    const missing = new Map<LiveSegment, Map<number, number[]>>();
    // Kernel memory may have grown since records were last kept.
    this.#caches.budget.shrink();
    for (const [place, ref] of pages.entries()) {
      const record = this.#atHand(ref, session, heldFor);
      records.push(record);
      if (record !== undefined) continue;
      const ofSegment = entryOf(missing, ref.segment, () => new Map<number, number[]>());
      entryOf(ofSegment, ref.page, () => []).push(place);
    }
    await Promise.all(
      Array.from(missing, async ([segment, wanted]) => {
        const numbers = [...wanted.keys()];
        const loaded = await this.#kind.load(session.reader(segment), {
          pages: numbers,
          segment,
          sideBySide: missing.size,
          unwantedBytes: session.unwantedBytes,
        });
        for (const [i, record] of loaded.entries()) {
          const page = numbers[i] ?? 0;
          this.#keep(segment, page, record);
          for (const place of wanted.get(page) ?? []) records[place] = record;
        }
      }),
    );
    return records.map((record, place) => {
      if (record !== undefined) return record;
      const { segment, page } = pages[place] ?? {};
      throw new MaxleafError("internal", `segment ${segment?.reader.id} gave no record for page ${page}`);
    });
  }

  /** What need not be read. */
  #atHand<P extends PageRef>(ref: P, session: ReadSession, heldFor: (page: P) => T | undefined): T | undefined {
    const ready = this.#find(ref, "ready");
    const held = ready === undefined ? heldFor(ref) : undefined;
    const record = ready ?? held ?? this.#find(ref, "decoding");
    if (record === undefined) return undefined;
    if (ready === undefined) this.#keep(ref.segment, ref.page, record);
    if (held === undefined) session.cacheHits += 1;
    return record;
  }

  /** From the places that give it as it is, or from those that decode it. */
  #find({ segment, page }: PageRef, places: "ready" | "decoding"): T | undefined {
    for (const { kind, take, decodes } of this.#kind.places) {
      if ((decodes === true) !== (places === "decoding")) continue;
      const held = this.#caches.budget.get(this.#caches.keyOf(kind, segment, page));
      const record = held === undefined ? undefined : take(held);
      if (record !== undefined) return record;
    }
    return undefined;
  }

  #keep(segment: LiveSegment, page: number, record: T): void {
    const { kind, hold, bytesOf } = this.#kind;
    this.#caches.budget.set(this.#caches.keyOf(kind, segment, page), hold(record), bytesOf(record), this.#caches);
  }
}

function entryOf<K, V>(map: Map<K, V>, key: K, create: () => V): V {
  const known = map.get(key);
  if (known !== undefined) return known;
  const created = create();
  map.set(key, created);
  return created;
}

/** The records of one index, sharing `budget` with whatever else is opened. */
export class RecordCaches implements RecordOwner {
  readonly budget: MemoryBudget;
  readonly codes: RecordCache<PageCodes>;
  readonly vectors: RecordCache<PageVectors>;
  readonly layouts: RecordCache<PageLayout>;
  /** Codes and layouts, read in one range. */
  readonly records: RecordCache<PageRecord>;
  /** Bytes of this index's records that are held now. */
  heldBytes = 0;
  /** By segment id, which copied indexes share, but not these. */
  readonly #firstKeys = new Map<string, number>();

  constructor(budget: MemoryBudget) {
    this.budget = budget;
    this.codes = new RecordCache<PageCodes>(this, {
      kind: "codes",
      bytesOf: codesBytes,
      hold: (codes) => ({ codes }),
      places: [
        { kind: "codes", take: (held) => held.codes },
        { kind: "record", take: (held) => held.record?.codes },
      ],
      load: async (reader, { pages, segment, sideBySide }) => {
        const records = await reader.readCodes(pages, sideBySide);
        // Once, when a record is read: scoring trusts it from then on.
        for (const record of records) checkCentroidIds(record.centroidIds, segment.centroidCount);
        return records;
      },
    });
    this.records = new RecordCache<PageRecord>(this, {
      kind: "record",
      bytesOf: ({ codes, layoutBytes }) => codesBytes(codes) + layoutBytes,
      hold: (record) => ({ record }),
      places: [{ kind: "record", take: (held) => held.record }],
      load: async (reader, { pages, segment, sideBySide, unwantedBytes }) => {
        const records = await reader.readRecords(pages, sideBySide, unwantedBytes);
        for (const { codes } of records) checkCentroidIds(codes.centroidIds, segment.centroidCount);
        return records;
      },
    });
    this.vectors = new RecordCache<PageVectors>(this, {
      kind: "vectors",
      bytesOf: ({ scales, values }) => scales.byteLength + values.byteLength,
      hold: (vectors) => ({ vectors }),
      places: [{ kind: "vectors", take: (held) => held.vectors }],
      load: (reader, { pages, sideBySide }) => reader.readVectors(pages, sideBySide),
    });
    this.layouts = new RecordCache<PageLayout>(this, {
      kind: "layout",
      bytesOf: layoutBytes,
      hold: (layout) => ({ layout }),
      places: [
        { kind: "layout", take: (held) => held.layout },
        { kind: "record", take: (held) => held.record?.layout, decodes: true },
      ],
      load: (reader, { pages, sideBySide }) => reader.readLayouts(pages, sideBySide),
    });
  }

  keyOf(kind: Kind, segment: LiveSegment, page: number): number {
    const { id, pageCount } = segment.reader;
    let first = this.#firstKeys.get(id);
    if (first === undefined) {
      first = this.budget.takeKeys(pageCount * KINDS.length);
      this.#firstKeys.set(id, first);
    }
    return first + page * KINDS.length + KINDS.indexOf(kind);
  }

  /** Drops everything of this index. */
  clear(): void {
    this.budget.clear(this);
  }
}

function codesBytes({ centroidIds, codes }: PageCodes): number {
  return centroidIds.byteLength + codes.byteLength;
}

function layoutBytes({ geometry, text, document }: PageLayout): number {
  let chars = text.length + document.name.length + document.revision.length;
  for (const [field, value] of Object.entries(document.metadata)) chars += field.length + value.length;
  return geometry.boxes.byteLength + geometry.regionOfVector.byteLength + 2 * chars;
}
