/**
 * Reads blocks of a lexical index from the objects that they lie in.
 *
 * @module
 */
import type { ObjectStore } from "../../store/object-store.ts";
import { checkRecord } from "../container.ts";
import { type ObjectRanges, shareOfLimits } from "../range-reads.ts";
import type { LexicalIndex } from "./contract.ts";
import type { BlockExtent, LexicalTable } from "./table.ts";

/** An object, and where in it a part begins. */
export interface StoredPart {
  object: ObjectRanges;
  offset: number;
}

export class StoredLexicalIndex implements LexicalIndex {
  readonly id: string;
  readonly #table: LexicalTable;
  readonly #parts: readonly StoredPart[];

  constructor(id: string, table: LexicalTable, parts: readonly StoredPart[]) {
    this.id = id;
    this.#table = table;
    this.#parts = parts;
  }

  get pageCount(): number {
    return this.#table.lengths.length;
  }

  get blockCount(): number {
    return this.#table.blockCount;
  }

  get lengths(): Uint16Array {
    return this.#table.lengths;
  }

  get bytes(): number {
    return this.#table.bytes;
  }

  withStore(store: ObjectStore): LexicalIndex {
    const parts = this.#parts.map(({ object, offset }) => ({ object: object.withStore(store), offset }));
    return new StoredLexicalIndex(this.id, this.#table, parts);
  }

  blockOf(hash: bigint): number | undefined {
    return this.#table.blockOf(hash);
  }

  blockBytes(block: number): number {
    return this.#table.extentOf(block).length;
  }

  async readBlocks(blocks: readonly number[], sideBySide = 1): Promise<Uint8Array[]> {
    const wanted = [...new Set(blocks)]
      .toSorted((a, b) => a - b)
      .map((block) => ({ block, ...this.#table.extentOf(block) }));
    const parts = Map.groupBy(wanted, ({ part }) => part);
    const read = await Promise.all(
      Array.from(parts, async ([part, ofPart]) => await this.#readPart(part, ofPart, sideBySide * parts.size)),
    );
    const found = new Map(read.flat());
    return blocks.flatMap((block) => found.get(block) ?? []);
  }

  async #readPart(
    part: number,
    wanted: readonly (BlockExtent & { block: number })[],
    sideBySide: number,
  ): Promise<[number, Uint8Array][]> {
    const stored = this.#parts[part];
    if (stored === undefined) throw new RangeError(`there is no part ${part}`);
    const { object, offset: start } = stored;
    const ranges = wanted.map(({ offset, length }) => ({ offset: start + offset, length }));
    const blocks = await object.readAll(ranges, shareOfLimits(sideBySide));
    return wanted.map(({ block, checksum }, i): [number, Uint8Array] => {
      const bytes = blocks[i] ?? new Uint8Array(0);
      checkRecord(bytes, checksum, `${object.what}, block ${block} of terms`);
      return [block, bytes];
    });
  }
}
