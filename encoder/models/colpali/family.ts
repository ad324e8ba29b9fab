/**
 * ColPali: PaliGemma with a projection. A page is 1,024 picture tokens, 32 × 32 cells, and six of a prompt.
 *
 * Sources: colpali-engine (`ColPaliProcessor`, versions 0.3.0 to 0.3.14), fastembed (`late_interaction_multimodal/colpali.py`)
 * for the ids, `preprocessor_config.json` of vidore/colpali-v1.3-merged.
 *
 * @module
 */
import { NO_REGION } from "../../../shared/page.ts";
import type { Recipe } from "../../../shared/recipe/recipe.ts";
import { cellsInOrder, PICTURE_RECIPE, type PictureFamily, repeat } from "../images/family.ts";
import { resizePicture } from "../images/resample.ts";
import { noSquashedPixels, SQUASHED_SIDE_PX, squashedPixels } from "../images/squash.ts";

const GRID_SIDE = 32;
export const PAGE_TOKENS = GRID_SIDE * GRID_SIDE;

const BOS_ID = 2;
const PAD_ID = 0;
const NEWLINE_ID = 108;
const IMAGE_ID = 257_152;
/** `<bos>Describe the image.\n`. */
const PROMPT_IDS = [BOS_ID, 50_721, 573, 2_416, 235_265, NEWLINE_ID];
/** `<pad>`, attended: room for the model to think of more. */
const AUGMENTATION_TOKENS = 10;

/** vLLM puts `<image>` × 1024 and `<bos>` before it and a newline after it by itself, as PaliGemma's processor does. */
export const COLPALI_CHAT_TEMPLATE = "Describe the image.";

/** What differs between the versions. */
export interface ColpaliTraits {
  name: string;
  model: string;
  /** `Question: ` or `Query: `: it drifted from release to release of colpali-engine. */
  queryPrefix: string;
  /** The release that the prefix was taken from. */
  engine: string;
}

const PAGE_IDS = [...repeat(IMAGE_ID, PAGE_TOKENS), ...PROMPT_IDS];
const QUERY_AFTER = [...repeat(PAD_ID, AUGMENTATION_TOKENS), NEWLINE_ID];

export function colpaliFamily({ queryPrefix }: ColpaliTraits): PictureFamily {
  const regionOfPosition = cellsInOrder(PAGE_IDS, IMAGE_ID, NO_REGION);
  return {
    pageLayout: () => ({ ids: PAGE_IDS, columns: GRID_SIDE, rows: GRID_SIDE, regionOfPosition }),
    pageTensors: (picture) => ({ pixel_values: squashedPixels(picture) }),
    queryTensors: () => ({ pixel_values: noSquashedPixels() }),
    serverPicture: (picture) => resizePicture(picture, SQUASHED_SIDE_PX, SQUASHED_SIDE_PX, "bicubic"),
    tensorSpecs: { pixel_values: { type: "float32" } },
    queryPrefix,
    queryFrame: { before: [BOS_ID], after: QUERY_AFTER },
    padding: { id: PAD_ID, side: "right" },
  };
}

export function colpaliRecipe({ name, model, queryPrefix, engine }: ColpaliTraits): Recipe {
  return {
    ...PICTURE_RECIPE,
    name,
    model,
    revision: "unpinned",
    queryPrefix,
    documentPrefix: "<image><bos>Describe the image.\n",
    windowTokens: PAGE_IDS.length,
    extra: {
      engine,
      resize: `squash ${SQUASHED_SIDE_PX}x${SQUASHED_SIDE_PX} bicubic a=-0.5 antialiased (Pillow)`,
      scaling: "1/255 mean 0.5 std 0.5",
      grid: `${GRID_SIDE}x${GRID_SIDE} row-major`,
      imageId: String(IMAGE_ID),
      promptIds: PROMPT_IDS.join(" "),
      queryIds: `${BOS_ID} … ${QUERY_AFTER.join(" ")}`,
      padding: `${PAD_ID} right`,
    },
  };
}
