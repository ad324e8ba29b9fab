import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { COORDINATE_MAX } from "../../../shared/page.ts";
import { recipeSchema } from "../../../shared/recipe/recipe.ts";
import type { Model } from "../model.ts";
import { loadMiniLmDense } from "./dense.ts";
import { textPage } from "../text/testing.ts";

let model: Model;

beforeAll(async () => {
  model = await loadMiniLmDense();
});
afterAll(() => model.dispose());

const cosine = (a: Float32Array, b: Float32Array) => a.reduce((sum, value, d) => sum + value * (b[d] ?? 0), 0);

describe("minilm-dense", () => {
  it("has a valid recipe", () => {
    expect(recipeSchema.parse(model.recipe)).toEqual(model.recipe);
  });

  it("gives one vector of length 1 per window, in the box around its words", async () => {
    // 300 words of one piece: 254 in the first window, 46 in the second.
    const [page] = await model.encodePages([textPage(Array.from({ length: 300 }, () => "word").join(" "))]);
    expect(page).toMatchObject({ status: "searchable", vectorCount: 2, geometry: { kind: "regions" } });
    expect([...(page?.geometry.regionOfVector ?? [])]).toEqual([0, 1]);
    const seam = Math.round((254 / 300) * COORDINATE_MAX);
    const bottom = Math.round(COORDINATE_MAX / 2);
    expect([...(page?.geometry.boxes ?? [])]).toEqual([0, 0, seam, bottom, seam, 0, COORDINATE_MAX, bottom]);
    expect(Math.hypot(...(page?.vectors.subarray(0, 384) ?? []))).toBeCloseTo(1, 5);
    expect(Math.hypot(...(page?.vectors.subarray(384) ?? []))).toBeCloseTo(1, 5);
  });

  it("gives a question one vector, the same that a page of its words has", async () => {
    const text = "What is late interaction?";
    const query = await model.encodeQuery(text);
    const [page] = await model.encodePages([textPage(text)]);
    expect(query).toMatchObject({ dim: 384, tokenCount: 1, tokens: [{ text, start: 0, end: text.length }] });
    expect(query.vectors).toEqual(page?.vectors);
  });

  it("puts paraphrases close and strangers apart", async () => {
    const [question, paraphrase, stranger] = await Promise.all(
      ["How do I reset my password?", "I forgot my login, how can I change it?", "Whales are mammals."].map((text) =>
        model.encodeQuery(text),
      ),
    );
    if (question === undefined || paraphrase === undefined || stranger === undefined) throw new Error("unreachable");
    expect(cosine(question.vectors, paraphrase.vectors)).toBeGreaterThan(0.5);
    expect(cosine(question.vectors, stranger.vectors)).toBeLessThan(0.2);
  });

  it("has no vectors for a page without words", async () => {
    const [page] = await model.encodePages([textPage("")]);
    expect(page).toMatchObject({ status: "no-text", vectorCount: 0, geometry: { kind: "regions" } });
  });
});
