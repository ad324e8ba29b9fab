import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { recipeFingerprint } from "../../shared/recipe/fingerprint.ts";
import { recipeSchema } from "../../shared/recipe/recipe.ts";
import { DEFAULT_RECIPE, findEntry, findRecipe, listEntries, listRecipes, loadModel } from "./registry.ts";
import { modelFilePathSchema } from "./store/model-lock.ts";

const nowhere = await mkdtemp(join(tmpdir(), "maxleaf-no-models-"));
afterAll(() => rm(nowhere, { recursive: true, force: true }));

const embedded = listEntries().filter(({ card }) => card.backends.includes("embedded"));
const others = listEntries().filter(({ card }) => !card.backends.includes("embedded"));

describe("the registry", () => {
  it("lists the recipes, the default first, none twice", () => {
    const names = listRecipes().map((recipe) => recipe.name);
    expect(names.slice(0, 4)).toEqual(["minilm-words", "minilm-dense", "minilm-words-pool2", "minilm-words-pool3"]);
    expect(names[0]).toBe(DEFAULT_RECIPE);
    expect(new Set(names).size).toBe(names.length);
  });

  it.each(embedded)("loads what this package has the weights of: $recipe.name", async ({ recipe }) => {
    const model = await loadModel(recipe.name, { threads: 1, modelsFolder: nowhere });
    expect(model.recipe).toEqual(findRecipe(recipe.name));
    await model.dispose();
  });

  it.each(others)("says how to get what is not here: $recipe.name", async ({ recipe }) => {
    await expect(loadModel(recipe.name, { modelsFolder: nowhere })).rejects.toMatchObject({
      code: "model_unavailable",
    });
  });

  it.each(listEntries())("describes $recipe.name completely", ({ recipe, card }) => {
    expect(recipeSchema.parse(recipe)).toEqual(recipe);
    // Names are folders, and parts of commands.
    expect(recipe.name).toMatch(/^[a-z0-9][a-z0-9.-]*$/u);
    expect(card.languages.length).toBeGreaterThan(0);
    expect(card.backends.length).toBeGreaterThan(0);
    expect([card.licence, card.parameters, card.vectorsPerPage]).not.toContain("");
    for (const file of card.files) expect(modelFilePathSchema.parse(file)).toBe(file);
    expect(card.repository ?? "in/here").toMatch(/^[\w.-]+\/[\w.-]+$/u);
  });

  it("is documented, recipe by recipe", async () => {
    const text = await readFile(new URL("../../docs/models.md", import.meta.url), "utf8");
    const [table = ""] = text.split("\n\n").filter((block) => block.startsWith("| recipe |"));
    const documented = table.split("\n").slice(2);
    expect(documented.map((row) => /`([^`]+)`/u.exec(row)?.[1])).toEqual(listRecipes().map(({ name }) => name));
    for (const [at, { recipe, card }] of listEntries().entries()) {
      const cells = documented[at]?.split("|").map((cell) => cell.trim()) ?? [];
      expect(cells[2]).toBe(String(recipe.dim));
      expect(card.vectorsPerPage.startsWith(cells[3] ?? "?")).toBe(true);
      expect(cells.slice(4, 6)).toEqual([card.parameters, card.licence]);
      expect(cells[6]).toBe(card.languages.join() === "en" ? "English only" : card.languages.join(", "));
      expect(cells[7]?.replace("your own ", "")).toBe(card.backends.join(", "));
    }
  });

  it("has no two recipes with one fingerprint", async () => {
    const prints = await Promise.all(listRecipes().map((recipe) => recipeFingerprint(recipe)));
    expect(new Set(prints).size).toBe(prints.length);
  });

  it.each(["no-such", "", "constructor", "__proto__"])("does not know %j, and says what it knows", async (name) => {
    const known = listRecipes().map((recipe) => recipe.name);
    const error = {
      code: "recipe_not_found",
      message: `there is no recipe ${JSON.stringify(name)}; this build has ${known.join(", ")}`,
    };
    await expect(loadModel(name)).rejects.toMatchObject(error);
    expect(() => findEntry(name)).toThrow(error.message);
  });
});
