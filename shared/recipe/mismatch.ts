/**
 * The refusal of vectors that may not be compared: it says which fields of the recipes differ, and what to do.
 *
 * @module
 */
import { MaxleafError, quote } from "../errors.ts";
import { explainMismatch } from "./fingerprint.ts";
import type { Recipe } from "./recipe.ts";

/** What made vectors: the recipe as it was when its model was loaded, and its fingerprint. */
export interface VectorOrigin {
  recipe: Recipe;
  recipeFingerprint: string;
}

/** The other side's; an encoder of an older version does not send its recipe. */
export interface OtherOrigin {
  recipeName: string;
  recipe?: Recipe | undefined;
  recipeFingerprint: string;
}

/** A value in the sentence: a checksum of 64 digits with its name, whole. */
const MAX_DIFFERENCE_CHARS = 240;

/** Throws {@link recipeMismatch} unless the fingerprints are equal. `index` is a name. */
export function requireSameRecipe(index: string, indexed: VectorOrigin, model: VectorOrigin): void {
  if (indexed.recipeFingerprint === model.recipeFingerprint) return;
  const { recipe, recipeFingerprint } = model;
  throw recipeMismatch(`index ${quote(index)}`, indexed, "the model here", {
    recipeName: recipe.name,
    recipe,
    recipeFingerprint,
  });
}

/**
 * `recipe_mismatch` in a sentence for people; its details have the differences one by one.
 *
 * @param subject - `index "reports"`.
 * @param other - Who has the other recipe: `the encoder`.
 */
export function recipeMismatch(
  subject: string,
  indexed: VectorOrigin,
  other: string,
  found: OtherOrigin,
): MaxleafError {
  const { recipe, recipeFingerprint } = indexed;
  const differences = found.recipe === undefined ? [] : explainMismatch(recipe, found.recipe);
  const names = `${quote(recipe.name)} (${recipeFingerprint}), ${other} has ${quote(found.recipeName)} (${found.recipeFingerprint})`;
  const why = differences.map((difference) => shorten(difference)).join("; ");
  return new MaxleafError(
    "recipe_mismatch",
    `${subject} was made by the recipe ${names}${why === "" ? "" : `; they differ in ${why}`}. ${wayOut(recipe, found)}`,
    { details: { expected: recipeFingerprint, found: found.recipeFingerprint, differences } },
  );
}

function shorten(difference: string): string {
  return difference.length <= MAX_DIFFERENCE_CHARS ? difference : `${difference.slice(0, MAX_DIFFERENCE_CHARS)}…`;
}

function wayOut(recipe: Recipe, found: OtherOrigin): string {
  const isCommit = /^[0-9a-f]{40}$/u.test(recipe.revision);
  if (isCommit && found.recipe?.name === recipe.name && found.recipe.revision !== recipe.revision) {
    return `"maxleaf models pull ${recipe.name} --revision ${recipe.revision}" fetches the model that made it; or make it anew`;
  }
  return "Use the model and the version of Maxleaf that made it, or make it anew";
}
