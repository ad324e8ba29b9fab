/**
 * Pages that a filter lets through.
 *
 * @module
 */
import type { SearchFilter } from "./contract.ts";
import type { LiveSegment } from "./snapshot.ts";

/** Pages that may be returned, for every scanned segment of a snapshot. */
export interface PageSelection {
  /** One mask `[pages]` per segment of `snapshot.scanned`. Shared with the snapshot: not to be written to. */
  masks: ReadonlyMap<LiveSegment, Uint8Array>;
  pageCount: number;
}

/** Selections kept of a snapshot whose document tables have to be read: a megabyte each at a million pages. Ours. */
const MAX_KEPT_SELECTIONS = 4;

/** The selections of the last few filters of one snapshot. */
export class SelectionCache {
  readonly #selections = new Map<string, PageSelection>();

  get bytes(): number {
    let bytes = 0;
    for (const { masks } of this.#selections.values()) {
      for (const mask of masks.values()) bytes += mask.byteLength;
    }
    return bytes;
  }

  get(filter: SearchFilter): PageSelection | undefined {
    return this.#selections.get(JSON.stringify(filter));
  }

  set(filter: SearchFilter, selection: PageSelection): void {
    const [oldest] = this.#selections.keys();
    if (oldest !== undefined && this.#selections.size >= MAX_KEPT_SELECTIONS) this.#selections.delete(oldest);
    this.#selections.set(JSON.stringify(filter), selection);
  }
}
