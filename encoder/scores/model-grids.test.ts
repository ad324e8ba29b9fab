/** The regions that recipes give to page vectors, beside the grids that colpali-engine draws on. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { NO_REGION } from "../../shared/page.ts";
import {
  cellsOfTiles,
  COLPALI_GRID,
  IDEFICS_TILE_SIDE,
  qwenGrid,
  similarityMaps,
  tiledGrid,
  toColumnsFirst,
} from "../../shared/scores/similarity-maps.ts";
import { colpaliFamily } from "../models/colpali/family.ts";
import { colqwenFamily } from "../models/colqwen/family.ts";
import { COLMODERNVBERT_TRAITS } from "../models/idefics/colmodernvbert.ts";
import { ideficsFamily } from "../models/idefics/family.ts";
import type { PageLayout, PictureFamily } from "../models/images/family.ts";

const A4 = { width: 1_654, height: 2_339 };
const traits = { name: "x", model: "x", queryPrefix: "Query: ", engine: "x" };
const tiled = ideficsFamily(COLMODERNVBERT_TRAITS);

/** Positions that sit on the page, and the region of each. */
function placed({ regionOfPosition }: PageLayout): { positions: number[]; cells: number[] } {
  const positions = [...regionOfPosition.keys()].filter((position) => regionOfPosition[position] !== NO_REGION);
  return { positions, cells: positions.map((position) => regionOfPosition[position] ?? NO_REGION) };
}

describe("grids of recipes", () => {
  it("are colpali-engine's for an A4 page", () => {
    expect(colpaliFamily(traits).pageLayout(A4)).toMatchObject(COLPALI_GRID);
    expect(colqwenFamily(traits).pageLayout(A4)).toMatchObject(qwenGrid(644, 896));
    expect(tiled.pageLayout(A4)).toMatchObject(tiledGrid(3, 4));
  });

  it("of tiled models place tokens as colpali-engine rearranges them, whatever the page's shape", () => {
    const side = fc.integer({ min: 1, max: 4_000 });
    fc.assert(
      fc.property(side, side, (width, height) => {
        const layout = tiled.pageLayout({ width, height });
        const tiles = [layout.columns / IDEFICS_TILE_SIDE, layout.rows / IDEFICS_TILE_SIDE] as const;
        expect(placed(layout).cells).toEqual([...cellsOfTiles(...tiles)]);
      }),
      { numRuns: 30 },
    );
  });

  it.each<[string, PictureFamily]>([
    ["ColPali", colpaliFamily(traits)],
    ["ColQwen", colqwenFamily(traits)],
    ["ColModernVBERT", tiled],
  ])("of %s make heat maps that are the similarity maps, turned", (_, family) => {
    const layout = family.pageLayout(A4);
    const { positions, cells } = placed(layout);
    const count = layout.regionOfPosition.length;
    // Every vector is its position, so that a map shows which of them is where.
    const page = { values: Float32Array.from({ length: count }, (_, position) => position), count, dim: 1 };
    const query = { values: Float32Array.of(1), count: 1, dim: 1 };
    const heatMap = Array.from({ length: layout.columns * layout.rows }, (): number | null => null);
    for (const [i, cell] of cells.entries()) heatMap[cell] = positions[i] ?? null;
    expect(toColumnsFirst([heatMap], layout)).toEqual(
      similarityMaps({ query, page, positions, cells, grid: { columns: layout.columns, rows: layout.rows } }),
    );
  });
});
