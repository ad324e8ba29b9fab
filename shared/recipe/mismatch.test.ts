import { describe, expect, it } from "vitest";
import { recipeFingerprint } from "./fingerprint.ts";
import { recipeMismatch, requireSameRecipe } from "./mismatch.ts";
import type { Recipe } from "./recipe.ts";
import { testRecipe } from "./testing.ts";

const recipe = testRecipe({ dim: 8, revision: "a".repeat(40), extra: { prompt: "Query: " } });

async function originOf(changes: Partial<Recipe> = {}) {
  const changed = { ...recipe, ...changes };
  return { recipe: changed, recipeFingerprint: await recipeFingerprint(changed) };
}

describe("requireSameRecipe", () => {
  it("lets equal recipes pass", async () => {
    const [index, model] = [await originOf(), await originOf()];
    expect(() => requireSameRecipe("reports", index, model)).not.toThrow();
  });

  it("names both values of every field that differs", async () => {
    const index = await originOf();
    const model = await originOf({ queryPrefix: "query: ", extra: { prompt: "" } });
    const refused = () => requireSameRecipe("reports", index, model);
    expect(refused).toThrow(
      `index "reports" was made by the recipe "test-words" (${index.recipeFingerprint}), the model here has "test-words" ` +
        `(${model.recipeFingerprint}); they differ in queryPrefix: "" ≠ "query: "; extra.prompt: "Query: " ≠ "". ` +
        "Use the model and the version of Maxleaf that made it, or make it anew",
    );
    expect(refused).toThrow(
      expect.objectContaining({
        code: "recipe_mismatch",
        details: {
          expected: index.recipeFingerprint,
          found: model.recipeFingerprint,
          differences: ['queryPrefix: "" ≠ "query: "', 'extra.prompt: "Query: " ≠ ""'],
        },
      }),
    );
  });

  it("says how to get the weights that the index was made with", async () => {
    const index = await originOf();
    const model = await originOf({ revision: "b".repeat(40) });
    expect(() => requireSameRecipe("reports", index, model)).toThrow(
      `"maxleaf models pull test-words --revision ${"a".repeat(40)}" fetches the model that made it`,
    );
  });

  it("cuts what would make the sentence unreadable", async () => {
    const model = await originOf({ documentPrefix: "x".repeat(10_000) });
    const index = await originOf();
    expect(() => requireSameRecipe("reports", index, model)).toThrow(/^.{300,800}$/u);
  });
});

describe("recipeMismatch", () => {
  it("does without the other recipe", async () => {
    const found = { recipeName: "other", recipeFingerprint: "0f0f0f0f0f0f0f0f" };
    const error = recipeMismatch("the index", await originOf(), "the encoder", found);
    expect(error.message).toContain('the encoder has "other" (0f0f0f0f0f0f0f0f). Use the model');
  });
});
