/**
 * ColPali's preprocessing (SigLIP's): the page squashed to a square, its aspect lost.
 *
 * Source: `preprocessor_config.json` of vidore/colpali-v1.3-merged: 448 × 448, bicubic, mean and deviation 0.5.
 *
 * @module
 */
import type { ItemTensor } from "../../backends/contract.ts";
import type { PagePicture } from "../model.ts";
import { CHANNELS, HALF_SCALING, pixelTables, writePlanes } from "./pixels.ts";
import { resizePicture } from "./resample.ts";

export const SQUASHED_SIDE_PX = 448;

const TABLES = pixelTables(HALF_SCALING);

/** `pixel_values` `[3, 448, 448]`. */
export function squashedPixels(picture: PagePicture): ItemTensor {
  const side = SQUASHED_SIDE_PX;
  const data = new Float32Array(CHANNELS * side * side);
  const squashed = resizePicture(picture, side, side, "bicubic");
  writePlanes(squashed, { left: 0, top: 0, width: side, height: side }, TABLES, data, 0);
  return { type: "float32", dims: [CHANNELS, side, side], data };
}

/** What a graph that insists on a picture gets with a question: zeros, as fastembed feeds it. */
export function noSquashedPixels(): ItemTensor {
  const dims = [CHANNELS, SQUASHED_SIDE_PX, SQUASHED_SIDE_PX];
  return { type: "float32", dims, data: new Float32Array(CHANNELS * SQUASHED_SIDE_PX * SQUASHED_SIDE_PX) };
}
