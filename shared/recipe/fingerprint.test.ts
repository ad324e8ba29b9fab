import { describe, expect, it } from "vitest";
import { explainMismatch, recipeFingerprint } from "./fingerprint.ts";
import { recipeSchema, type Recipe } from "./recipe.ts";

const recipe: Recipe = recipeSchema.parse({
  name: "example",
  model: "org/model",
  revision: "1",
  dim: 128,
  interaction: "late",
  geometry: "words",
  queryPrefix: "",
  documentPrefix: "",
  windowTokens: 256,
  windowOverlapTokens: 0,
  pooling: "none",
  projection: "none",
  dropped: "specials",
  extra: { b: "2", a: "1" },
});

describe("recipeFingerprint", () => {
  it("is 16 hex digits of the SHA-256 of the JSON with sorted keys", async () => {
    // By Python: sha256(json.dumps(recipe, sort_keys=True, separators=(",", ":")))
    expect(await recipeFingerprint(recipe)).toBe("df542d75126cb253");
  });

  it("is what it was for recipes without a length prior", async () => {
    expect(await recipeFingerprint({ ...recipe, lengthPrior: undefined })).toBe(await recipeFingerprint(recipe));
    expect(recipeSchema.parse(recipe)).not.toHaveProperty("lengthPrior");
  });

  it.each([0, -0.03, 1.5, Number.NaN])("does not take a length prior of %j", (lengthPrior) => {
    expect(recipeSchema.safeParse({ ...recipe, lengthPrior }).success).toBe(false);
  });

  it("does not depend on the order of the fields", async () => {
    const reversed = recipeSchema.parse(Object.fromEntries(Object.entries(recipe).reverse()));
    const sorted = { ...reversed, extra: { a: "1", b: "2" } };
    expect(await recipeFingerprint(sorted)).toBe(await recipeFingerprint(recipe));
  });

  it("depends on every field", async () => {
    const original = await recipeFingerprint(recipe);
    const changes: Partial<Recipe>[] = [
      { name: "other" },
      { revision: "2" },
      { dim: 64 },
      { interaction: "dense" },
      { windowTokens: 128 },
      { projection: "abc" },
      { tokenPooling: 2 },
      { tokenPooling: 3 },
      { lengthPrior: 0.03 },
      { lengthPrior: 0.05 },
      { extra: { a: "1" } },
      { extra: { a: "1", b: "3" } },
    ];
    const prints = await Promise.all(changes.map((change) => recipeFingerprint({ ...recipe, ...change })));
    expect(new Set([original, ...prints]).size).toBe(changes.length + 1);
  });
});

describe("explainMismatch", () => {
  it("names the fields that differ, with both values", () => {
    expect(explainMismatch(recipe, { ...recipe, dim: 64, extra: { a: "1" } })).toEqual([
      "dim: 128 ≠ 64",
      'extra.b: "2" ≠ undefined',
    ]);
  });

  it("is empty for equal recipes", () => {
    expect(explainMismatch(recipe, { ...recipe, extra: { a: "1", b: "2" } })).toEqual([]);
  });
});
