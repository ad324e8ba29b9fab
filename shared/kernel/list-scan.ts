/**
 * Scores pages by the lists of the inverted file that a query probes (centroid pruning, as in PLAID and XTR).
 *
 * @module
 */
import { MaxleafError } from "../errors.ts";
import type { CellBlock } from "../format/inverted/contract.ts";
import { releaseAll, type Kernel, type KernelCodebook } from "./kernel.ts";
import type { Region, RegionHolder } from "./memory.ts";
import { cellOf, isGain, type Probe } from "./probe.ts";
import { LANE_GROUP, LANES } from "./query-block.ts";

/** Positions a list can name: gaps have at most four bytes. */
const MAX_PAGES = 2 ** 28;
const U32_BYTES = 4;
/** u32s that describe a list to the kernel. */
const LIST_WORDS = 4;
/** Pages of one range of the kernel's. */
const RANGE_PAGES = 8_192;
/** Pages that share a bound. */
export const BOUND_PAGES = 16;
export const MAX_SHORTEST = 255;
/** Positions that {@link ListScan.visitAbove} hands over at once, at most: few, for the floor rises with each visit. */
export const VISITED_PAGES = 128;
const ROOM_BYTES = VISITED_PAGES * U32_BYTES;
/** A floor below all lowered scores, and far enough from the least i32 for a penalty to be added. */
const LOWEST = -(2 ** 30);

/** The bytes of one centroid's list in its block, and which of the probe's centroids it is. */
interface ProbedList {
  row: number;
  block: OpenBlock;
  start: number;
  end: number;
}

/** A block taken apart. */
interface OpenBlock {
  firstCentroid: number;
  /** `[centroids + 1]` from the block's begin. */
  offsets: Uint32Array;
  bytes: Uint8Array;
}

/** Bounds on what their lengths take off the scores of pages. */
export interface PenaltyBounds {
  /** Of each {@link BOUND_PAGES} the number of vectors of the shortest, at most {@link MAX_SHORTEST}; pages without any do not count. */
  shortest: Uint8Array;
  /** `[256]`: what a page of 0, 1, … vectors loses, not less than 0 or than the one before. */
  penalties: Int32Array;
}

/** What one pass over the lists works with. */
interface BlockScan {
  lists: readonly ProbedList[];
  /** Where each list begins in kernel memory. */
  offsets: readonly number[];
  /** `[centroids, 32]` of the block of tokens. */
  gains: Uint8Array;
  /** Of the block. */
  tokens: number;
  /** Entries of the lists, then the gains. */
  table: Region;
  range: Region;
}

/** Σ over tokens of (best probed centroid on the page − cutoff), for every page position of an inverted file. */
export class ListScan implements RegionHolder {
  readonly #kernel: Kernel;
  readonly #cellOffsets: Uint32Array;
  readonly #pageCount: number;
  /** u32 `[pageCount]`, padded with zeros; whatever was there before until something was scanned. */
  readonly #scores: Region;
  #isScanned = false;

  /** 4 bytes a page. Errors: `overloaded`. */
  constructor(kernel: Kernel, codebook: KernelCodebook, pageCount: number) {
    if (pageCount > MAX_PAGES) {
      throw new MaxleafError("overloaded", `${pageCount} pages are more than the ${MAX_PAGES} that lists can name`);
    }
    this.#kernel = kernel;
    this.#cellOffsets = codebook.cells.offsets;
    this.#pageCount = pageCount;
    this.#scores = kernel.memory.allocate(pageCount * U32_BYTES, "a query's page scores");
  }

  /**
   * Scores every list that `probe` names and `blocks` have. All blocks of a probe belong in one call, in any order: a token
   * counts the best of its lists that holds a page. Cells without a block count as cut off.
   *
   * Errors: `corrupt_data` when a list leaves its block or names a page that is not there; `overloaded`.
   */
  add(probe: Probe, blocks: readonly CellBlock[]): void {
    const lists = this.#findLists(probe, blocks);
    const { memory } = this.#kernel;
    const bytes = lists.reduce((sum, { start, end }) => sum + end - start, 0);
    // The kernel looks one byte ahead.
    const room = memory.allocate(bytes + 1, "a query's lists");
    const held = [room];
    try {
      const tableBytes = lists.length * LIST_WORDS * U32_BYTES + probe.centroids.length * LANES;
      const table = memory.allocate(tableBytes, "a query's lists");
      held.push(table);
      const range = memory.allocate(RANGE_PAGES * LANES, "a range of pages");
      held.push(range);
      const offsets = this.#place(lists, room);
      for (const [block, gains] of probe.gains.entries()) {
        const tokens = Math.min(LANES, probe.tokenCount - block * LANES);
        this.#scan({ lists, offsets, gains, tokens, table, range });
      }
    } finally {
      releaseAll(memory, held);
    }
  }

  /**
   * Positions of the `limit` best pages of those on a list, best first, of equal ones the lower position first. `mask`
   * `[pageCount]`: 0 leaves a page out. Errors: `overloaded`.
   */
  topPositions(limit: number, mask?: Uint8Array): Int32Array {
    this.#clearUnscanned();
    const { exports, memory } = this.#kernel;
    const kept = Math.min(limit, this.#pageCount);
    // Keys u64, then positions u32.
    const best = memory.allocate(kept * 3 * U32_BYTES, "a query's best pages");
    const held = [best];
    try {
      const selected = this.#placeMask(mask, held);
      const positions = best.offset + kept * 2 * U32_BYTES;
      const pages = this.#pageCount;
      const found = exports.topPages(this.#scores.offset, selected, pages, kept, best.offset, positions);
      return memory.int32(best).slice(2 * kept, 2 * kept + found);
    } finally {
      releaseAll(memory, held);
    }
  }

  /**
   * Hands over the positions of the pages on a list that may score above a floor once their lengths are taken off: in ascending
   * order, some hundred at a time, with the scores of all pages. What `visit` returns is the floor from then on; it must allocate nothing in
   * the kernel. `mask` as in {@link topPositions}. Errors: `overloaded`.
   */
  visitAbove(
    { shortest, penalties }: PenaltyBounds,
    mask: Uint8Array | undefined,
    visit: (positions: Int32Array, scores: Uint32Array) => number,
  ): void {
    if (shortest.length < this.#pageCount / BOUND_PAGES || penalties.length <= MAX_SHORTEST) {
      throw new MaxleafError(
        "internal",
        `bounds of ${shortest.length} groups of pages do not cover ${this.#pageCount}`,
      );
    }
    this.#clearUnscanned();
    const { exports, memory } = this.#kernel;
    const held: Region[] = [];
    const allocate = (bytes: number): Region => {
      const region = memory.allocate(bytes, "a query's bounds of pages");
      held.push(region);
      return region;
    };
    try {
      const [groups, table, room] = [allocate(shortest.length), allocate(penalties.byteLength), allocate(ROOM_BYTES)];
      const selected = this.#placeMask(mask, held);
      memory.uint8(groups).set(shortest);
      memory.int32(table).set(penalties);
      const scores = memory.uint32(this.#scores, this.#pageCount);
      const positions = memory.int32(room);
      let floor = LOWEST;
      for (let first = 0; first < this.#pageCount;) {
        const found = exports.pagesAbove(
          this.#scores.offset,
          selected,
          groups.offset,
          table.offset,
          this.#pageCount,
          first,
          floor,
          VISITED_PAGES,
          room.offset,
        );
        if (found > 0) floor = Math.max(LOWEST, visit(positions.subarray(0, found), scores));
        if (found < VISITED_PAGES) return;
        first = (positions[found - 1] ?? this.#pageCount) + 1;
      }
    } finally {
      releaseAll(memory, held);
    }
  }

  /** Bag units above the probe's `baseline`; 0 for a page on no list. */
  scoreOf(position: number): number {
    this.#clearUnscanned();
    return this.#kernel.memory.uint32(this.#scores, this.#pageCount)[position] ?? 0;
  }

  /** `[pageCount]`, a copy, as {@link scoreOf}. For tests and small indexes. */
  scores(): Int32Array {
    this.#clearUnscanned();
    return Int32Array.from(this.#kernel.memory.uint32(this.#scores, this.#pageCount));
  }

  release(): void {
    this.#kernel.memory.release(this.#scores);
  }

  /** Where the kernel finds `mask`, whose memory joins `held`; null, which takes all pages, without one. */
  #placeMask(mask: Uint8Array | undefined, held: Region[]): number {
    if (mask === undefined) return 0;
    const { memory } = this.#kernel;
    const region = memory.allocate(mask.length, "a query's page mask");
    held.push(region);
    memory.uint8(region).set(mask);
    return region.offset;
  }

  /** As nothing was found: of a million pages clearing takes 0.2 ms, which a scan spares. */
  #clearUnscanned(): void {
    if (this.#isScanned) return;
    this.#kernel.memory.uint32(this.#scores).fill(0);
    this.#isScanned = true;
  }

  /** The lists of the probed centroids that `blocks` have, in the order of the centroids. */
  #findLists({ centroids }: Probe, blocks: readonly CellBlock[]): ProbedList[] {
    const byCell = new Map(blocks.map((block) => [block.cell, this.#openBlock(block)]));
    const lists: ProbedList[] = [];
    let block: OpenBlock | undefined;
    let cellEnd = 0;
    for (let row = 0; row < centroids.length; row++) {
      const centroid = centroids[row] ?? 0;
      if (centroid >= cellEnd) {
        const cell = cellOf(this.#cellOffsets, centroid);
        block = byCell.get(cell);
        cellEnd = this.#cellOffsets[cell + 1] ?? 0;
      }
      if (block === undefined) continue;
      const index = centroid - block.firstCentroid;
      lists.push({ row, block, start: block.offsets[index] ?? 0, end: block.offsets[index + 1] ?? 0 });
    }
    return lists;
  }

  #openBlock({ cell, bytes }: CellBlock): OpenBlock {
    const firstCentroid = this.#cellOffsets[cell] ?? 0;
    const count = (this.#cellOffsets[cell + 1] ?? 0) - firstCentroid;
    const tableBytes = count * U32_BYTES;
    if (tableBytes > bytes.length) {
      throw new MaxleafError("corrupt_data", `cell ${cell} has ${count} lists, its block ${bytes.length} bytes`);
    }
    const ends = new DataView(bytes.buffer, bytes.byteOffset, tableBytes);
    const offsets = new Uint32Array(count + 1).fill(tableBytes);
    for (let i = 0; i < count; i++) {
      const start = offsets[i] ?? 0;
      const end = tableBytes + ends.getUint32(i * U32_BYTES, true);
      if (end < start || end > bytes.length) {
        throw new MaxleafError(
          "corrupt_data",
          `list ${i} of cell ${cell} leaves the ${bytes.length} bytes of its block`,
        );
      }
      offsets[i + 1] = end;
    }
    return { firstCentroid, offsets, bytes };
  }

  /** Copies the lists one after the other, neighbours together. Where each begins. */
  #place(lists: readonly ProbedList[], room: Region): number[] {
    const bytes = this.#kernel.memory.uint8(room);
    const offsets: number[] = [];
    let used = 0;
    for (let i = 0; i < lists.length;) {
      const first = lists[i];
      if (first === undefined) break;
      let { end } = first;
      for (
        let next = lists[i];
        next?.block === first.block && (next === first || next.start === end);
        next = lists[i]
      ) {
        offsets.push(room.offset + used + next.start - first.start);
        end = next.end;
        i += 1;
      }
      bytes.set(first.block.bytes.subarray(first.start, end), used);
      used += end - first.start;
    }
    return offsets;
  }

  /** One block of tokens. */
  #scan({ lists, offsets, gains, tokens, table, range }: BlockScan): void {
    const { exports, memory } = this.#kernel;
    const words = memory.uint32(table);
    const rowBytes = tokens > LANE_GROUP ? LANES : LANE_GROUP;
    const firstRow = lists.length * LIST_WORDS * U32_BYTES;
    memory.uint8(table).set(gains, firstRow);
    const rows = new Uint32Array(gains.buffer, gains.byteOffset, gains.length / U32_BYTES);
    const scanned: number[] = [];
    for (const [i, { row, start, end }] of lists.entries()) {
      const offset = offsets[i];
      if (offset === undefined || !isGain(rows, row)) continue;
      const entry = (scanned.push(i) - 1) * LIST_WORDS;
      words[entry] = offset;
      words[entry + 1] = offset + end - start;
      words[entry + 2] = table.offset + firstRow + row * LANES;
      words[entry + 3] = 0;
    }
    const wrong = exports.scanLists(
      table.offset,
      scanned.length,
      rowBytes,
      range.offset,
      this.#scores.offset,
      this.#pageCount,
      this.#isScanned ? 0 : 1,
    );
    this.#isScanned = true;
    if (wrong === -1) return;
    throw new MaxleafError(
      "corrupt_data",
      `list ${scanned[wrong]} of a query breaks off or names a page beyond the ${this.#pageCount} of the inverted file`,
    );
  }
}
