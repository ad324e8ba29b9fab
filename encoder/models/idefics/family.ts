/**
 * Models on Idefics3: colSmol (SmolVLM) and ColModernVBERT. A page is its tiles, row by row, 64 tokens each, and the whole page
 * in one more tile, with markers between them.
 *
 * Sources: `Idefics3Processor` of transformers for the sequence, colpali-engine (`ColIdefics3Processor`,
 * `ColModernVBertProcessor`) for the prompts, DeskRAG (guyettinger/DeskRAG, `colsmol-prompt`, `colmodernvbert-prompt`) for
 * the ids, which it measured on the models' own tokenizers.
 *
 * @module
 */
import { NO_REGION } from "../../../shared/page.ts";
import type { Recipe } from "../../../shared/recipe/recipe.ts";
import { type IdPadding, type PageLayout, PICTURE_RECIPE, type PictureFamily, repeat } from "../images/family.ts";
import {
  noTilePixels,
  TILE_SIDE_PX,
  TILE_TOKENS_SIDE,
  TILED_LONG_EDGE_PX,
  tileGrid,
  tileMask,
  tilePixels,
} from "../images/tiles.ts";

const TILE_TOKENS = TILE_TOKENS_SIDE ** 2;
/** `<row_1_col_1>`, `<row_1_col_2>` …: six ids a row, whatever the grid. */
const TILE_IDS_A_ROW = 6;
/** Of the largest grid: 4 × 4. */
const MAX_TILES_SIDE = TILED_LONG_EDGE_PX / TILE_SIDE_PX;
/** `<end_of_utterance>`: room for the model to think of more. */
const AUGMENTATION_TOKENS = 10;

/** Ids of one vocabulary. */
export interface IdeficsIds {
  /** What stands before and after every sequence: [CLS] and [SEP], or nothing. */
  open: readonly number[];
  close: readonly number[];
  /** The prompt before the picture: `…User:`. */
  user: readonly number[];
  fake: number;
  global: number;
  /** `<row_1_col_1>`. */
  firstTile: number;
  image: number;
  newline: number;
  /** Two newlines meet after the last row and are one token. */
  doubleNewline: number;
  /** `Describe the image.` */
  describe: readonly number[];
  endOfUtterance: number;
  /** `\nAssistant:` */
  assistant: readonly number[];
}

export interface IdeficsTraits {
  name: string;
  model: string;
  /** Commit of the card's repository; `unpinned` where none is known. */
  revision: string;
  prompt: string;
  ids: IdeficsIds;
  padding: IdPadding;
  /** Whether the graph takes `pixel_attention_mask`. */
  pixelMask: boolean;
  engine: string;
}

export function ideficsFamily(traits: IdeficsTraits): PictureFamily {
  const { ids, pixelMask, padding } = traits;
  const masked = (pixels: ReturnType<typeof tilePixels>) => ({
    pixel_values: pixels,
    ...(pixelMask && { pixel_attention_mask: tileMask(pixels.dims[0] ?? 1) }),
  });
  return {
    pageLayout: (size) => {
      const { rows, columns } = tileGrid(size);
      return ideficsLayout(ids, rows, columns);
    },
    pageTensors: (picture) => masked(tilePixels(picture)),
    queryTensors: () => masked(noTilePixels()),
    tensorSpecs: {
      pixel_values: { type: "float32" },
      ...(pixelMask && { pixel_attention_mask: { type: "int64", optional: true } }),
    },
    queryPrefix: "",
    queryFrame: {
      before: ids.open,
      after: [...repeat(ids.endOfUtterance, AUGMENTATION_TOKENS), ...ids.close],
    },
    padding,
  };
}

/** The sequence of a page of `rows` × `columns` tiles. Cells are those of the whole page: 8 × 8 of each tile. */
export function ideficsLayout(ids: IdeficsIds, rows: number, columns: number): PageLayout {
  const sequence: number[] = [...ids.open, ...ids.user];
  const regions: number[] = repeat(NO_REGION, sequence.length);
  const put = (id: number, region = NO_REGION) => {
    sequence.push(id);
    regions.push(region);
  };
  const cellColumns = columns * TILE_TOKENS_SIDE;
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      put(ids.fake);
      put(ids.firstTile + row * TILE_IDS_A_ROW + column);
      for (let token = 0; token < TILE_TOKENS; token++) {
        const cellRow = row * TILE_TOKENS_SIDE + Math.floor(token / TILE_TOKENS_SIDE);
        put(ids.image, cellRow * cellColumns + column * TILE_TOKENS_SIDE + (token % TILE_TOKENS_SIDE));
      }
    }
    put(row === rows - 1 ? ids.doubleNewline : ids.newline);
  }
  put(ids.fake);
  put(ids.global);
  for (let token = 0; token < TILE_TOKENS; token++) put(ids.image);
  for (const id of [ids.fake, ...ids.describe, ids.endOfUtterance, ...ids.assistant, ...ids.close]) put(id);
  return {
    ids: sequence,
    columns: cellColumns,
    rows: rows * TILE_TOKENS_SIDE,
    regionOfPosition: Uint16Array.from(regions),
  };
}

export function ideficsRecipe(traits: IdeficsTraits): Recipe {
  const { name, model, revision, prompt, ids, padding, engine } = traits;
  const { queryFrame } = ideficsFamily(traits);
  return {
    ...PICTURE_RECIPE,
    name,
    model,
    revision,
    queryPrefix: "",
    documentPrefix: prompt,
    windowTokens: ideficsLayout(ids, MAX_TILES_SIDE, MAX_TILES_SIDE).ids.length,
    extra: {
      engine,
      resize: `long edge ${TILED_LONG_EDGE_PX}, then up to multiples of ${TILE_SIDE_PX}, Lanczos a=3 antialiased (Pillow)`,
      tiles: `${TILE_SIDE_PX} px row-major, whole page last, ${TILE_TOKENS} tokens each`,
      scaling: "1/255 mean 0.5 std 0.5",
      grid: `${TILE_TOKENS_SIDE}x${TILE_TOKENS_SIDE} a tile, whole page nowhere`,
      ids: JSON.stringify(ids),
      queryIds: `${queryFrame.before.join(" ")} … ${queryFrame.after.join(" ")}`.trim(),
      padding: `${padding.id} ${padding.side}`,
    },
  };
}
