/**
 * Which cells of lists are read for a query when it cannot read all that it would look at.
 *
 * A cell is worth what its probed centroids say about pages: by how much each scores above what a page gets that is on no
 * probed list (the cut-off), summed over query tokens. It costs bytes, and a read unless it lies beside a cell that is read
 * anyway. Cells are taken in the order of worth for their share of both budgets until nothing more fits.
 *
 * @module
 */
import type { CellExtent } from "../../format/inverted/contract.ts";

/** What one query may read of lists. */
export interface ListBudget {
  reads: number;
  bytes: number;
  /** Cells with at most this many bytes between them are read at once. */
  gapBytes: number;
}

/** A cell, and what its lists are worth to the query. */
export interface CellWorth {
  cell: number;
  worth: number;
}

/** The cells to read, ascending. `extentOf` tells where a cell's block lies. */
export function chooseCells(
  cells: readonly CellWorth[],
  extentOf: (cell: number) => CellExtent,
  budget: ListBudget,
): number[] {
  const wanted = cells
    .filter(({ worth, cell }) => worth > 0 && extentOf(cell).length > 0)
    .map(({ cell, worth }) => {
      const extent = extentOf(cell);
      return { cell, extent, gain: worth / (1 / budget.reads + extent.length / budget.bytes) };
    })
    .toSorted((a, b) => b.gain - a.gain || a.cell - b.cell);
  const plan = new ReadPlan(budget.gapBytes);
  const chosen: number[] = [];
  for (const { cell, extent } of wanted) {
    const after = plan.costWith(extent);
    if (after.reads > budget.reads || after.bytes > budget.bytes) continue;
    plan.add(extent);
    chosen.push(cell);
  }
  return chosen.toSorted((a, b) => a - b);
}

interface PlannedRead {
  part: number;
  start: number;
  end: number;
}

/** Ranges to read, joined where they are near each other. */
class ReadPlan {
  readonly #gapBytes: number;
  /** By part and start. */
  #reads: PlannedRead[] = [];
  #bytes = 0;

  constructor(gapBytes: number) {
    this.#gapBytes = gapBytes;
  }

  /** Reads and bytes in all, if `extent` were read too. */
  costWith(extent: CellExtent): { reads: number; bytes: number } {
    const { joined, merged } = this.#join(extent);
    const before = joined.reduce((sum, read) => sum + read.end - read.start, 0);
    return {
      reads: this.#reads.length - joined.length + 1,
      bytes: this.#bytes - before + merged.end - merged.start,
    };
  }

  add(extent: CellExtent): void {
    const { joined, merged } = this.#join(extent);
    this.#bytes = this.costWith(extent).bytes;
    this.#reads = this.#reads.filter((read) => !joined.includes(read));
    this.#reads.push(merged);
  }

  /** The reads that one for `extent` would take in, and what it would become. */
  #join({ part, offset, length }: CellExtent): { joined: PlannedRead[]; merged: PlannedRead } {
    const merged = { part, start: offset, end: offset + length };
    const joined = this.#reads.filter(
      (read) =>
        read.part === part && read.start - merged.end <= this.#gapBytes && merged.start - read.end <= this.#gapBytes,
    );
    for (const read of joined) {
      merged.start = Math.min(merged.start, read.start);
      merged.end = Math.max(merged.end, read.end);
    }
    return { joined, merged };
  }
}
