/**
 * The cell table of an inverted file: where the block of every cell lies in the parts, and its checksum.
 *
 * @module
 */
import { MAX_CENTROIDS } from "../../limits.ts";
import { ByteReader, ByteWriter, corrupt } from "../bytes.ts";
import type { CellExtent } from "./contract.ts";

/** Part, offset, length, checksum. */
const COLUMNS = 4;

/** Rows `[cells, 4]` of part, offset, length, checksum. */
export class CellTable {
  readonly cellCount: number;
  readonly bytes: number;
  readonly #rows: Uint32Array;

  constructor(rows: Uint32Array) {
    this.#rows = rows;
    this.cellCount = rows.length / COLUMNS;
    this.bytes = rows.byteLength;
  }

  extent(cell: number): CellExtent {
    const [part = 0, offset = 0, length = 0] = this.#rows.subarray(cell * COLUMNS, (cell + 1) * COLUMNS);
    return { part, offset, length };
  }

  checksum(cell: number): number | undefined {
    return this.#rows[cell * COLUMNS + 3];
  }
}

export function encodeCellTable(cells: readonly (CellExtent & { checksum: number })[]): Uint8Array {
  const writer = new ByteWriter().u32(cells.length);
  for (const { part, offset, length, checksum } of cells) writer.u32(part).u32(offset).u32(length).u32(checksum);
  return writer.finish();
}

/** Throws `corrupt_data` unless the blocks lie one after the other and fill parts of exactly `partBytes` bytes. */
export function decodeCellTable(bytes: Uint8Array, partBytes: readonly number[], what: string): CellTable {
  const reader = new ByteReader(bytes, what);
  const cellCount = reader.u32("cell count");
  if (cellCount > MAX_CENTROIDS) throw corrupt(what, `${cellCount} cells are more than ${MAX_CENTROIDS}`);
  const table = new CellTable(reader.u32Array(cellCount * COLUMNS, "cells"));
  reader.expectEnd();
  const ends: number[] = [];
  for (let cell = 0; cell < cellCount; cell++) {
    const { part, offset, length } = table.extent(cell);
    const isNext = part === ends.length - 1 || part === ends.length;
    if (!isNext || offset !== (ends[part] ?? 0)) {
      throw corrupt(what, `cell ${cell} is said to begin at ${offset} of part ${part}, which is not where one ends`);
    }
    ends[part] = offset + length;
  }
  if (ends.length !== partBytes.length || ends.some((end, part) => end !== partBytes[part])) {
    throw corrupt(what, `its cells fill parts of ${ends.join(", ")} bytes; the manifest says ${partBytes.join(", ")}`);
  }
  return table;
}
