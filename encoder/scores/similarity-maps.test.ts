import { beforeAll, describe, expect, it } from "vitest";
import { cellsOfTiles, normalizeMaps, similarityMaps, tiledGrid } from "../../shared/scores/similarity-maps.ts";
import { type ColpaliEngineFixture, readFixture } from "./testing.ts";

let maps: ColpaliEngineFixture["maps"];
beforeAll(async () => {
  ({ maps } = await readFixture());
});

function matrixOf(values: Float32Array) {
  return { values, count: values.length / maps.dim, dim: maps.dim };
}

/** Infinity for maps of different sizes. */
function largestDifference(actual: Float32Array, expected: Float32Array): number {
  if (actual.length !== expected.length) return Infinity;
  return expected.reduce((largest, value, i) => Math.max(largest, Math.abs((actual[i] ?? NaN) - value)), 0);
}

describe("similarity maps", () => {
  it("are colpali-engine's for a plain grid, with positions masked", () => {
    const { page, masked, columns, rows, ...expected } = maps.plain;
    const { count } = matrixOf(page);
    const positions = Array.from({ length: count }, (_, i) => i).filter((i) => !masked.includes(i));
    const own = similarityMaps({
      query: matrixOf(maps.query),
      page: matrixOf(page),
      positions,
      grid: { columns, rows },
    });
    expect(largestDifference(own.values, expected.maps)).toBeLessThan(5e-6);
    expect(largestDifference(normalizeMaps(own, "shared").values, expected.shared)).toBeLessThan(5e-6);
    expect(largestDifference(normalizeMaps(own, "each").values, expected.each)).toBeLessThan(5e-6);
  });

  it("are colpali-engine's for tiles, the global one left out", () => {
    const { page, first, tileColumns, tileRows, maps: expected } = maps.tiled;
    const cells = cellsOfTiles(tileColumns, tileRows);
    const positions = Array.from({ length: cells.length }, (_, i) => first + i);
    const grid = tiledGrid(tileColumns, tileRows);
    const own = similarityMaps({ query: matrixOf(maps.query), page: matrixOf(page), positions, grid, cells });
    expect(largestDifference(own.values, expected)).toBeLessThan(5e-6);
  });
});
