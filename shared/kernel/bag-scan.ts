/**
 * Scores all pages of an index by their bags of centroids.
 *
 * @module
 */
import { allocateAfter, releaseAll, type Kernel, type KernelBags } from "./kernel.ts";
import type { Region, RegionHolder } from "./memory.ts";
import type { QueryTables } from "./query-tables.ts";

/** One segment to scan. */
export interface BagSelection {
  bags: KernelBags;
  /** `[pageCount]`: 0 leaves a page out. */
  selected: Uint8Array;
}

/** Adds up block after block: call {@link add} for each prepared block, then {@link scores}. */
export class BagScan implements RegionHolder {
  readonly #kernel: Kernel;
  readonly #segments: readonly BagSelection[];
  readonly #pageCount: number;
  /** u8 and i32, `[pageCount]` over all segments. */
  readonly #selected: Region;
  readonly #scores: Region;

  /** Errors: `overloaded`. */
  constructor(kernel: Kernel, segments: readonly BagSelection[]) {
    this.#kernel = kernel;
    this.#segments = segments;
    this.#pageCount = segments.reduce((sum, segment) => sum + segment.bags.pageCount, 0);
    const { memory } = kernel;
    this.#selected = memory.allocate(this.#pageCount, "a query's page mask");
    this.#scores = allocateAfter(memory, [this.#selected], this.#pageCount * 4, "a query's page scores");
    memory.int32(this.#scores).fill(0);
    const selected = memory.uint8(this.#selected);
    let first = 0;
    for (const segment of segments) {
      selected.set(segment.selected, first);
      first += segment.bags.pageCount;
    }
  }

  /** Adds the scores of the current block of tables of all centroids. */
  add(tables: QueryTables): void {
    const rows = tables.bagRowsOffset();
    const lanes = tables.lanes();
    let first = 0;
    for (const { bags } of this.#segments) {
      this.#kernel.exports.scanBags(
        bags.offsets.offset,
        bags.ids.offset,
        this.#selected.offset + first,
        0,
        bags.pageCount,
        lanes,
        rows,
        this.#scores.offset + first * 4,
      );
      first += bags.pageCount;
    }
  }

  /** `[pageCount]` over all segments, in units of the tables' `bagStep`; 0 for pages left out. A view: copy it to keep it. */
  scores(): Int32Array {
    return this.#kernel.memory.int32(this.#scores, this.#pageCount);
  }

  /** `[pageCount]` masks over all segments. A view, as {@link scores}. */
  selected(): Uint8Array {
    return this.#kernel.memory.uint8(this.#selected, this.#pageCount);
  }

  release(): void {
    releaseAll(this.#kernel.memory, [this.#selected, this.#scores]);
  }
}
