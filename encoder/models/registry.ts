/**
 * Every recipe this build can run, by name.
 *
 * @module
 */
import { MaxleafError, quote } from "../../shared/errors.ts";
import type { Recipe } from "../../shared/recipe/recipe.ts";
import { colbertEntries } from "./colbert/index.ts";
import { imageEntries } from "./images/index.ts";
import { minilmEntries } from "./minilm/entries.ts";
import { minilmWordsRecipe } from "./minilm/words.ts";
import type { LoadOptions, Model, RegistryEntry } from "./model.ts";

export const DEFAULT_RECIPE = minilmWordsRecipe.name;

const families: readonly (readonly RegistryEntry[])[] = [minilmEntries, colbertEntries, imageEntries];

const entries = new Map(families.flat().map((entry) => [entry.recipe.name, entry]));

/** The known recipes with their cards, the default first. */
export function listEntries(): RegistryEntry[] {
  return [...entries.values()];
}

/** The known recipes as they are before their files are opened, the default first. */
export function listRecipes(): Recipe[] {
  return listEntries().map((entry) => entry.recipe);
}

/** The recipe called `name`. Errors: `recipe_not_found`, listing the known ones. */
export function findRecipe(name: string): Recipe {
  return findEntry(name).recipe;
}

/** The recipe called `name` with its card. Errors: `recipe_not_found`, listing the known ones. */
export function findEntry(name: string): RegistryEntry {
  const entry = entries.get(name);
  if (entry !== undefined) return entry;
  const known = [...entries.keys()].join(", ");
  throw new MaxleafError("recipe_not_found", `there is no recipe ${quote(name)}; this build has ${known}`);
}

/**
 * Loads the model of a recipe: 0.5 s for the MiniLM family.
 *
 * Errors: `recipe_not_found`, listing the known ones; `model_unavailable` if its weights are not here or are not what their lock
 * says, or the runtime is broken.
 */
export async function loadModel(name: string, options: LoadOptions = {}): Promise<Model> {
  return findEntry(name).load(options);
}
