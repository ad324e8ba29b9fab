import { describe, expect, it } from "vitest";
import { testRecipe } from "../../shared/recipe/testing.ts";
import type { ModelCard } from "../models/model.ts";
import { modelDetails, modelSummary, modelTable } from "./model-report.ts";

const recipe = testRecipe({ name: "some-model", dim: 128, extra: { prompt: "Query: \n" } });
const card: ModelCard = {
  repository: "someone/some-model",
  files: ["model.onnx", "tokenizer.json"],
  licence: "CC-BY-NC-4.0",
  languages: ["en"],
  parameters: "33 M",
  vectorsPerPage: "one a word piece, and 3 a window",
  backends: ["onnx", "vllm"],
  unverified: ["the output's name"],
};
const lock = {
  formatVersion: 1 as const,
  repository: "someone/some-model",
  commit: "a".repeat(40),
  files: [{ path: "model.onnx", bytes: 1_234_567, sha256: "b".repeat(64) }],
};

describe("modelTable", () => {
  it("has a line per model, English-only ones marked, sizes only where known", () => {
    const languages = ["en", "de", "fr", "es", "it", "pt", "nl"];
    const other = { ...card, bytes: 23_000_000, languages, vectorsPerPage: "1,030" };
    const text = modelTable([
      modelSummary({ recipe, card }, { place: "not here", bytes: undefined, folder: "/m/some-model" }),
      modelSummary({ recipe: { ...recipe, name: "other" }, card: other }, { place: "pulled", bytes: 23_000_000 }),
    ]);
    expect(text.split("\n").map((line) => line.split(/ {2,}/u))).toEqual([
      ["name", "dim", "vectors a page", "parameters", "size", "licence", "languages", "backends", "weights"],
      [
        "some-model",
        "128",
        "one a word piece",
        "33 M",
        "not known",
        "CC-BY-NC-4.0",
        "English only",
        "onnx, vllm",
        "not here",
      ],
      ["other", "128", "1,030", "33 M", "23.0 MB", "CC-BY-NC-4.0", "7 languages", "onnx, vllm", "pulled"],
      [""],
      ["maxleaf models pull NAME fetches a model, maxleaf models show NAME says all about it"],
      [""],
    ]);
  });
});

describe("modelDetails", () => {
  it("prints the whole recipe, the card, checksums and what is not verified", () => {
    const state = { place: "pulled", bytes: 1_234_567, folder: "/m/some-model", lock } as const;
    const text = modelDetails({ recipe, recipeFingerprint: "0123456789abcdef", card, state });
    const lines = text.split("\n").map((line) => line.trim().split(/ {2,}/u));
    for (const [key, value] of Object.entries(recipe)) {
      if (key !== "extra") expect(lines).toContainEqual([key, JSON.stringify(value)]);
    }
    expect(text).toMatch(/^ {2}extra\.prompt +"Query: \\n"$/mu);
    expect(text).toContain("Recipe, as loaded (fingerprint 0123456789abcdef)");
    expect(text).toMatch(new RegExp(`^  commit +${lock.commit}$`, "mu"));
    expect(text).toMatch(new RegExp(`^  model\\.onnx +1,234,567 bytes, sha256 ${"b".repeat(64)}$`, "mu"));
    expect(text).toMatch(/^ {2}languages +English only$/mu);
    expect(text).toContain("  - the output's name\n");
  });
});
