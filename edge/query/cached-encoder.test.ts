import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import type { EncodeResponseBody } from "../../shared/api/encode.ts";
import { testRecipe } from "../../shared/recipe/testing.ts";
import { encodeAnswer, toBase64 } from "../testing/encoder.ts";
import { createCachedEncoder } from "./cached-encoder.ts";

const indexRecipe = testRecipe({ name: "minilm-words", dim: 4 });
const recipe = { name: "minilm-words", fingerprint: "feedfeedfeedfeed", dim: 4 };
const goodAnswer = (query: string) => encodeAnswer(query, recipe, () => Float32Array.of(0.5, 0.5, 0.5, 0.5));

/** A cached encoder over this test's own cache, and the queries that reached the encoder behind it. */
async function setUp(answerTo: (query: string) => EncodeResponseBody = goodAnswer) {
  const asked: string[] = [];
  const cache = await caches.open(crypto.randomUUID());
  const encoder = createCachedEncoder(async (_recipe, query) => {
    asked.push(query);
    return answerTo(query);
  }, cache);
  const encode = async (query: string, fingerprint = recipe.fingerprint) => {
    const context = createExecutionContext();
    const result = await encoder.encode({ recipe: indexRecipe, recipeFingerprint: fingerprint }, query, context);
    await waitOnExecutionContext(context);
    return result;
  };
  return { asked, encode };
}

describe("the cached encoder", () => {
  it("decodes vectors and tokens", async () => {
    const { encode } = await setUp();
    const { encoded, cached } = await encode("two words");
    expect(cached).toBe(false);
    expect(encoded).toMatchObject({ recipeFingerprint: recipe.fingerprint, dim: 4, tokenCount: 2 });
    expect(encoded.vectors).toEqual(new Float32Array(8).fill(0.5));
    expect(encoded.tokens).toEqual([
      { text: "two", start: 0, end: 3 },
      { text: "words", start: 4, end: 9 },
    ]);
  });

  it("asks for a question once", async () => {
    const { encode, asked } = await setUp();
    const first = await encode("two words");
    const second = await encode("two words");
    expect(second).toEqual({ encoded: first.encoded, cached: true });
    await encode("other words");
    expect(asked).toEqual(["two words", "other words"]);
  });

  it("keeps recipes apart", async () => {
    const { encode } = await setUp();
    await encode("two words");
    await expect(encode("two words", "0000000000000000")).rejects.toMatchObject({
      code: "recipe_mismatch",
      message: expect.stringContaining("feedfeedfeedfeed"),
    });
  });

  it("says in which fields the encoder's recipe differs", async () => {
    const loadedRecipe = { ...indexRecipe, revision: "2", extra: { prompt: "Query: " } };
    const { encode } = await setUp((query) => ({ ...goodAnswer(query), recipeFingerprint: "another", loadedRecipe }));
    await expect(encode("two words")).rejects.toMatchObject({
      code: "recipe_mismatch",
      message: expect.stringContaining('they differ in revision: "1" ≠ "2"; extra.prompt: undefined ≠ "Query: "'),
      details: {
        expected: recipe.fingerprint,
        found: "another",
        differences: ['revision: "1" ≠ "2"', 'extra.prompt: undefined ≠ "Query: "'],
      },
    });
  });

  it("does not keep what it refuses", async () => {
    const { encode, asked } = await setUp((query) => ({ ...goodAnswer(query), recipeFingerprint: "another" }));
    await expect(encode("two words")).rejects.toMatchObject({ code: "recipe_mismatch" });
    await expect(encode("two words")).rejects.toMatchObject({ code: "recipe_mismatch" });
    expect(asked).toHaveLength(2);
  });

  it.each([
    ["too few vectors", { vectors: toBase64(new Float32Array(4)) }],
    ["too many vectors", { vectors: toBase64(new Float32Array(12)) }],
    ["half a number", { vectors: btoa("abc") }],
    ["a value that is no number", { vectors: toBase64(new Float32Array(8).fill(Number.NaN)) }],
    ["an endless value", { vectors: toBase64(new Float32Array(8).fill(Number.POSITIVE_INFINITY)) }],
    ["an absurd dimension", { dim: 1_000_000 }],
  ])("refuses %s", async (_, fault) => {
    const { encode } = await setUp((query) => ({ ...goodAnswer(query), ...fault }));
    await expect(encode("two words")).rejects.toMatchObject({ code: "encoder_unavailable" });
  });

  it("calls a query without tokens empty", async () => {
    const { encode } = await setUp((query) => ({ ...goodAnswer(query), tokens: [], vectors: "" }));
    await expect(encode("\u200b")).rejects.toMatchObject({ code: "empty_query" });
  });
});
