/**
 * What the families of models that look at pages have in common: a page is a picture and a sequence of token ids, some of
 * which stand for cells of the page; a question is a sequence of token ids.
 *
 * @module
 */
import type { Recipe } from "../../../shared/recipe/recipe.ts";
import type { ItemTensor } from "../../backends/contract.ts";
import type { GraphInputSpec } from "../../backends/onnx/graph-spec.ts";
import type { PagePicture } from "../model.ts";

/** A page's sequence. */
export interface PageLayout {
  ids: readonly number[];
  columns: number;
  rows: number;
  /** `[ids]`: row · columns + column of the cell that a position stands for, or `NO_REGION`. */
  regionOfPosition: Uint16Array;
}

/** A question's sequence: `before`, the words, `after`. */
export interface QueryFrame {
  before: readonly number[];
  after: readonly number[];
}

/** How sequences of different length are made equal. */
export interface IdPadding {
  id: number;
  side: "left" | "right";
}

/** Pure functions of one family with one recipe's data. */
export interface PictureFamily {
  /** Errors: `file_unreadable` for a shape that the model does not take. */
  pageLayout(size: Pick<PagePicture, "width" | "height">): PageLayout;
  /** Inputs of the graph beside ids and mask. */
  pageTensors(picture: PagePicture): Readonly<Record<string, ItemTensor>>;
  /** The same for a question, which has no picture. */
  queryTensors(): Readonly<Record<string, ItemTensor>>;
  /**
   * What a server gets instead of tensors: the picture at the size at which the model looks at it, so that the server's own
   * resizing, whichever it is, does nothing. Absent: the model tiles, and gets the page as it is.
   */
  serverPicture?: ((picture: PagePicture) => PagePicture) | undefined;
  /** The tensors above, as a graph has to declare them. */
  readonly tensorSpecs: Readonly<Record<string, GraphInputSpec>>;
  /** Text put before a question's own. */
  readonly queryPrefix: string;
  readonly queryFrame: QueryFrame;
  readonly padding: IdPadding;
}

/** What all recipes that look at pages have alike. */
export const PICTURE_RECIPE = {
  dim: 128,
  interaction: "late",
  geometry: "grid",
  windowOverlapTokens: 0,
  pooling: "none",
  projection: "none",
  dropped: "none",
} as const satisfies Partial<Recipe>;

/** Row after row of `columns` × `rows` cells, at the positions of `ids` that hold `imageId`; the others are nowhere. */
export function cellsInOrder(ids: readonly number[], imageId: number, nowhere: number): Uint16Array {
  let cell = 0;
  return Uint16Array.from(ids, (id) => (id === imageId ? cell++ : nowhere));
}

export function repeat(id: number, count: number): number[] {
  return Array.from({ length: count }, () => id);
}
