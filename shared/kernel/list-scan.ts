/**
 * Scores pages by the lists of the inverted file that a query probes (centroid pruning, as in PLAID and XTR).
 *
 * @module
 */
import { MaxleafError } from "../errors.ts";
import type { CellBlock } from "../format/inverted/contract.ts";
import { allocateAfter, releaseAll, type Kernel, type KernelCodebook } from "./kernel.ts";
import type { Region, RegionHolder } from "./memory.ts";
import { cellOf, type Probe } from "./probe.ts";

/** Tokens that may be counted (see assembly/lists.ts), over all calls of {@link ListScan.add}. */
const MAX_STAMP = 1_023;
/** Scores have this many upper bits of a page's word. */
const STAMP_BITS = 10;
/** Positions a list can name: gaps have at most four bytes. */
const MAX_PAGES = 2 ** 28;
const U32_BYTES = 4;
/** u32s that describe a list to the kernel. */
const LIST_WORDS = 4;

/** The bytes of one centroid's list, and where in kernel memory they were put. */
interface PlacedList {
  bytes: Uint8Array;
  offset: number;
}

/** A block taken apart. */
interface OpenBlock {
  firstCentroid: number;
  /** `[centroids + 1]` from the block's begin. */
  offsets: Uint32Array;
  bytes: Uint8Array;
}

/** Σ over tokens of (best probed centroid on the page − cutoff), for every page position of an inverted file. */
export class ListScan implements RegionHolder {
  readonly #kernel: Kernel;
  readonly #cellOffsets: Uint32Array;
  readonly #pageCount: number;
  /** u32 `[pageCount]`, padded with zeros: score, then the stamp of the token that counted the page last. */
  readonly #words: Region;
  #stamps = 0;

  /** 4 bytes a page. Errors: `overloaded`. */
  constructor(kernel: Kernel, codebook: KernelCodebook, pageCount: number) {
    if (pageCount > MAX_PAGES) {
      throw new MaxleafError("overloaded", `${pageCount} pages are more than the ${MAX_PAGES} that lists can name`);
    }
    this.#kernel = kernel;
    this.#cellOffsets = codebook.cells.offsets;
    this.#pageCount = pageCount;
    this.#words = kernel.memory.allocate(pageCount * U32_BYTES, "a query's page scores");
    kernel.memory.uint32(this.#words).fill(0);
  }

  /**
   * Scores every list that `probe` names and `blocks` have. All blocks of a probe belong in one call, in any order: a token
   * counts the best of its lists that holds a page. Cells without a block count as cut off.
   *
   * Errors: `corrupt_data` when a list leaves its block or names a page that is not there; `query_too_long` beyond 1,023
   * tokens; `overloaded`.
   */
  add(probe: Probe, blocks: readonly CellBlock[]): void {
    if (this.#stamps + probe.tokens.length > MAX_STAMP) {
      throw new MaxleafError("query_too_long", `lists can be scored for ${MAX_STAMP} tokens, not for more`);
    }
    const lists = this.#findLists(probe, blocks);
    const { memory } = this.#kernel;
    const bytes = [...lists.values()].reduce((sum, list) => sum + list.bytes.length, 0);
    // The kernel looks one byte ahead.
    const room = memory.allocate(bytes + 1, "a query's lists");
    const pairs = probe.tokens.reduce((sum, { centroids }) => sum + centroids.length, 0);
    const table = allocateAfter(memory, [room], pairs * LIST_WORDS * U32_BYTES, "a query's lists");
    try {
      this.#place(lists, room);
      this.#scan(probe, lists, table);
    } finally {
      releaseAll(memory, [room, table]);
    }
  }

  /**
   * Positions of the `limit` best pages of those on a list, best first, of equal ones the lower position first. `mask`
   * `[pageCount]`: 0 leaves a page out. Errors: `overloaded`.
   */
  topPositions(limit: number, mask?: Uint8Array): Int32Array {
    const { exports, memory } = this.#kernel;
    const kept = Math.min(limit, this.#pageCount);
    // Keys u64, then positions u32.
    const best = memory.allocate(kept * 3 * U32_BYTES, "a query's best pages");
    const held = [best];
    try {
      if (mask !== undefined) held.push(memory.allocate(mask.length, "a query's page mask"));
      const selected = held[1];
      if (selected !== undefined && mask !== undefined) memory.uint8(selected).set(mask);
      const positions = best.offset + kept * 2 * U32_BYTES;
      const pages = this.#pageCount;
      const found = exports.topPages(this.#words.offset, selected?.offset ?? 0, pages, kept, best.offset, positions);
      return memory.int32(best).slice(2 * kept, 2 * kept + found);
    } finally {
      releaseAll(memory, held);
    }
  }

  /** Bag units above the probe's `baseline`; 0 for a page on no list. */
  scoreOf(position: number): number {
    return (this.#kernel.memory.uint32(this.#words)[position] ?? 0) >>> STAMP_BITS;
  }

  /** `[pageCount]`, a copy, as {@link scoreOf}. For tests and small indexes. */
  scores(): Int32Array {
    return Int32Array.from(this.#kernel.memory.uint32(this.#words, this.#pageCount), (word) => word >>> STAMP_BITS);
  }

  release(): void {
    this.#kernel.memory.release(this.#words);
  }

  /** The lists of the probed centroids that `blocks` have, each once. */
  #findLists(probe: Probe, blocks: readonly CellBlock[]): Map<number, PlacedList> {
    const byCell = new Map(blocks.map((block) => [block.cell, this.#openBlock(block)]));
    const lists = new Map<number, PlacedList>();
    for (const { centroids } of probe.tokens) {
      for (const centroid of centroids) {
        if (lists.has(centroid)) continue;
        const block = byCell.get(cellOf(this.#cellOffsets, centroid));
        if (block === undefined) continue;
        const index = centroid - block.firstCentroid;
        lists.set(centroid, { bytes: block.bytes.subarray(block.offsets[index], block.offsets[index + 1]), offset: 0 });
      }
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

  #place(lists: Map<number, PlacedList>, room: Region): void {
    const bytes = this.#kernel.memory.uint8(room);
    let used = 0;
    for (const list of lists.values()) {
      bytes.set(list.bytes, used);
      list.offset = room.offset + used;
      used += list.bytes.length;
    }
  }

  /** Token after token, a token's best lists first. */
  #scan(probe: Probe, lists: ReadonlyMap<number, PlacedList>, table: Region): void {
    const { exports, memory } = this.#kernel;
    const words = memory.uint32(table);
    const scanned: number[] = [];
    for (const { centroids, scores, cutoff } of probe.tokens) {
      this.#stamps++;
      for (const [i, centroid] of centroids.entries()) {
        const list = lists.get(centroid);
        if (list === undefined) continue;
        const entry = scanned.push(centroid) - 1;
        words[entry * LIST_WORDS] = list.offset;
        words[entry * LIST_WORDS + 1] = list.offset + list.bytes.length;
        words[entry * LIST_WORDS + 2] = (((scores[i] ?? 0) - cutoff) << STAMP_BITS) | this.#stamps;
        words[entry * LIST_WORDS + 3] = 0;
      }
    }
    const wrong = exports.scanLists(table.offset, scanned.length, this.#words.offset, this.#pageCount);
    if (wrong === -1) return;
    throw new MaxleafError(
      "corrupt_data",
      `the list of centroid ${scanned[wrong]} breaks off or names a page beyond the ${this.#pageCount} of the inverted file`,
    );
  }
}
