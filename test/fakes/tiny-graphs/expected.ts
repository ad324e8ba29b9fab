/**
 * What a tiny graph gives, computed in plain loops.
 *
 * @module
 */
import type { ItemInputs, TokenVectors } from "../../../encoder/backends/contract.ts";
import {
  CHANNELS,
  EMBEDDINGS,
  HIDDEN,
  PICTURE_SHAPES,
  POSITIONS,
  TOKEN_TYPES,
  type TinyGraphOptions,
  type TinyPictures,
  type TinyWeights,
} from "./tiny-weights.ts";

/** Vectors of one item, in double precision. */
export function expectedVectors(options: TinyGraphOptions, weights: TinyWeights, inputs: ItemInputs): TokenVectors {
  const ids = integersOf(inputs, "input_ids");
  const mask = integersOf(inputs, "attention_mask");
  const hidden = embed(options, weights, inputs, ids, mask);
  const attended = mask.reduce((sum, bit) => sum + bit, 0);
  const mean = Array.from({ length: HIDDEN }, (_, h) => {
    const sum = hidden.reduce((total, row, i) => total + (row[h] ?? 0) * (mask[i] ?? 0), 0);
    return sum / Math.max(attended, 1);
  });
  const { dim, normalize = true, maskOutput = false } = options;
  const values = new Float32Array(ids.length * dim);
  for (const [i, row] of hidden.entries()) {
    const context = row.map((value, h) => value + (mean[h] ?? 0));
    const vector = Array.from({ length: dim }, (_, d) =>
      context.reduce((sum, value, h) => sum + value * (weights.projection[h * dim + d] ?? 0), 0),
    );
    const scale = (normalize ? 1 / Math.hypot(...vector) : 1) * (maskOutput ? (mask[i] ?? 0) : 1);
    values.set(
      vector.map((value) => value * scale),
      i * dim,
    );
  }
  return { tokenCount: ids.length, dim, values };
}

function embed(
  { tokenTypes = false, maxPositions, pictures }: TinyGraphOptions,
  weights: TinyWeights,
  inputs: ItemInputs,
  ids: readonly number[],
  mask: readonly number[],
): number[][] {
  const types = tokenTypes ? integersOf(inputs, "token_type_ids") : [];
  const patches = pictures === undefined ? [] : patchFeatures(pictures, weights, inputs);
  let images = 0;
  let attendedBefore = 0;
  return ids.map((id, i) => {
    attendedBefore += mask[i] ?? 0;
    const position = Math.max(attendedBefore - 1, 0) % (maxPositions ?? POSITIONS);
    const isImage = id === pictures?.imageTokenId;
    if (isImage) images++;
    const patch = patches[Math.min(images, patches.length) - 1];
    return Array.from({ length: HIDDEN }, (_, h) => {
      const own = isImage ? (patch?.[h] ?? 0) : (weights.embeddings[(id % EMBEDDINGS) * HIDDEN + h] ?? 0);
      const type = tokenTypes ? (weights.tokenTypes[((types[i] ?? 0) % TOKEN_TYPES) * HIDDEN + h] ?? 0) : 0;
      return own + type + (weights.positions[position * HIDDEN + h] ?? 0);
    });
  });
}

/** Mean colour of every patch, row by row and tile by tile, times `weights.pixels`. */
function patchFeatures({ layout, pixelAttentionMask }: TinyPictures, weights: TinyWeights, inputs: ItemInputs) {
  const { size, patch } = PICTURE_SHAPES[layout];
  const pixels = inputs["pixel_values"]?.data ?? new Float32Array();
  const pixelMask = pixelAttentionMask === true ? inputs["pixel_attention_mask"]?.data : undefined;
  const features: number[][] = [];
  for (let tile = 0; tile < pixels.length / (CHANNELS * size * size); tile++) {
    const seen = pixelMask === undefined ? 1 : tileMean(pixelMask, tile, size);
    for (let top = 0; top < size; top += patch) {
      for (let left = 0; left < size; left += patch) {
        const colour = Array.from({ length: CHANNELS }, (_, channel) => {
          let sum = 0;
          for (let y = top; y < top + patch; y++) {
            const line = ((tile * CHANNELS + channel) * size + y) * size;
            for (let x = left; x < left + patch; x++) sum += Number(pixels[line + x] ?? 0);
          }
          return sum / (patch * patch);
        });
        features.push(
          Array.from({ length: HIDDEN }, (_, h) => {
            return (
              seen *
              colour.reduce((sum, value, channel) => sum + value * (weights.pixels[channel * HIDDEN + h] ?? 0), 0)
            );
          }),
        );
      }
    }
  }
  return features;
}

function tileMean(mask: BigInt64Array | Float32Array, tile: number, size: number): number {
  let sum = 0;
  for (const value of mask.subarray(tile * size * size, (tile + 1) * size * size)) sum += Number(value);
  return sum / (size * size);
}

function integersOf(inputs: ItemInputs, name: string): number[] {
  const data = inputs[name]?.data;
  if (!(data instanceof BigInt64Array)) throw new TypeError(`the item has no whole numbers as ${name}`);
  return Array.from(data, Number);
}
