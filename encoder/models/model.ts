/**
 * What every encoder promises: pages in, page vectors out; a question in, query vectors out. The indexer, the service
 * and the evaluation know nothing else of a model.
 *
 * @module
 */
import type { EncodedQuery } from "../../shared/engine/contract.ts";
import type { EncodedPage, TextSource } from "../../shared/page.ts";
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
  /** Where the words come from; absent: `layer`. */
  textSource?: TextSource | undefined;
  /** Of the document that it is of, for recipes that search names (`Recipe.documentNamePieces`); absent: a name that says nothing. */
  documentName?: string | undefined;
}

/** A page's pixels: RGB, row-major `[height, width, 3]`. */
export interface PagePicture {
  width: number;
  height: number;
  data: Uint8Array;
}

/** What is encoded: the page's words and, for a model that looks at pages, its picture. */
export interface PageInput extends PageWords {
  picture?: PagePicture | undefined;
}

/** An encoded page and what had to be left out of it. */
export interface ModelPage extends EncodedPage {
  /** Words at the page's end that no longer fitted into `MAX_VECTORS_PER_PAGE`; 0 on any ordinary page. */
  wordsLeftOut: number;
  /** How many of the vectors, its last, are of the document's name; absent: none. */
  nameVectorCount?: number | undefined;
}

/** A loaded model. One instance serves many concurrent calls; they queue inside. */
export interface Model {
  readonly recipe: Recipe;
  readonly recipeFingerprint: string;
  /** Long edge of the picture that it wants of every page, in pixels; undefined: it works from words. */
  readonly pictureLongEdgePx?: number | undefined;
  /**
   * Encodes pages, in order: one result per page. What a page becomes depends on nothing but the page and its document's
   * name. A page without words comes back with status `no-text` and no vectors.
   */
  encodePages(pages: readonly PageInput[]): Promise<ModelPage[]>;
  /** Encodes a question. Errors: `empty_query`, `query_too_long`. */
  encodeQuery(text: string): Promise<EncodedQuery>;
  /**
   * Frees what the next call opens again, in about a second: nothing will be asked for a while. What is asked meanwhile is
   * answered. Absent: there is nothing, or it would take long.
   */
  rest?(): Promise<void>;
  /**
   * While it is `needed`, pages are encoded one at a time, with as little memory as that takes: another job has use for both memory and
   * cores. Absent: nothing can be given.
   */
  makeRoom?(needed: boolean): Promise<void>;
  /** Frees the session; the model must not be used afterwards. */
  dispose(): Promise<void>;
}

export interface LoadOptions {
  /** Cores to use: threads of one inference call or, where a recipe runs several side by side, sessions. Default: all. */
  threads?: number | undefined;
  /** Folder with the model's files, instead of where `maxleaf models pull` puts them. */
  modelFolder?: string | undefined;
  /** Where `maxleaf models pull` puts models, one folder each. */
  modelsFolder?: string | undefined;
  /** Where graphs run; default `cpu`. `cuda` is never replaced by the CPU in silence. */
  executionProvider?: "cpu" | "cuda" | undefined;
  /** A vLLM server for recipes that run there. */
  vllm?:
    | { baseUrl: string; apiKey?: string | undefined; onWarning?: ((message: string) => void) | undefined }
    | undefined;
}

/** What people want to know before they choose a model, and where its files come from. */
export interface ModelCard {
  /** Of the hub, `owner/name`; undefined: the weights are in this package. */
  repository: string | undefined;
  /** Paths in the repository that the recipe needs. */
  files: readonly string[];
  /** Size of all files together, about, where a source tells it. */
  bytes?: number | undefined;
  /** SPDX, or as the authors put it. */
  licence: string;
  /** BCP 47, or `multilingual`. */
  languages: readonly string[];
  /** `22 M`. */
  parameters: string;
  /** `one a word piece`, `1,030`. */
  vectorsPerPage: string;
  backends: readonly ("embedded" | "onnx" | "vllm")[];
  /** What could not be confirmed on the machine where the recipe was written; shown to the user. */
  unverified: readonly string[];
}

/** A recipe that can be used by name. */
export interface RegistryEntry {
  recipe: Recipe;
  card: ModelCard;
  /** Errors: `model_unavailable`, naming the missing file and the command that fetches it. */
  load: (options: LoadOptions) => Promise<Model>;
}
