/**
 * Idefics3's preprocessing: the page in tiles of 512 pixels, and once more as a whole in a tile of its own.
 *
 * Sources: `Idefics3ImageProcessor` of transformers (sizes, order of steps), `preprocessor_config.json` of colSmol-256M and of
 * Qdrant/colmodernvbert (2048, 512, Lanczos, mean and deviation 0.5).
 *
 * @module
 */
import type { ItemTensor } from "../../backends/contract.ts";
import type { PagePicture } from "../model.ts";
import { CHANNELS, HALF_SCALING, pixelTables, writePlanes } from "./pixels.ts";
import { resizePicture } from "./resample.ts";

/** The long edge is made this long, from above or below. */
export const TILED_LONG_EDGE_PX = 2048;
export const TILE_SIDE_PX = 512;
/** A tile becomes 8 × 8 tokens: 32 × 32 patches of 16 pixels, 4 × 4 of them shuffled into one. */
export const TILE_TOKENS_SIDE = 8;

interface Size {
  width: number;
  height: number;
}

/** How a picture is tiled. */
export interface TileGrid {
  rows: number;
  columns: number;
  /** After the first step, which keeps the aspect. */
  scaled: Size;
  /** After the second, which makes both sides multiples of a tile. */
  tiled: Size;
}

const TILE_VALUES = CHANNELS * TILE_SIDE_PX * TILE_SIDE_PX;
const TABLES = pixelTables(HALF_SCALING);

/** The tiles of a picture of any size: at most 4 × 4. */
export function tileGrid(size: Size): TileGrid {
  const scaled = scaleToLongEdge(size);
  const tiled = roundUpToTiles(scaled);
  return { rows: tiled.height / TILE_SIDE_PX, columns: tiled.width / TILE_SIDE_PX, scaled, tiled };
}

/** Cuts to whole pixels, then to an even number upwards, as Idefics3 does. */
function scaleToLongEdge({ width, height }: Size): Size {
  const aspect = width / height;
  const even = (side: number) => Math.max(1, Math.trunc(side) + (Math.trunc(side) % 2));
  if (width >= height) return { width: TILED_LONG_EDGE_PX, height: even(TILED_LONG_EDGE_PX / aspect) };
  return { width: even(TILED_LONG_EDGE_PX * aspect), height: TILED_LONG_EDGE_PX };
}

function roundUpToTiles({ width, height }: Size): Size {
  const aspect = width / height;
  const roundUp = (side: number) => Math.max(1, Math.ceil(side / TILE_SIDE_PX)) * TILE_SIDE_PX;
  if (width >= height) {
    const wide = roundUp(width);
    return { width: wide, height: roundUp(Math.trunc(wide / aspect)) };
  }
  const high = roundUp(height);
  return { width: roundUp(Math.trunc(high * aspect)), height: high };
}

/** `pixel_values` `[rows · columns + 1, 3, 512, 512]`: tiles row by row, the whole page last. */
export function tilePixels(picture: PagePicture): ItemTensor {
  const { rows, columns, scaled, tiled } = tileGrid(picture);
  const whole = resizePicture(
    resizePicture(picture, scaled.width, scaled.height, "lanczos"),
    tiled.width,
    tiled.height,
    "lanczos",
  );
  const tiles = rows * columns + 1;
  const data = new Float32Array(tiles * TILE_VALUES);
  const tile = { width: TILE_SIDE_PX, height: TILE_SIDE_PX };
  for (let index = 0; index < rows * columns; index++) {
    const crop = {
      left: (index % columns) * TILE_SIDE_PX,
      top: Math.floor(index / columns) * TILE_SIDE_PX,
      ...tile,
    };
    writePlanes(whole, crop, TABLES, data, index * TILE_VALUES);
  }
  const small = resizePicture(whole, TILE_SIDE_PX, TILE_SIDE_PX, "lanczos");
  writePlanes(small, { left: 0, top: 0, ...tile }, TABLES, data, (tiles - 1) * TILE_VALUES);
  return { type: "float32", dims: [tiles, CHANNELS, TILE_SIDE_PX, TILE_SIDE_PX], data };
}

/** What a graph that insists on tiles gets with a question: one of zeros is enough. */
export function noTilePixels(): ItemTensor {
  return {
    type: "float32",
    dims: [1, CHANNELS, TILE_SIDE_PX, TILE_SIDE_PX],
    data: new Float32Array(TILE_VALUES),
  };
}

/** `pixel_attention_mask` `[tiles, 512, 512]`: all pixels count, since tiles are full. */
export function tileMask(tiles: number): ItemTensor {
  const data = new BigInt64Array(tiles * TILE_SIDE_PX * TILE_SIDE_PX).fill(1n);
  return { type: "int64", dims: [tiles, TILE_SIDE_PX, TILE_SIDE_PX], data };
}
