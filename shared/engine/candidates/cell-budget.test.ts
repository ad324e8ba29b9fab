import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { CellExtent } from "../../format/inverted/contract.ts";
import { chooseCells } from "./cell-budget.ts";

/** Blocks one after the other, two parts. */
function extents(lengths: readonly number[]): CellExtent[] {
  const half = Math.ceil(lengths.length / 2);
  let offset = 0;
  return lengths.map((length, cell) => {
    if (cell === half) offset = 0;
    const extent = { part: cell < half ? 0 : 1, offset, length };
    offset += length;
    return extent;
  });
}

function extentIn(blocks: readonly CellExtent[]): (cell: number) => CellExtent {
  return (cell) => blocks[cell] ?? { part: 0, offset: 0, length: 0 };
}

describe("chooseCells", () => {
  const blocks = extents([100, 100, 100, 100, 100, 100, 100, 100]);

  it("takes what is worth most, and neighbours of it for the same read", () => {
    const cells = [9, 0, 8, 1, 1, 1, 1, 7].map((worth, cell) => ({ cell, worth }));
    const budget = { reads: 1, bytes: 1_000, gapBytes: 100 };
    expect(chooseCells(cells, extentIn(blocks), budget)).toEqual([0, 2, 3]);
    expect(chooseCells(cells, extentIn(blocks), { ...budget, reads: 2 })).toEqual([0, 2, 3, 5, 6, 7]);
    expect(chooseCells(cells, extentIn(blocks), { reads: 2, bytes: 200, gapBytes: 0 })).toEqual([0, 2]);
  });

  it("reads nothing that is worth nothing", () => {
    const cells = [{ cell: 0, worth: 0 }];
    expect(chooseCells(cells, extentIn(blocks), { reads: 5, bytes: 1_000, gapBytes: 0 })).toEqual([]);
  });

  it("keeps to both budgets as the reads are really made", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 500 }), { minLength: 1, maxLength: 60 }),
        fc.array(fc.nat(100), { minLength: 60, maxLength: 60 }),
        fc.record({ reads: fc.integer({ min: 1, max: 8 }), bytes: fc.integer({ min: 1, max: 5_000 }) }),
        fc.nat(300),
        (lengths, worths, budget, gapBytes) => {
          const all = extents(lengths);
          const cells = lengths.map((_, cell) => ({ cell, worth: worths[cell] ?? 0 }));
          const chosen = chooseCells(cells, extentIn(all), { ...budget, gapBytes });
          expect(new Set(chosen).size).toBe(chosen.length);
          const reads = [0, 1].flatMap((part) =>
            coalesceWithin(
              chosen.flatMap((cell) => all[cell] ?? []).filter((extent) => extent.part === part),
              gapBytes,
            ),
          );
          expect(reads.length).toBeLessThanOrEqual(budget.reads);
          expect(reads.reduce((sum, read) => sum + read.length, 0)).toBeLessThanOrEqual(budget.bytes);
        },
      ),
    );
  });
});

/** Neighbours within the gap become one read. */
function coalesceWithin(ranges: readonly CellExtent[], gapBytes: number): { offset: number; length: number }[] {
  const reads: { offset: number; length: number }[] = [];
  for (const { offset, length } of ranges.toSorted((a, b) => a.offset - b.offset)) {
    const last = reads.at(-1);
    if (last !== undefined && offset - (last.offset + last.length) <= gapBytes)
      last.length = offset + length - last.offset;
    else reads.push({ offset, length });
  }
  return reads;
}
