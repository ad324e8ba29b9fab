/** From page vectors through a whole index to a heat map, beside the similarity map of the same vectors. */
import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { openIndex } from "../../shared/engine/open-index.ts";
import { compileKernel } from "../../shared/kernel/webassembly.ts";
import { type EncodedPage, NO_REGION } from "../../shared/page.ts";
import { recipeFingerprint } from "../../shared/recipe/fingerprint.ts";
import { testRecipe } from "../../shared/recipe/testing.ts";
import { cellsOfTiles, similarityMaps, tiledGrid, toColumnsFirst } from "../../shared/scores/similarity-maps.ts";
import { MemoryStore } from "../../shared/store/memory-store.ts";
import { IndexWriter } from "../indexing/index-writer.ts";
import { documentEntry, encodedPage, topicVectors } from "../indexing/testing.ts";

const DIM = 16;
const TOKENS = 35;
/** Two tiles across, three down, 2 × 2 cells each, as a model of tiles of 4 vectors would have. */
const [TILE_COLUMNS, TILE_ROWS, SIDE] = [2, 3, 2];
const grid = tiledGrid(TILE_COLUMNS, TILE_ROWS, SIDE);
const cells = cellsOfTiles(TILE_COLUMNS, TILE_ROWS, SIDE);
/** A prompt of 3 vectors comes before, a global tile of 4 behind. */
const PROMPT = 3;
const GLOBAL = SIDE * SIDE;

function gridPage(pageNumber: number, seed: number): EncodedPage {
  const count = PROMPT + cells.length + GLOBAL;
  const page = encodedPage(topicVectors({ count, dim: DIM, topics: 9, spread: 0.8, seed }), pageNumber);
  const nowhere = (length: number) => Array.from({ length }, () => NO_REGION);
  const regionOfVector = Uint16Array.from([...nowhere(PROMPT), ...cells, ...nowhere(GLOBAL)]);
  return { ...page, text: "", geometry: { kind: "grid", boxes: new Uint16Array(), ...grid, regionOfVector } };
}

describe("the heat map of a page that is a grid of tiles", () => {
  it("is its similarity map, turned", async () => {
    const [store, recipe] = [new MemoryStore(), testRecipe({ dim: DIM, geometry: "grid" })];
    const document = await documentEntry("scan.pdf", 2);
    const pages = [gridPage(1, 1), gridPage(2, 2)];
    const writer = await IndexWriter.open({ store, index: "scans", recipe, threads: 1 });
    await writer.addDocument(document, pages);
    await writer.commit();
    await writer.close();
    const kernel = await readFile(new URL("../../shared/kernel/build/kernel.wasm", import.meta.url));
    const index = await openIndex({ store, index: "scans", kernelModule: await compileKernel(kernel) });

    const { values } = topicVectors({ count: TOKENS, dim: DIM, topics: 9, spread: 0.8, seed: 3 });
    const query = {
      recipeFingerprint: await recipeFingerprint(recipe),
      dim: DIM,
      tokenCount: TOKENS,
      vectors: values,
      tokens: Array.from({ length: TOKENS }, (_, token) => ({ text: "", start: token, end: token + 1 })),
    };
    const explanation = await index.explain({ query, documentId: document.id, pageNumber: 2 });
    index.close();
    expect(explanation).toMatchObject({ kind: "grid", columns: 4, rows: 6 });
    // The box of region 5 is that of row 1, column 1.
    expect(explanation.boxes[5]).toEqual([0.25, expect.closeTo(1 / 6, 3), 0.5, expect.closeTo(2 / 6, 3)]);

    const drawn = toColumnsFirst(explanation.scores, grid);
    const exact = similarityMaps({
      query: { values, count: TOKENS, dim: DIM },
      page: { values: pages[1]?.vectors ?? new Float32Array(), count: PROMPT + cells.length + GLOBAL, dim: DIM },
      positions: Array.from(cells, (_, i) => PROMPT + i),
      cells,
      grid,
    });
    expect(drawn).toMatchObject({ tokens: TOKENS, ...grid });
    const differences = drawn.values.map((score, i) => Math.abs(score - (exact.values[i] ?? NaN)));
    // int8 over 16 values, and scores are rounded to four places.
    expect(Math.max(...differences)).toBeLessThan(0.0165);
    // Neighbours differ by much more, so that no other order of cells would pass.
    expect(Math.abs((exact.values[0] ?? 0) - (exact.values[1] ?? 0))).toBeGreaterThan(0.05);
  });
});
