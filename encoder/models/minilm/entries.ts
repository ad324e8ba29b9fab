/**
 * The recipes of MiniLM, whose weights are in this package.
 *
 * @module
 */
import type { ModelCard, RegistryEntry } from "../model.ts";
import { poolModel, pooledRecipe } from "../pooled-model.ts";
import { loadMiniLmDense, minilmDenseRecipe } from "./dense.ts";
import { SPECIALS_PER_WINDOW, WINDOW_TOKENS } from "./trunk.ts";
import { weightsFiles } from "./weights.ts";
import { loadMiniLmWords, minilmWordsRecipe } from "./words.ts";

/** Facts and their sources: `weights/MODEL_CARD.md`. */
const card = {
  repository: undefined,
  files: [],
  bytes: Object.values(weightsFiles).reduce((sum, { byteLength }) => sum + byteLength, 0),
  licence: "Apache-2.0",
  languages: ["en"],
  parameters: "22.7 M",
  backends: ["embedded"],
  unverified: [],
} as const satisfies Partial<ModelCard>;

const words: RegistryEntry = {
  recipe: minilmWordsRecipe,
  card: { ...card, vectorsPerPage: "one a word piece" },
  load: loadMiniLmWords,
};

const dense: RegistryEntry = {
  recipe: minilmDenseRecipe,
  card: { ...card, vectorsPerPage: `one for ${WINDOW_TOKENS - SPECIALS_PER_WINDOW} word pieces` },
  load: loadMiniLmDense,
};

export const minilmEntries: readonly RegistryEntry[] = [words, dense, pooled(words, 2), pooled(words, 3)];

function pooled({ recipe, card: unpooled, load }: RegistryEntry, factor: number): RegistryEntry {
  return {
    recipe: pooledRecipe(recipe, factor),
    card: { ...unpooled, vectorsPerPage: `one for ${factor} word pieces` },
    load: async (options) => await poolModel(await load(options), factor),
  };
}
