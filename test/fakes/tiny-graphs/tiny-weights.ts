/**
 * What a tiny graph is made of: its options, and its seeded weights.
 *
 * @module
 */
import { decodeHalf, encodeHalf } from "../../../encoder/backends/float16.ts";
import { seededRandom } from "../../../shared/seeded-random.ts";

/** Pixels of a model with `pixel_values`, and where their features go. */
export interface TinyPictures {
  /** `colpali`: `[b, 3, 448, 448]`, 32 × 32 patches. `idefics`: `[b, tiles, 3, 512, 512]`, 8 × 8 patches a tile. */
  layout: "colpali" | "idefics";
  /** The n-th position with this id gets the n-th patch. Positions beyond the patches get the last. */
  imageTokenId: number;
  /** Idefics only: an input `pixel_attention_mask` `[b, tiles, 512, 512]`; a tile's features are scaled by its mean. */
  pixelAttentionMask?: boolean | undefined;
}

export interface TinyGraphOptions {
  dim: number;
  seed?: number | undefined;
  outputName?: string | undefined;
  /** An input `token_type_ids`. */
  tokenTypes?: boolean | undefined;
  /** L2-normalised vectors; default true. */
  normalize?: boolean | undefined;
  /** Zero vectors where the attention mask is 0, as ColPali gives them. */
  maskOutput?: boolean | undefined;
  /** Runs of more attended positions fail, as a real graph's do; default: any number. */
  maxPositions?: number | undefined;
  /**
   * Default `float32`. `float16`: weights, arithmetic and output. `int8`: the last product is quantised while it runs, so that
   * vectors differ by some percent from what is expected.
   */
  precision?: "float32" | "float16" | "int8" | undefined;
  /** `pixel_values` are float16 too. */
  halfPixels?: boolean | undefined;
  pictures?: TinyPictures | undefined;
}

/** Width inside. */
export const HIDDEN = 16;
/** A token's embedding is row `id % EMBEDDINGS`, so that any vocabulary's ids can be used. */
export const EMBEDDINGS = 97;
export const TOKEN_TYPES = 2;
/** A position's embedding is row `position % POSITIONS` of a graph without `maxPositions`. */
export const POSITIONS = 31;
export const CHANNELS = 3;

export const PICTURE_SHAPES = {
  colpali: { size: 448, patch: 14 },
  idefics: { size: 512, patch: 64 },
} as const;

/** Row-major matrices, with the values that the graph holds (rounded to half precision if it is so). */
export interface TinyWeights {
  /** `[EMBEDDINGS, HIDDEN]` */
  embeddings: Float32Array;
  /** `[TOKEN_TYPES, HIDDEN]` */
  tokenTypes: Float32Array;
  /** `[maxPositions or POSITIONS, HIDDEN]` */
  positions: Float32Array;
  /** `[CHANNELS, HIDDEN]` */
  pixels: Float32Array;
  /** `[HIDDEN, dim]` */
  projection: Float32Array;
}

export function tinyWeights({ seed = 1, dim, maxPositions, precision = "float32" }: TinyGraphOptions): TinyWeights {
  const random = seededRandom(seed);
  const round = precision === "float16" ? (value: number) => decodeHalf(encodeHalf(value)) : (value: number) => value;
  const matrix = (rows: number, columns: number) =>
    Float32Array.from({ length: rows * columns }, () => round(random.next() * 2 - 1));
  return {
    embeddings: matrix(EMBEDDINGS, HIDDEN),
    tokenTypes: matrix(TOKEN_TYPES, HIDDEN),
    pixels: matrix(CHANNELS, HIDDEN),
    projection: matrix(HIDDEN, dim),
    positions: matrix(maxPositions ?? POSITIONS, HIDDEN),
  };
}
