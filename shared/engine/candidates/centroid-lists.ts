/**
 * Lists of pages by centroid, cell by cell: those of an inverted file, read when a query wants them, or lists in memory.
 *
 * @module
 */
import type { Bags } from "../../format/contract.ts";
import type { CellBlock, CellExtent, InvertedFile } from "../../format/inverted/contract.ts";
import { fillParts, planLists } from "../../format/inverted/list-builder.ts";
import { MAX_INVERTED_PART_BYTES } from "../../limits.ts";
import type { ObjectStore } from "../../store/object-store.ts";
import type { CellCache } from "./cell-cache.ts";

/** Bytes between two cells that are read over rather than read apart: a sixth of a millisecond at 50 MB/s. */
export const CELL_GAP_BYTES = 8 * 1024;

/** Pages are numbered from 0 to `pageCount` − 1. */
export interface CentroidLists {
  readonly pageCount: number;
  /** Bytes of memory held. */
  readonly bytes: number;
  /**
   * Where a cell is read from, whether or not an earlier query left it in memory; undefined for lists that are always there.
   */
  extentOf(cell: number): CellExtent | undefined;
  /** Blocks of those `cells` that have a list, missing ones through `store`. Errors: those of reading. */
  read(cells: readonly number[], store: ObjectStore): Promise<CellBlock[]>;
}

/** The lists of some segments, pages numbered segment after segment. Throws `corrupt_data` for bags of another codebook. */
export async function listsOfBags(
  segments: readonly { id: string; bags: Bags }[],
  cellOffsets: Uint32Array,
): Promise<HeldLists> {
  const sources = segments.map(({ id, bags }) => ({ id, readBags: async () => bags }));
  const plan = await planLists(sources, cellOffsets, MAX_INVERTED_PART_BYTES);
  const filled = await fillParts(sources, plan, plan.parts);
  const blocks = plan.parts.flatMap((part, i) =>
    part.cells.map(({ offset, length }) => filled[i]?.subarray(offset, offset + length) ?? new Uint8Array(0)),
  );
  return new HeldLists(
    segments.reduce((sum, { bags }) => sum + bags.offsets.length - 1, 0),
    blocks.map((bytes, cell) => ({ cell, bytes })),
  );
}

/** All lists in memory. */
export class HeldLists implements CentroidLists {
  readonly pageCount: number;
  readonly bytes: number;
  readonly #blocks: ReadonlyMap<number, CellBlock>;

  constructor(pageCount: number, blocks: readonly CellBlock[]) {
    this.pageCount = pageCount;
    this.bytes = blocks.reduce((sum, { bytes }) => sum + bytes.byteLength, 0);
    this.#blocks = new Map(blocks.map((block) => [block.cell, block]));
  }

  extentOf(): undefined {
    return undefined;
  }

  async read(cells: readonly number[]): Promise<CellBlock[]> {
    return cells.flatMap((cell) => this.#blocks.get(cell) ?? []);
  }
}

/** Lists of an inverted file, which a query reads and the cache keeps for a while. */
export class StoredLists implements CentroidLists {
  readonly #file: InvertedFile;
  readonly #cache: CellCache;

  constructor(file: InvertedFile, cache: CellCache) {
    this.#file = file;
    this.#cache = cache;
  }

  get pageCount(): number {
    return this.#file.pageCount;
  }

  get bytes(): number {
    return 0;
  }

  extentOf(cell: number): CellExtent {
    return this.#file.cellExtent(cell);
  }

  async read(cells: readonly number[], store: ObjectStore): Promise<CellBlock[]> {
    const { id } = this.#file;
    const known = new Map(cells.flatMap((cell) => this.#cache.get(id, cell) ?? []).map((block) => [block.cell, block]));
    const file = this.#file.withStore(store);
    // Runs of all cells: what is known in the middle of one must not make two reads of it.
    const runs = runsOf(cells, (cell) => file.cellExtent(cell)).map((run) => run.filter((cell) => !known.has(cell)));
    const read = (
      await Promise.all(runs.map(async (run) => (run.length === 0 ? [] : await file.readCells(run))))
    ).flat();
    for (const block of read) this.#cache.set(id, block);
    return [...known.values(), ...read];
  }
}

/** `cells` in groups, one for each read that `chooseCells` counted: the file by itself reads over wider gaps. */
function runsOf(cells: readonly number[], extentOf: (cell: number) => CellExtent): number[][] {
  const runs: number[][] = [];
  let last: CellExtent | undefined;
  for (const cell of cells.toSorted((a, b) => a - b)) {
    const extent = extentOf(cell);
    const isNear = last?.part === extent.part && extent.offset - (last.offset + last.length) <= CELL_GAP_BYTES;
    if (isNear) runs.at(-1)?.push(cell);
    else runs.push([cell]);
    last = extent;
  }
  return runs;
}
