import { describe, expect, it } from "vitest";
import { DEFAULT_RECIPE, findRecipe, listRecipes, loadModel } from "./registry.ts";

describe("the registry", () => {
  it("lists the recipes, the default first", () => {
    expect(listRecipes().map((recipe) => recipe.name)).toEqual([
      "minilm-words",
      "minilm-dense",
      "minilm-words-pool2",
      "minilm-words-pool3",
    ]);
    expect(listRecipes()[0]?.name).toBe(DEFAULT_RECIPE);
  });

  it.each(listRecipes())("loads what it lists: $name", async (recipe) => {
    const model = await loadModel(recipe.name, { threads: 1 });
    expect(model.recipe).toEqual(findRecipe(recipe.name));
    await model.dispose();
  });

  it.each(["colpali", "", "constructor", "__proto__"])("does not know %j, and says what it knows", async (name) => {
    await expect(loadModel(name)).rejects.toMatchObject({
      code: "recipe_not_found",
      message: `there is no recipe ${JSON.stringify(name)}; this build has minilm-words, minilm-dense, minilm-words-pool2, minilm-words-pool3`,
    });
  });
});
