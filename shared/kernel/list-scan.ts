/**
 * Scores pages by the lists of the inverted file that a query probes (centroid pruning, as in PLAID and XTR).
 *
 * @module
 */
import { MaxleafError } from "../errors.ts";
import type { CellBlock } from "../format/inverted/contract.ts";
import { releaseAll, type Kernel, type KernelCodebook } from "./kernel.ts";
import type { Region, RegionHolder } from "./memory.ts";
import { cellOf, type Probe } from "./probe.ts";
import { LANE_GROUP, LANES } from "./query-block.ts";

/** Positions a list can name: gaps have at most four bytes. */
const MAX_PAGES = 2 ** 28;
const U32_BYTES = 4;
/** u32s that describe a list to the kernel. */
const LIST_WORDS = 4;
/** Pages of one range of the kernel's. */
const RANGE_PAGES = 8_192;
/** What a list gives to a token at most: rows are of u8. */
const MAX_GAIN = 255;

/** The bytes of one centroid's list, and what it gives: to the tokens `[32]` of each block. */
interface ProbedList {
  bytes: Uint8Array;
  gains: (Uint8Array | undefined)[];
}

/** A block taken apart. */
interface OpenBlock {
  firstCentroid: number;
  /** `[centroids + 1]` from the block's begin. */
  offsets: Uint32Array;
  bytes: Uint8Array;
}

/** What one pass over the lists works with. */
interface BlockScan {
  lists: readonly ProbedList[];
  /** Where each list begins in kernel memory. */
  offsets: readonly number[];
  block: number;
  /** Of the block. */
  tokens: number;
  /** Entries of the lists, then their rows. */
  table: Region;
  range: Region;
}

/** Σ over tokens of (best probed centroid on the page − cutoff), for every page position of an inverted file. */
export class ListScan implements RegionHolder {
  readonly #kernel: Kernel;
  readonly #cellOffsets: Uint32Array;
  readonly #pageCount: number;
  /** u32 `[pageCount]`, padded with zeros. */
  readonly #scores: Region;

  /** 4 bytes a page. Errors: `overloaded`. */
  constructor(kernel: Kernel, codebook: KernelCodebook, pageCount: number) {
    if (pageCount > MAX_PAGES) {
      throw new MaxleafError("overloaded", `${pageCount} pages are more than the ${MAX_PAGES} that lists can name`);
    }
    this.#kernel = kernel;
    this.#cellOffsets = codebook.cells.offsets;
    this.#pageCount = pageCount;
    this.#scores = kernel.memory.allocate(pageCount * U32_BYTES, "a query's page scores");
    kernel.memory.uint32(this.#scores).fill(0);
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
    const bytes = lists.reduce((sum, list) => sum + list.bytes.length, 0);
    // The kernel looks one byte ahead.
    const room = memory.allocate(bytes + 1, "a query's lists");
    const held = [room];
    try {
      const table = memory.allocate(lists.length * (LIST_WORDS * U32_BYTES + LANES), "a query's lists");
      held.push(table);
      const range = memory.allocate(RANGE_PAGES * LANES, "a range of pages");
      held.push(range);
      const offsets = this.#place(lists, room);
      const blockCount = Math.ceil(probe.tokens.length / LANES);
      for (let block = 0; block < blockCount; block++) {
        const tokens = Math.min(LANES, probe.tokens.length - block * LANES);
        this.#scan({ lists, offsets, block, tokens, table, range });
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
      const found = exports.topPages(this.#scores.offset, selected?.offset ?? 0, pages, kept, best.offset, positions);
      return memory.int32(best).slice(2 * kept, 2 * kept + found);
    } finally {
      releaseAll(memory, held);
    }
  }

  /** Bag units above the probe's `baseline`; 0 for a page on no list. */
  scoreOf(position: number): number {
    return this.#kernel.memory.uint32(this.#scores)[position] ?? 0;
  }

  /** `[pageCount]`, a copy, as {@link scoreOf}. For tests and small indexes. */
  scores(): Int32Array {
    return Int32Array.from(this.#kernel.memory.uint32(this.#scores, this.#pageCount));
  }

  release(): void {
    this.#kernel.memory.release(this.#scores);
  }

  /** The lists of the probed centroids that `blocks` have, each once, with what every token has of them. */
  #findLists(probe: Probe, blocks: readonly CellBlock[]): ProbedList[] {
    const byCell = new Map(blocks.map((block) => [block.cell, this.#openBlock(block)]));
    const lists = new Map<number, ProbedList | undefined>();
    for (const [token, { centroids, scores, cutoff }] of probe.tokens.entries()) {
      for (const [i, centroid] of centroids.entries()) {
        if (!lists.has(centroid)) lists.set(centroid, this.#listOf(centroid, byCell));
        const list = lists.get(centroid);
        if (list === undefined) continue;
        const gains = (list.gains[Math.floor(token / LANES)] ??= new Uint8Array(LANES));
        gains[token % LANES] = Math.min(MAX_GAIN, (scores[i] ?? 0) - cutoff);
      }
    }
    return [...lists.values()].filter((list) => list !== undefined);
  }

  #listOf(centroid: number, byCell: ReadonlyMap<number, OpenBlock>): ProbedList | undefined {
    const block = byCell.get(cellOf(this.#cellOffsets, centroid));
    if (block === undefined) return undefined;
    const index = centroid - block.firstCentroid;
    return { bytes: block.bytes.subarray(block.offsets[index], block.offsets[index + 1]), gains: [] };
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

  /** Copies the lists one after the other. Where each begins. */
  #place(lists: readonly ProbedList[], room: Region): number[] {
    const bytes = this.#kernel.memory.uint8(room);
    let used = 0;
    return lists.map((list) => {
      const offset = room.offset + used;
      bytes.set(list.bytes, used);
      used += list.bytes.length;
      return offset;
    });
  }

  /** One block of tokens. */
  #scan({ lists, offsets, block, tokens, table, range }: BlockScan): void {
    const { exports, memory } = this.#kernel;
    const words = memory.uint32(table);
    const bytes = memory.uint8(table);
    const rowBytes = tokens > LANE_GROUP ? LANES : LANE_GROUP;
    const firstRow = lists.length * LIST_WORDS * U32_BYTES;
    const scanned: number[] = [];
    for (const [i, list] of lists.entries()) {
      const gains = list.gains[block];
      const offset = offsets[i];
      if (gains === undefined || offset === undefined) continue;
      const entry = scanned.push(i) - 1;
      const row = firstRow + entry * LANES;
      bytes.set(gains, row);
      words[entry * LIST_WORDS] = offset;
      words[entry * LIST_WORDS + 1] = offset + list.bytes.length;
      words[entry * LIST_WORDS + 2] = table.offset + row;
      words[entry * LIST_WORDS + 3] = 0;
    }
    const wrong = exports.scanLists(
      table.offset,
      scanned.length,
      rowBytes,
      range.offset,
      this.#scores.offset,
      this.#pageCount,
    );
    if (wrong === -1) return;
    throw new MaxleafError(
      "corrupt_data",
      `list ${scanned[wrong]} of a query breaks off or names a page beyond the ${this.#pageCount} of the inverted file`,
    );
  }
}
