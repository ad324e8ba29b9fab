import { expect, it } from "vitest";
import { randomCodebook } from "../../../shared/engine/testing/random-material.ts";
import { cellsAt } from "../../../shared/format/cells.ts";
import { testRecipe } from "../../../shared/recipe/testing.ts";
import { seededRandom } from "../../../shared/seeded-random.ts";
import { pageNeighbours } from "./page-neighbours.ts";
import type { CodedPool } from "./pool.ts";

it("finds the pages with the most rare cells in common, itself first", () => {
  const shape = { dim: 16, subspaces: 8, centroidCount: 8 };
  const codebook = randomCodebook("codebook", "fingerprint", shape, seededRandom(3));
  // Cells of two centroids: 0 1 | 2 3 | 4 5 | 6 7. Page 0 shares a cell with page 2 and two with page 3.
  const centroidIds = Uint16Array.of(0, 2, 4, 4, 6, 1, 3, 5);
  const pool: CodedPool = {
    recipe: testRecipe({ dim: 16 }),
    codebook: { ...codebook, cells: cellsAt(codebook, Uint32Array.of(0, 2, 4, 6, 8)) },
    pageOffsets: Uint32Array.of(0, 2, 3, 6, 8),
    centroidIds,
    codes: new Uint8Array(8 * 8),
    values: new Int8Array(8 * 16),
    scale: 0.01,
    meanResidualNorm: 0.3,
  };
  const neighbours = pageNeighbours(pool, 3).map((pages) => [...pages]);
  expect(neighbours[0]).toEqual([0, 2, 3]);
  expect(neighbours[1]).toEqual([1, 2, 3]);
  expect(pageNeighbours(pool, 9)[0]).toHaveLength(4);
});
