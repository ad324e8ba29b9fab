/**
 * Pixels as the numbers that a vision encoder takes.
 *
 * @module
 */
import type { PagePicture } from "../model.ts";

export const CHANNELS = 3;

/** Of red, green and blue. */
export interface PixelScaling {
  mean: readonly [number, number, number];
  std: readonly [number, number, number];
}

/** SigLIP's: [0, 255] becomes [-1, 1]. */
export const HALF_SCALING: PixelScaling = { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] };

/** CLIP's, as OpenAI published it (`OPENAI_CLIP_MEAN` and `OPENAI_CLIP_STD` of transformers). */
export const CLIP_SCALING: PixelScaling = {
  mean: [0.48145466, 0.4578275, 0.40821073],
  std: [0.26862954, 0.26130258, 0.27577711],
};

/** A part of a picture. */
export interface Crop {
  left: number;
  top: number;
  width: number;
  height: number;
}

const VALUES = 256;
const RESCALE = 1 / 255;

/** For each channel what every value of a pixel becomes: rescaled by 1/255, less the mean, over the deviation, in float32. */
export function pixelTables({ mean, std }: PixelScaling): readonly Float32Array[] {
  return mean.map((channelMean, channel) => {
    const deviation = Math.fround(std[channel] ?? 1);
    return Float32Array.from({ length: VALUES }, (_, value) => {
      return Math.fround(Math.fround(value * RESCALE) - Math.fround(channelMean)) / deviation;
    });
  });
}

/** Writes `crop` of `picture` as `[3, height, width]` into `out`, beginning at `offset`. */
export function writePlanes(
  picture: PagePicture,
  crop: Crop,
  tables: readonly Float32Array[],
  out: Float32Array,
  offset: number,
): void {
  let at = offset;
  for (const [channel, table] of tables.entries()) {
    for (let y = crop.top; y < crop.top + crop.height; y++) {
      const row = (y * picture.width + crop.left) * CHANNELS + channel;
      for (let x = 0; x < crop.width; x++) out[at++] = table[picture.data[row + x * CHANNELS] ?? 0] ?? 0;
    }
  }
}
