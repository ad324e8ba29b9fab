/**
 * What the heat map's canvas holds.
 *
 * @module
 */
import type { Page } from "playwright-core";

/** The part of `HTMLCanvasElement` used here: the tests are type-checked without the DOM's types. */
interface Canvas {
  width: number;
  height: number;
  getContext: (
    kind: "2d",
  ) => { getImageData: (x: number, y: number, width: number, height: number) => { data: Uint8ClampedArray } } | null;
}

/** Alpha 0…255 of the heat map at the centre of every cell of a `columns` × `rows` grid, row by row. */
export async function heatAlphas(page: Page, columns: number, rows: number): Promise<number[]> {
  return page.locator("canvas.heat").evaluate(
    (canvas: Canvas, grid: { columns: number; rows: number }) => {
      const context = canvas.getContext("2d");
      return Array.from({ length: grid.columns * grid.rows }, (_, cell) => {
        const x = Math.floor(((cell % grid.columns) + 0.5) * (canvas.width / grid.columns));
        const y = Math.floor((Math.floor(cell / grid.columns) + 0.5) * (canvas.height / grid.rows));
        return context?.getImageData(x, y, 1, 1).data[3] ?? 0;
      });
    },
    { columns, rows },
  );
}
