/**
 * Qwen2-VL's preprocessing: the page at a size near its own aspect, cut into patches in the order in which they are merged.
 *
 * Sources: `smart_resize` and `Qwen2VLImageProcessor` of transformers; vidore/colqwen2-v0.1's configuration for the limits.
 *
 * @module
 */
import type { ItemTensor } from "../../backends/contract.ts";
import { MaxleafError } from "../../../shared/errors.ts";
import type { PagePicture } from "../model.ts";
import { CHANNELS, CLIP_SCALING, pixelTables } from "./pixels.ts";
import { resizePicture } from "./resample.ts";

export const PATCH_SIDE_PX = 14;
/** 2 × 2 patches become one token. */
export const MERGED_PATCHES_SIDE = 2;
/** A still picture is shown twice: the encoder takes pairs of frames. */
const TEMPORAL_PATCHES = 2;
export const TOKEN_SIDE_PX = PATCH_SIDE_PX * MERGED_PATCHES_SIDE;
/** 4 tokens and 768 tokens. */
export const MIN_PIXELS = 4 * TOKEN_SIDE_PX ** 2;
export const MAX_PIXELS = 768 * TOKEN_SIDE_PX ** 2;
/** Beyond it Qwen2-VL refuses a picture. */
export const MAX_ASPECT = 200;
/** Channels × frames × 14 × 14. */
const PATCH_VALUES = CHANNELS * TEMPORAL_PATCHES * PATCH_SIDE_PX ** 2;

const TABLES = pixelTables(CLIP_SCALING);

interface Size {
  width: number;
  height: number;
}

/** The tokens of a picture: `columns` × `rows`, row by row. */
export interface TokenGrid {
  columns: number;
  rows: number;
}

/**
 * The size in whole tokens at which a picture is looked at.
 *
 * Errors: `file_unreadable` for one that is more than 200 times as long as wide, which the models do not take.
 */
export function smartResize({ width, height }: Size): Size {
  if (Math.max(width, height) / Math.min(width, height) > MAX_ASPECT) {
    const message = `a picture of ${width} × ${height} pixels is too long and narrow: at most ${MAX_ASPECT} to 1 can be encoded`;
    throw new MaxleafError("file_unreadable", message);
  }
  const pixels = tokens(height, roundHalfToEven) * tokens(width, roundHalfToEven);
  if (pixels > MAX_PIXELS) {
    const shrink = Math.sqrt((height * width) / MAX_PIXELS);
    const fit = (side: number) => Math.max(TOKEN_SIDE_PX, tokens(side / shrink, Math.floor));
    return { width: fit(width), height: fit(height) };
  }
  if (pixels < MIN_PIXELS) {
    const grow = Math.sqrt(MIN_PIXELS / (height * width));
    return { width: tokens(width * grow, Math.ceil), height: tokens(height * grow, Math.ceil) };
  }
  return { width: tokens(width, roundHalfToEven), height: tokens(height, roundHalfToEven) };
}

function tokens(side: number, round: (value: number) => number): number {
  return round(side / TOKEN_SIDE_PX) * TOKEN_SIDE_PX;
}

/** As Python rounds: 70 pixels are 2.5 tokens and become 2. */
function roundHalfToEven(value: number): number {
  const floor = Math.floor(value);
  if (value - floor !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}

export function tokenGrid(size: Size): TokenGrid {
  const { width, height } = smartResize(size);
  return { columns: width / TOKEN_SIDE_PX, rows: height / TOKEN_SIDE_PX };
}

/**
 * `pixel_values` `[patches, 1176]`, patches in blocks of 2 × 2, blocks row by row, and `image_grid_thw` `[3]`: frames, rows and
 * columns of patches. Shorter pages of a batch are padded with zeros behind, as colpali-engine does.
 */
export function patchPixels(picture: PagePicture): { pixelValues: ItemTensor; gridThw: ItemTensor } {
  const { width, height } = smartResize(picture);
  const resized = resizePicture(picture, width, height, "bicubic");
  const columns = width / PATCH_SIDE_PX;
  const rows = height / PATCH_SIDE_PX;
  const data = new Float32Array(rows * columns * PATCH_VALUES);
  let offset = 0;
  const step = MERGED_PATCHES_SIDE;
  for (let blockRow = 0; blockRow < rows; blockRow += step) {
    for (let blockColumn = 0; blockColumn < columns; blockColumn += step) {
      for (let inBlock = 0; inBlock < step * step; inBlock++) {
        const row = blockRow + Math.floor(inBlock / step);
        writePatch(resized, row, blockColumn + (inBlock % step), data, offset);
        offset += PATCH_VALUES;
      }
    }
  }
  return {
    pixelValues: {
      type: "float32",
      dims: [rows * columns, PATCH_VALUES],
      data,
      pad: { value: 0, side: "right" },
    },
    gridThw: { type: "int64", dims: [3], data: BigInt64Array.of(1n, BigInt(rows), BigInt(columns)) },
  };
}

/** What a graph that insists on patches gets with a question: one token's worth of zeros. */
export function noPatchPixels(): { pixelValues: ItemTensor; gridThw: ItemTensor } {
  const patches = MERGED_PATCHES_SIDE ** 2;
  const data = new Float32Array(patches * PATCH_VALUES);
  return {
    pixelValues: { type: "float32", dims: [patches, PATCH_VALUES], data, pad: { value: 0, side: "right" } },
    gridThw: { type: "int64", dims: [3], data: BigInt64Array.of(1n, 2n, 2n) },
  };
}

/** Channel by channel, the same 14 × 14 values twice. */
function writePatch(picture: PagePicture, row: number, column: number, out: Float32Array, offset: number): void {
  const planeValues = PATCH_SIDE_PX ** 2;
  let at = offset;
  for (const [channel, table] of TABLES.entries()) {
    for (let y = 0; y < PATCH_SIDE_PX; y++) {
      const line = ((row * PATCH_SIDE_PX + y) * picture.width + column * PATCH_SIDE_PX) * CHANNELS + channel;
      for (let x = 0; x < PATCH_SIDE_PX; x++) {
        const value = table[picture.data[line + x * CHANNELS] ?? 0] ?? 0;
        out[at + planeValues] = value;
        out[at++] = value;
      }
    }
    at += planeValues;
  }
}
