/**
 * ColQwen2 and ColQwen2.5: Qwen2-VL and Qwen2.5-VL with a projection. A page is up to 768 picture tokens in its own aspect and
 * eleven of a prompt.
 *
 * Sources: colpali-engine (`ColQwen2Processor`, `ColQwen2_5_Processor` 0.3.10), vidore/colqwen2-v0.1's configuration for the
 * limits; the ids are those of Qwen2's vocabulary (transformers' Qwen2-VL tests have them: 151644 872 198 … 74785 279 2168 13
 * 151645).
 *
 * @module
 */
import { NO_REGION } from "../../../shared/page.ts";
import type { Recipe } from "../../../shared/recipe/recipe.ts";
import { cellsInOrder, PICTURE_RECIPE, type PictureFamily, repeat } from "../images/family.ts";
import {
  MAX_PIXELS,
  MERGED_PATCHES_SIDE,
  MIN_PIXELS,
  noPatchPixels,
  PATCH_SIDE_PX,
  patchPixels,
  smartResize,
  TOKEN_SIDE_PX,
  tokenGrid,
} from "../images/patches.ts";
import { resizePicture } from "../images/resample.ts";

const IMAGE_ID = 151_655;
const END_OF_TEXT_ID = 151_643;
/** `<|im_start|>user\n<|vision_start|>`. */
const BEFORE_IMAGE = [151_644, 872, 198, 151_652];
/** `<|vision_end|>Describe the image.<|im_end|><|endoftext|>`. */
const AFTER_IMAGE = [151_653, 74_785, 279, 2_168, 13, 151_645, END_OF_TEXT_ID];
/** `<|endoftext|>`: room for the model to think of more. */
const AUGMENTATION_TOKENS = 10;
export const COLQWEN_PROMPT =
  "<|im_start|>user\n<|vision_start|><|image_pad|><|vision_end|>Describe the image.<|im_end|><|endoftext|>";

export interface ColqwenTraits {
  name: string;
  model: string;
  queryPrefix: string;
  /** The release of colpali-engine that prompt and prefix were taken from. */
  engine: string;
}

const QUERY_AFTER = repeat(END_OF_TEXT_ID, AUGMENTATION_TOKENS);
const MAX_PICTURE_TOKENS = MAX_PIXELS / TOKEN_SIDE_PX ** 2;

export function colqwenFamily({ queryPrefix }: ColqwenTraits): PictureFamily {
  return {
    pageLayout: (size) => {
      const { columns, rows } = tokenGrid(size);
      const ids = [...BEFORE_IMAGE, ...repeat(IMAGE_ID, columns * rows), ...AFTER_IMAGE];
      return { ids, columns, rows, regionOfPosition: cellsInOrder(ids, IMAGE_ID, NO_REGION) };
    },
    pageTensors: (picture) => {
      const { pixelValues, gridThw } = patchPixels(picture);
      return { pixel_values: pixelValues, image_grid_thw: gridThw };
    },
    queryTensors: () => {
      const { pixelValues, gridThw } = noPatchPixels();
      return { pixel_values: pixelValues, image_grid_thw: gridThw };
    },
    serverPicture: (picture) => {
      const { width, height } = smartResize(picture);
      return resizePicture(picture, width, height, "bicubic");
    },
    tensorSpecs: { pixel_values: { type: "float32" }, image_grid_thw: { type: "int64" } },
    queryPrefix,
    queryFrame: { before: [], after: QUERY_AFTER },
    padding: { id: END_OF_TEXT_ID, side: "left" },
  };
}

export function colqwenRecipe({ name, model, queryPrefix, engine }: ColqwenTraits): Recipe {
  return {
    ...PICTURE_RECIPE,
    name,
    model,
    revision: "unpinned",
    queryPrefix,
    documentPrefix: COLQWEN_PROMPT,
    windowTokens: BEFORE_IMAGE.length + MAX_PICTURE_TOKENS + AFTER_IMAGE.length,
    extra: {
      engine,
      resize: `smart_resize factor ${TOKEN_SIDE_PX} min ${MIN_PIXELS} max ${MAX_PIXELS} px, bicubic a=-0.5 antialiased (Pillow)`,
      patches: `${PATCH_SIDE_PX} px, merged ${MERGED_PATCHES_SIDE}x${MERGED_PATCHES_SIDE}, temporal 2`,
      scaling: "1/255 CLIP mean and std",
      grid: "width/28 x height/28 row-major",
      imageId: String(IMAGE_ID),
      promptIds: `${BEFORE_IMAGE.join(" ")} … ${AFTER_IMAGE.join(" ")}`,
      queryIds: `… ${QUERY_AFTER.join(" ")}`,
      padding: `${END_OF_TEXT_ID} left`,
    },
  };
}
