/**
 * Which vectors a script measures: options that several take alike.
 *
 * @module
 */
import { DEFAULT_RECIPE } from "../../encoder/models/registry.ts";
import { encodeVectorSet, readVectorSet, type VectorSet } from "./vector-set.ts";

/** For `parseArgs`. */
export const SET_OPTIONS = {
  /** A data set as `maxleaf eval` takes it, … */
  dataset: { type: "string" },
  recipe: { type: "string", default: DEFAULT_RECIPE },
  cache: { type: "string", default: "build/eval" },
  "max-tokens": { type: "string" },
  /** … or vectors in NumPy's archives, an array a page or query. */
  pages: { type: "string" },
  queries: { type: "string" },
} as const;

export interface SetOptions {
  dataset?: string | undefined;
  recipe: string;
  cache: string;
  "max-tokens"?: string | undefined;
  pages?: string | undefined;
  queries?: string | undefined;
}

/** The vectors that `options` name. */
export async function loadSet(options: SetOptions): Promise<VectorSet> {
  const { dataset, recipe, cache, pages, queries } = options;
  if (pages !== undefined) return await readVectorSet(pages, queries);
  if (dataset === undefined) throw new Error("--dataset or --pages is needed");
  const maxTokens = options["max-tokens"] === undefined ? undefined : Number(options["max-tokens"]);
  return await encodeVectorSet({ folder: dataset, recipe, cacheFolder: cache, maxTokens });
}
