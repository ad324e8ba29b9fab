import { afterAll, describe, expect, it } from "vitest";
import { recipeFingerprint } from "../../shared/recipe/fingerprint.ts";
import { LocalQueryEncoder } from "./query-encoder.ts";

describe("LocalQueryEncoder", () => {
  const encoder = new LocalQueryEncoder({ threads: 1 });
  afterAll(() => encoder.dispose());

  it("encodes with the recipe that is asked for", async () => {
    const [words, dense] = await Promise.all([
      encoder.encodeQuery("minilm-words", "two words"),
      encoder.encodeQuery("minilm-dense", "two words"),
    ]);
    expect(words).toMatchObject({ dim: 128, tokenCount: 2 });
    expect(dense).toMatchObject({ dim: 384, tokenCount: 1 });
  });

  it("says by which recipe, as it was loaded", async () => {
    const { encoded, loadedRecipe } = await encoder.encode("minilm-words", "two words");
    expect(loadedRecipe.name).toBe("minilm-words");
    expect(encoded.recipeFingerprint).toBe(await recipeFingerprint(loadedRecipe));
  });

  it("says what is wrong with an unknown recipe, every time", async () => {
    for (let attempt = 0; attempt < 2; attempt++) {
      await expect(encoder.encodeQuery("nothing", "two words")).rejects.toMatchObject({ code: "recipe_not_found" });
    }
  });
});
