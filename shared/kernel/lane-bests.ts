/**
 * The best of many rows for each token of a block, merged piece by piece.
 *
 * @module
 */
import { allocateAfter, releaseAll, type Kernel } from "./kernel.ts";
import type { Region, RegionHolder } from "./memory.ts";
import { LANES } from "./query-block.ts";

/** Marks a place that no row filled; a row of this score is never kept. */
const EMPTY = -128;

/** Ids and scores of one token, best first. */
export interface LaneBest {
  ids: Uint16Array;
  scores: Int8Array;
}

export class LaneBests implements RegionHolder {
  readonly #kernel: Kernel;
  readonly #limit: number;
  /** i8 `[32, limit]`, u16 `[32, limit]`, i8 `[32]`. */
  readonly #scores: Region;
  readonly #ids: Region;
  readonly #last: Region;

  /** Keeps the `limit` best a token. Errors: `overloaded`. */
  constructor(kernel: Kernel, limit: number) {
    const { memory } = kernel;
    this.#kernel = kernel;
    this.#limit = limit;
    this.#scores = memory.allocate(LANES * limit, "a query's probes");
    this.#ids = allocateAfter(memory, [this.#scores], LANES * limit * 2, "a query's probes");
    this.#last = allocateAfter(memory, [this.#scores, this.#ids], LANES, "a query's probes");
    memory.int8(this.#scores).fill(EMPTY);
    memory.int8(this.#last).fill(EMPTY);
  }

  /** Merges the int8 rows `[count, 32]` at pointer `rows`, of the ids `firstId` …, for the first `tokenCount` lanes. */
  merge(rows: number, firstId: number, count: number, tokenCount: number): void {
    const { exports } = this.#kernel;
    const limit = this.#limit;
    const { offset } = this.#scores;
    exports.keepBestRows(rows, firstId, count, tokenCount, limit, offset, this.#ids.offset, this.#last.offset);
  }

  /** At most `limit`; of equal scores the one merged first comes first. Copies. */
  best(lane: number): LaneBest {
    const { memory } = this.#kernel;
    const first = lane * this.#limit;
    const scores = memory.int8(this.#scores).slice(first, first + this.#limit);
    const empty = scores.indexOf(EMPTY);
    const count = empty === -1 ? scores.length : empty;
    return { scores: scores.slice(0, count), ids: memory.uint16(this.#ids).slice(first, first + count) };
  }

  release(): void {
    releaseAll(this.#kernel.memory, [this.#scores, this.#ids, this.#last]);
  }
}
