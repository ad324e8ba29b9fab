/**
 * A recipe for tests that need one and do not care which.
 *
 * @module
 */
import type { Recipe } from "./recipe.ts";

export function testRecipe(facts: Partial<Recipe> & Pick<Recipe, "dim">): Recipe {
  return {
    name: "test-words",
    model: "none",
    revision: "1",
    interaction: "late",
    geometry: "words",
    queryPrefix: "",
    documentPrefix: "",
    windowTokens: 256,
    windowOverlapTokens: 0,
    pooling: "none",
    projection: "none",
    dropped: "specials",
    extra: {},
    ...facts,
  };
}
