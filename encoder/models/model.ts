/**
 * What every encoder promises: pages in, page vectors out; a question in, query vectors out. The indexer, the service
 * and the evaluation know nothing else of a model.
 *
 * @module
 */
import type { EncodedQuery } from "../../shared/engine/contract.ts";
import type { EncodedPage } from "../../shared/page.ts";
import type { Recipe } from "../../shared/recipe/recipe.ts";

/** A word of a page, from its text layer or its OCR. */
export interface PageWord {
  text: string;
  /** Left, top, right, bottom as fractions 0…1 of the page as shown (rotation applied). */
  box: readonly [number, number, number, number];
}

/** A page as the renderer hands it to a text recipe: its words in reading order. Empty means "no text layer". */
export interface PageWords {
  /** 1-based, as a PDF viewer counts. */
  pageNumber: number;
  /** As shown, in points or pixels: only their ratio matters. */
  width: number;
  height: number;
  words: readonly PageWord[];
}

/** An encoded page and what had to be left out of it. */
export interface ModelPage extends EncodedPage {
  /** Words at the page's end that no longer fitted into `MAX_VECTORS_PER_PAGE`; 0 on any ordinary page. */
  wordsLeftOut: number;
}

/** A loaded model. One instance serves many concurrent calls; they queue inside. */
export interface Model {
  readonly recipe: Recipe;
  readonly recipeFingerprint: string;
  /**
   * Encodes pages, in order: one result per page. What a page becomes depends on nothing but the page. A page without
   * words comes back with status `no-text` and no vectors.
   */
  encodePages(pages: readonly PageWords[]): Promise<ModelPage[]>;
  /** Encodes a question. Errors: `empty_query`, `query_too_long`. */
  encodeQuery(text: string): Promise<EncodedQuery>;
  /** Frees the session; the model must not be used afterwards. */
  dispose(): Promise<void>;
}

export interface LoadOptions {
  /** Threads of one inference call; default: what the runtime chooses (the physical cores). */
  threads?: number | undefined;
}
