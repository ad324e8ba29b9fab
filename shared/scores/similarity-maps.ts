/**
 * Interpretability maps of pages that are grids of patches, as colpali-engine computes them
 * (`colpali_engine/interpretability/similarity_map_utils.py` and, for tiled models, `Idefics3SplitImageInterpretabilityMixin` in
 * `utils/processing_utils.py`, read at 9be8f19).
 *
 * There a map is `[tokens, n_x, n_y]`: the column comes before the row. Everything else here (regions of a page, heat maps
 * of the engine and the API) is row-major: cell = row · columns + column. {@link toColumnsFirst} is the only crossing.
 *
 * @module
 */
import { MaxleafError } from "../errors.ts";

/** Cells across and down a page. */
export interface PatchGrid {
  columns: number;
  rows: number;
}

/** Rows of numbers: `values` is `[count, dim]`. */
interface VectorRows {
  values: Float32Array;
  count: number;
  dim: number;
}

/** `values[(token · columns + column) · rows + row]`: `[tokens, columns, rows]`. */
export interface SimilarityMaps extends PatchGrid {
  tokens: number;
  values: Float32Array;
}

/** Added to the range of a map before dividing by it, as colpali-engine's `EPSILON`: a flat map becomes zeros. */
const RANGE_EPSILON = 1e-10;

/** ColPali's only grid: pages are squeezed to 448 × 448 pixels, a patch is 14 × 14. */
export const COLPALI_GRID: PatchGrid = { columns: 32, rows: 32 };

/** Pixels that one vector of ColQwen2 and ColQwen2.5 stands for: patches of 14, merged 2 × 2. */
export const QWEN_CELL_PX = 28;

/** Cells along a tile of Idefics3 models (ColSmol, ColModernVBERT): 64 vectors for a tile of 512 × 512 pixels. */
export const IDEFICS_TILE_SIDE = 8;

/**
 * ColQwen's grid of a page, from the size in pixels that it was resized to (not its own).
 *
 * Errors: `invalid_request` for a size that is no multiple of {@link QWEN_CELL_PX}, which resizing never gives.
 */
export function qwenGrid(resizedWidth: number, resizedHeight: number): PatchGrid {
  const grid = { columns: resizedWidth / QWEN_CELL_PX, rows: resizedHeight / QWEN_CELL_PX };
  if (isCount(grid.columns) && isCount(grid.rows)) return grid;
  throw new MaxleafError(
    "invalid_request",
    `a page resized to ${resizedWidth}×${resizedHeight} pixels has no whole number of ${QWEN_CELL_PX}-pixel cells`,
  );
}

/** The grid that `tileColumns` × `tileRows` tiles make together; the global tile is no part of it. */
export function tiledGrid(tileColumns: number, tileRows: number, side = IDEFICS_TILE_SIDE): PatchGrid {
  return { columns: tileColumns * side, rows: tileRows * side };
}

/**
 * The cell (row-major in {@link tiledGrid}) of every vector of a tiled page in the model's order: tile by tile row-major, cells of a
 * tile row-major. The global tile, whose vectors come last, is left out.
 */
export function cellsOfTiles(tileColumns: number, tileRows: number, side = IDEFICS_TILE_SIDE): Uint32Array {
  const { columns } = tiledGrid(tileColumns, tileRows, side);
  const cellsPerTile = side * side;
  return Uint32Array.from({ length: tileColumns * tileRows * cellsPerTile }, (_, vector) => {
    const tile = Math.floor(vector / cellsPerTile);
    const inTile = vector % cellsPerTile;
    const row = Math.floor(tile / tileColumns) * side + Math.floor(inTile / side);
    const column = (tile % tileColumns) * side + (inTile % side);
    return row * columns + column;
  });
}

/**
 * Products of every query token with every patch.
 *
 * @param page all vectors of the page.
 * @param positions rows of `page` that are patches, in the model's order; without prompt, padding and global tile.
 * @param cells cell of each of them, row-major; default: in order. See {@link cellsOfTiles}.
 *
 * Errors: `invalid_request` unless `positions` fill the grid exactly, each cell once.
 */
export function similarityMaps(options: {
  query: VectorRows;
  page: VectorRows;
  positions: ArrayLike<number>;
  grid: PatchGrid;
  cells?: ArrayLike<number> | undefined;
}): SimilarityMaps {
  const { query, page, positions, grid, cells } = options;
  checkFilled(positions, cells, page, grid);
  const { columns, rows } = grid;
  const values = new Float32Array(query.count * columns * rows);
  for (let i = 0; i < positions.length; i++) {
    const cell = cells?.[i] ?? i;
    const place = (cell % columns) * rows + Math.floor(cell / columns);
    for (let token = 0; token < query.count; token++) {
      values[token * columns * rows + place] = product(query, token, page, positions[i] ?? 0);
    }
  }
  return { tokens: query.count, columns, rows, values };
}

/** `[tokens][regions]` of a heat map (row-major; null where no vector sits) as `[tokens, columns, rows]`; NaN for null. */
export function toColumnsFirst(
  scores: readonly (readonly (number | null)[])[],
  { columns, rows }: PatchGrid,
): SimilarityMaps {
  const values = new Float32Array(scores.length * columns * rows);
  for (const [token, regions] of scores.entries()) {
    if (regions.length !== columns * rows) {
      throw new MaxleafError("invalid_request", `${regions.length} regions are no grid of ${columns}×${rows} cells`);
    }
    for (const [region, score] of regions.entries()) {
      const place = (region % columns) * rows + Math.floor(region / columns);
      values[token * columns * rows + place] = score ?? NaN;
    }
  }
  return { tokens: scores.length, columns, rows, values };
}

/**
 * Maps in 0 … 1. `shared`: one least and one largest value for all tokens, as colpali-engine draws the tokens of a question; `each`:
 * of every token its own. NaN stays NaN.
 */
export function normalizeMaps(maps: SimilarityMaps, range: "shared" | "each"): SimilarityMaps {
  const cells = maps.columns * maps.rows;
  const size = range === "shared" ? maps.values.length : cells;
  const values = new Float32Array(maps.values.length);
  for (let first = 0; first < values.length; first += size) {
    const own = maps.values.subarray(first, first + size);
    let least = Infinity;
    let largest = -Infinity;
    for (const value of own) {
      if (value < least) least = value;
      if (value > largest) largest = value;
    }
    for (const [i, value] of own.entries()) values[first + i] = (value - least) / (largest - least + RANGE_EPSILON);
  }
  return { ...maps, values };
}

function product(query: VectorRows, token: number, page: VectorRows, row: number): number {
  const { dim } = page;
  let sum = 0;
  for (let d = 0; d < dim; d++) sum += (query.values[token * dim + d] ?? 0) * (page.values[row * dim + d] ?? 0);
  return sum;
}

function checkFilled(
  positions: ArrayLike<number>,
  cells: ArrayLike<number> | undefined,
  { count }: VectorRows,
  { columns, rows }: PatchGrid,
): void {
  const wanted = columns * rows;
  if (positions.length !== wanted || (cells !== undefined && cells.length !== wanted)) {
    throw new MaxleafError(
      "invalid_request",
      `a grid of ${columns}×${rows} cells needs ${wanted} patches, not ${positions.length}`,
    );
  }
  const filled = new Uint8Array(wanted);
  for (let i = 0; i < wanted; i++) {
    const position = positions[i] ?? 0;
    const cell = cells?.[i] ?? i;
    if (!isIndex(position, count))
      throw new MaxleafError("invalid_request", `a page of ${count} vectors has no vector ${position}`);
    if (!isIndex(cell, wanted) || filled[cell] === 1) {
      throw new MaxleafError(
        "invalid_request",
        `cell ${cell} of a grid of ${columns}×${rows} is not there or taken twice`,
      );
    }
    filled[cell] = 1;
  }
}

function isIndex(value: number, length: number): boolean {
  return Number.isInteger(value) && value >= 0 && value < length;
}

function isCount(value: number): boolean {
  return Number.isInteger(value) && value > 0;
}
