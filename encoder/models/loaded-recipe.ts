/**
 * A recipe as an index is created with it.
 *
 * @module
 */
import type { Recipe } from "../../shared/recipe/recipe.ts";
import type { LoadOptions } from "./model.ts";
import { loadModel } from "./registry.ts";

/**
 * The recipe called `name` as its model is loaded with: only then are the revision and the checksums of its files known,
 * which its fingerprint covers. Takes as long as loading the model. Errors: those of `loadModel`.
 */
export async function loadedRecipe(name: string, options: LoadOptions = {}): Promise<Recipe> {
  const model = await loadModel(name, options);
  await model.dispose();
  return model.recipe;
}
