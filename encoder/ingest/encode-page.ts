/**
 * One rendered page to vectors, for models that work from words and for those that look at pages.
 *
 * @module
 */
import { MaxleafError } from "../../shared/errors.ts";
import type { Model, ModelPage, PageInput } from "../models/model.ts";
import { noTextPage } from "../models/text/no-text.ts";
import type { PageProblem } from "../render/rendered-page.ts";
import type { PageBatcher } from "./page-batcher.ts";

/** A page and, if the model could not take it, why. */
export interface PageEncoding {
  encoded: ModelPage;
  problem?: PageProblem;
}

/**
 * Encodes a page. One that cannot be looked at, because it could not be drawn or has a shape that the model does not take, stays
 * without vectors: the rest of its document goes on.
 *
 * Errors: those of the model, but for `file_unreadable`.
 */
export async function encodePage(
  page: PageInput,
  model: Pick<Model, "pictureLongEdgePx" | "recipe">,
  batcher: Pick<PageBatcher, "encode">,
): Promise<PageEncoding> {
  const { geometry } = model.recipe;
  // What kept it from being drawn, the renderer has said.
  if (model.pictureLongEdgePx !== undefined && page.picture === undefined)
    return { encoded: noTextPage(page, geometry) };
  try {
    return { encoded: await batcher.encode(page) };
  } catch (error) {
    if (!(error instanceof MaxleafError) || error.code !== "file_unreadable") throw error;
    const problem = { code: error.code, reason: `page ${page.pageNumber}: ${error.message}` };
    return { encoded: noTextPage(page, geometry), problem };
  }
}
