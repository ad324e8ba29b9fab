/**
 * The memory that opened indexes may use, all of an isolate together: what stays resident, reads in flight, and in what they
 * leave, page records that were read lately.
 *
 * @module
 */
import { LRUCache } from "lru-cache";
import type { PageCodes, PageLayout, PageRecord, PageVectors } from "../format/contract.ts";
import type { CellBlock } from "../format/inverted/contract.ts";

/** Held by an entry besides its arrays: key, list links and object headers. */
const ENTRY_OVERHEAD_BYTES = 400;

/** Something that stays in memory as long as it is in use. */
export interface Resident {
  /** Now: it may grow and shrink. */
  readonly residentBytes: number;
}

/** Counts what is held of its records. */
export interface RecordOwner {
  heldBytes: number;
}

/** One part of one page, the lists of a cell, or a block of terms. */
export interface HeldRecord {
  codes?: PageCodes;
  vectors?: PageVectors;
  layout?: PageLayout;
  record?: PageRecord;
  /** Lists of one cell of centroids. */
  block?: CellBlock;
  /** Terms and their postings. */
  terms?: Uint8Array;
}

interface Entry {
  held: HeldRecord;
  owner: RecordOwner;
  bytes: number;
}

/**
 * Records are dropped, the least recently used first, before they, the residents and reads in flight pass the limit together.
 * Residents and reads themselves are never refused here: who opens them plans for the limit (`planner/`), and kernel memory has
 * its own.
 */
export class MemoryBudget {
  readonly limitBytes: number;
  readonly #residents = new Set<Resident>();
  #nextKey = 0;
  readonly #records: LRUCache<string | number, Entry>;
  #readBytes = 0;

  constructor(limitBytes: number) {
    this.limitBytes = limitBytes;
    this.#records = new LRUCache<string | number, Entry>({
      // lru-cache takes no limit of 0. The limit that counts is in #makeRoom.
      maxSize: Math.max(1, Math.floor(limitBytes)),
      sizeCalculation: ({ bytes }) => bytes,
      dispose: ({ owner, bytes }) => {
        owner.heldBytes -= bytes;
      },
    });
  }

  get residentBytes(): number {
    let bytes = 0;
    for (const resident of this.#residents) bytes += resident.residentBytes;
    return bytes;
  }

  get recordBytes(): number {
    return this.#records.calculatedSize;
  }

  /** Bytes of reads in flight. */
  get readBytes(): number {
    return this.#readBytes;
  }

  /** Counts a read of `bytes` until what is returned is called, and drops records until all fits again. */
  reserve(bytes: number): () => void {
    this.#readBytes += bytes;
    this.shrink();
    let isOver = false;
    return () => {
      if (!isOver) this.#readBytes -= bytes;
      isOver = true;
    };
  }

  /** Counts `resident` from now on, and drops records until all fits again. */
  add(resident: Resident): void {
    this.#residents.add(resident);
    this.shrink();
  }

  remove(resident: Resident): void {
    this.#residents.delete(resident);
  }

  /** Drops records until they fit beside the residents, which have grown. */
  shrink(): void {
    this.#makeRoom(0);
  }

  /** The first of `count` keys that are numbers and nobody else's: they are found three times as fast as strings made of names. */
  takeKeys(count: number): number {
    const first = this.#nextKey;
    this.#nextKey += count;
    return first;
  }

  get(key: string | number): HeldRecord | undefined {
    return this.#records.get(key)?.held;
  }

  /** Keeps `held`, whose arrays and strings have `bytes`, if it fits at all. */
  set(key: string | number, held: HeldRecord, bytes: number, owner: RecordOwner): void {
    const entry: Entry = { held, owner, bytes: bytes + ENTRY_OVERHEAD_BYTES };
    this.#records.delete(key);
    if (!this.#makeRoom(entry.bytes)) return;
    owner.heldBytes += entry.bytes;
    this.#records.set(key, entry);
  }

  /** Drops all records of `owner`. */
  clear(owner: RecordOwner): void {
    const keys = Array.from(this.#records.entries()).flatMap(([key, entry]) => (entry.owner === owner ? key : []));
    for (const key of keys) this.#records.delete(key);
  }

  /** False when `bytes` more than the present records do not fit even without them. */
  #makeRoom(bytes: number): boolean {
    const roomBytes = this.limitBytes - this.residentBytes - this.#readBytes;
    while (this.#records.size > 0 && this.#records.calculatedSize + bytes > roomBytes) this.#records.pop();
    return bytes <= roomBytes;
  }
}
