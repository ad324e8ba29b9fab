/**
 * Every recipe this build can run, by name.
 *
 * @module
 */
import { MaxleafError, quote } from "../../shared/errors.ts";
import type { Recipe } from "../../shared/recipe/recipe.ts";
import { loadMiniLmDense, minilmDenseRecipe } from "./minilm/dense.ts";
import { loadMiniLmWords, minilmWordsRecipe } from "./minilm/words.ts";
import type { LoadOptions, Model } from "./model.ts";
import { poolModel, pooledRecipe } from "./pooled-model.ts";

export const DEFAULT_RECIPE = minilmWordsRecipe.name;

interface Entry {
  recipe: Recipe;
  load: (options: LoadOptions) => Promise<Model>;
}

const minilmWords: Entry = { recipe: minilmWordsRecipe, load: loadMiniLmWords };

const entries = new Map<string, Entry>(
  [
    minilmWords,
    { recipe: minilmDenseRecipe, load: loadMiniLmDense },
    pooled(minilmWords, 2),
    pooled(minilmWords, 3),
  ].map((entry) => [entry.recipe.name, entry]),
);

function pooled({ recipe, load }: Entry, factor: number): Entry {
  return {
    recipe: pooledRecipe(recipe, factor),
    load: async (options) => await poolModel(await load(options), factor),
  };
}

/** The known recipes, the default first. */
export function listRecipes(): Recipe[] {
  return [...entries.values()].map((entry) => entry.recipe);
}

/** The recipe called `name`. Errors: `recipe_not_found`, listing the known ones. */
export function findRecipe(name: string): Recipe {
  return findEntry(name).recipe;
}

/**
 * Loads the model of a recipe: 0.5 s for the MiniLM family.
 *
 * Errors: `recipe_not_found`, listing the known ones; `model_unavailable` if its weights or the runtime are broken.
 */
export async function loadModel(name: string, options: LoadOptions = {}): Promise<Model> {
  return findEntry(name).load(options);
}

function findEntry(name: string): Entry {
  const entry = entries.get(name);
  if (entry !== undefined) return entry;
  const known = [...entries.keys()].join(", ");
  throw new MaxleafError("recipe_not_found", `there is no recipe ${quote(name)}; this build has ${known}`);
}
