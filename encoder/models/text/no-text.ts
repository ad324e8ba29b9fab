/**
 * A page with nothing that a text recipe could read. It is stored and shown all the same.
 *
 * @module
 */
import type { GeometryKind } from "../../../shared/recipe/recipe.ts";
import type { ModelPage, PageWords } from "../model.ts";

/** `page` with status `no-text` and no vectors. */
export function noTextPage(page: PageWords, kind: GeometryKind): ModelPage {
  return {
    pageNumber: page.pageNumber,
    width: page.width,
    height: page.height,
    status: "no-text",
    vectorCount: 0,
    vectors: new Float32Array(0),
    geometry: { kind, boxes: new Uint16Array(0), columns: 0, rows: 0, regionOfVector: new Uint16Array(0) },
    text: "",
    wordsLeftOut: 0,
  };
}
