import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  cellsOfTiles,
  COLPALI_GRID,
  normalizeMaps,
  qwenGrid,
  similarityMaps,
  tiledGrid,
  toColumnsFirst,
} from "./similarity-maps.ts";

const sides = fc.integer({ min: 1, max: 9 });

/** One query token of one value, and patches whose value is their number: a map shows which patch is where. */
function numbered(grid: { columns: number; rows: number }, cells?: ArrayLike<number>) {
  const count = grid.columns * grid.rows;
  const positions = Array.from({ length: count }, (_, i) => i);
  const page = { values: Float32Array.from(positions), count, dim: 1 };
  return similarityMaps({ query: { values: Float32Array.of(1), count: 1, dim: 1 }, page, positions, grid, cells });
}

describe("grids", () => {
  it("are what models make of pages", () => {
    expect(COLPALI_GRID).toEqual({ columns: 32, rows: 32 });
    // A4 at 200 dpi is resized to 644 × 896, Letter to 24 × 31 cells.
    expect(qwenGrid(644, 896)).toEqual({ columns: 23, rows: 32 });
    expect(qwenGrid(672, 868)).toEqual({ columns: 24, rows: 31 });
    // A4 portrait: 4 rows of 3 tiles.
    expect(tiledGrid(3, 4)).toEqual({ columns: 24, rows: 32 });
    expect(() => qwenGrid(640, 896)).toThrow(expect.objectContaining({ code: "invalid_request" }));
    expect(() => qwenGrid(0, 896)).toThrow(expect.objectContaining({ code: "invalid_request" }));
  });
});

describe("cellsOfTiles", () => {
  it("places every vector on a cell of its own, all cells taken", () => {
    fc.assert(
      fc.property(sides, sides, sides, (tileColumns, tileRows, side) => {
        const cells = cellsOfTiles(tileColumns, tileRows, side);
        expect([...cells].toSorted((a, b) => a - b)).toEqual(Array.from(cells.keys()));
      }),
    );
  });

  it("keeps the cells of a tile together, and tiles in reading order", () => {
    fc.assert(
      fc.property(sides, sides, sides, (tileColumns, tileRows, side) => {
        const cells = cellsOfTiles(tileColumns, tileRows, side);
        const { columns } = tiledGrid(tileColumns, tileRows, side);
        for (let tileRow = 0; tileRow < tileRows; tileRow++) {
          for (let tileColumn = 0; tileColumn < tileColumns; tileColumn++) {
            for (let row = 0; row < side; row++) {
              for (let column = 0; column < side; column++) {
                const vector = ((tileRow * tileColumns + tileColumn) * side + row) * side + column;
                expect(cells[vector]).toBe((tileRow * side + row) * columns + tileColumn * side + column);
              }
            }
          }
        }
      }),
      { numRuns: 30 },
    );
    expect([...cellsOfTiles(2, 1, 2)]).toEqual([0, 1, 4, 5, 2, 3, 6, 7]);
  });
});

describe("similarityMaps", () => {
  it("puts the column before the row", () => {
    fc.assert(
      fc.property(sides, sides, (columns, rows) => {
        const maps = numbered({ columns, rows });
        expect(maps).toMatchObject({ tokens: 1, columns, rows });
        for (let row = 0; row < rows; row++) {
          for (let column = 0; column < columns; column++) {
            expect(maps.values[column * rows + row]).toBe(row * columns + column);
          }
        }
      }),
    );
  });

  it("is the heat map of the same page, turned", () => {
    fc.assert(
      fc.property(sides, sides, sides, (tileColumns, tileRows, side) => {
        const grid = tiledGrid(tileColumns, tileRows, side);
        const cells = cellsOfTiles(tileColumns, tileRows, side);
        const rowMajor = Array.from({ length: cells.length }, () => 0);
        cells.forEach((cell, vector) => (rowMajor[cell] = vector));
        expect(toColumnsFirst([rowMajor], grid)).toEqual(numbered(grid, cells));
      }),
      { numRuns: 30 },
    );
  });

  it("wants every cell once", () => {
    const grid = { columns: 2, rows: 2 };
    const refused = expect.objectContaining({ code: "invalid_request" });
    expect(() => numbered(grid, [0, 1, 2])).toThrow(refused);
    expect(() => numbered(grid, [0, 1, 2, 2])).toThrow(refused);
    expect(() => numbered(grid, [0, 1, 2, 4])).toThrow(refused);
    const query = { values: Float32Array.of(1), count: 1, dim: 1 };
    const page = { values: Float32Array.of(1, 2, 3), count: 3, dim: 1 };
    expect(() => similarityMaps({ query, page, positions: [0, 1, 2], grid })).toThrow(
      "a grid of 2×2 cells needs 4 patches, not 3",
    );
    expect(() => similarityMaps({ query, page, positions: [0, 1, 2, 3], grid })).toThrow("has no vector 3");
    expect(() => toColumnsFirst([[1, 2, 3]], grid)).toThrow(refused);
  });
});

describe("normalizeMaps", () => {
  const maps = { tokens: 2, columns: 2, rows: 2, values: Float32Array.of(1, 1, 0, -1, 3, 3, 3, 3) };

  it("shares a range or takes each token's own", () => {
    expect([...normalizeMaps(maps, "shared").values]).toEqual([0.5, 0.5, 0.25, 0, 1, 1, 1, 1]);
    expect([...normalizeMaps(maps, "each").values]).toEqual([1, 1, 0.5, 0, 0, 0, 0, 0]);
  });

  it("keeps cells without a vector apart", () => {
    const turned = toColumnsFirst([[4, null, 2, 0]], { columns: 2, rows: 2 });
    expect([...normalizeMaps(turned, "shared").values]).toEqual([1, 0.5, NaN, 0]);
  });
});
