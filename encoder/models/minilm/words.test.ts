import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { NO_REGION } from "../../../shared/page.ts";
import { recipeFingerprint } from "../../../shared/recipe/fingerprint.ts";
import { recipeSchema } from "../../../shared/recipe/recipe.ts";
import type { Model, ModelPage } from "../model.ts";
import { textPage } from "../text/testing.ts";
import { MAX_NAME_PIECES } from "./name-vectors.ts";
import { loadMiniLmWords } from "./words.ts";

let model: Model;

beforeAll(async () => {
  model = await loadMiniLmWords();
});
afterAll(() => model.dispose());

async function encodePage(text: string): Promise<ModelPage> {
  const [page] = await model.encodePages([textPage(text)]);
  if (page === undefined) throw new Error("no page came back");
  return page;
}

/** Σ over query rows of the best dot product with a page row. */
function maxSim(query: Float32Array, page: Float32Array, dim: number): number {
  const dot = (a: number, b: number) =>
    query.subarray(a, a + dim).reduce((sum, value, d) => sum + value * (page[b + d] ?? 0), 0);
  let score = 0;
  for (let q = 0; q < query.length; q += dim) {
    let best = -1;
    for (let p = 0; p < page.length; p += dim) best = Math.max(best, dot(q, p));
    score += best;
  }
  return score;
}

describe("minilm-words", () => {
  it("has a valid recipe and its fingerprint", async () => {
    expect(recipeSchema.parse(model.recipe)).toEqual(model.recipe);
    expect(model.recipeFingerprint).toBe(await recipeFingerprint(model.recipe));
  });

  it("gives a vector of length 1 for every word piece, in its word's box", async () => {
    const page = await encodePage("Well-kept libraries, of course.");
    expect(page).toMatchObject({
      pageNumber: 1,
      status: "searchable",
      vectorCount: 8,
      text: "Well-kept libraries, of course.",
      wordsLeftOut: 0,
      geometry: { kind: "words", columns: 0, rows: 0 },
    });
    expect([...page.geometry.regionOfVector]).toEqual([0, 0, 0, 1, 1, 2, 3, 3]);
    expect(page.geometry.boxes).toHaveLength(4 * 4);
    for (let row = 0; row < page.vectorCount; row++) {
      expect(Math.hypot(...page.vectors.subarray(row * 128, (row + 1) * 128))).toBeCloseTo(1, 5);
    }
  });

  it("encodes questions exactly as pages", async () => {
    const text = "how does lift depend on the angle of attack?";
    const page = await encodePage(text);
    const query = await model.encodeQuery(text);
    expect(query.vectors).toEqual(page.vectors);
    expect(query).toMatchObject({ dim: 128, tokenCount: page.vectorCount, recipeFingerprint: model.recipeFingerprint });
    expect(query.tokens).toHaveLength(query.tokenCount);
  });

  it("gives a page the same vectors whatever is encoded with it", async () => {
    const alone = await encodePage("the quick brown fox");
    const [, together] = await model.encodePages([
      textPage("other words ".repeat(200)),
      textPage("the quick brown fox"),
    ]);
    expect(together?.vectors).toEqual(alone.vectors);
  });

  it("keeps the order of pages that are encoded side by side", async () => {
    const other = await loadMiniLmWords({ threads: 2 });
    const texts = ["first page ".repeat(300), "second", "", "the fourth page ".repeat(100)];
    const pages = await other.encodePages(texts.map((text) => textPage(text)));
    await other.dispose();
    for (const [i, text] of texts.entries()) expect(pages[i]).toEqual(await encodePage(text));
  });

  it("covers a page of several windows to its last word", async () => {
    const page = await encodePage("unbelievable ".repeat(600));
    expect(page.vectorCount).toBe(600);
    expect(page.geometry.regionOfVector.at(-1)).toBe(599);
    expect(Math.hypot(...page.vectors.subarray(-128))).toBeCloseTo(1, 5);
    // 254 words fill a window: the next window begins like the first one.
    expect(page.vectors.subarray(254 * 128, 255 * 128)).toEqual(page.vectors.subarray(0, 128));
  });

  it("prefers the page that answers", async () => {
    const query = await model.encodeQuery("what does the cat eat?");
    const cat = await encodePage("Our kitten is fed fish and chicken twice a day.");
    const bank = await encodePage("The bank raised its interest rates by half a percent.");
    expect(maxSim(query.vectors, cat.vectors, 128)).toBeGreaterThan(maxSim(query.vectors, bank.vectors, 128) + 1);
  });

  it.each(["", " ", "\u200B"])("has no vectors for a page of %j", async (text) => {
    expect(await encodePage(text)).toMatchObject({ status: "no-text", vectorCount: 0, text: "" });
  });

  it("gives a page the vectors of its document's name besides its own", async () => {
    const named = { ...textPage("Net sales rose."), documentName: "reports/Pfizer_2023Q2_10Q.pdf" };
    const [page] = await model.encodePages([named]);
    const own = await encodePage("Net sales rose.");
    // p fi zer 202 3 q 2 10 q
    const name = await encodePage("Pfizer 2023Q2 10Q");
    expect(own.nameVectorCount).toBeUndefined();
    expect(page).toEqual({
      ...own,
      vectorCount: own.vectorCount + 9,
      vectors: Float32Array.from([...own.vectors, ...name.vectors]),
      geometry: {
        ...own.geometry,
        regionOfVector: Uint16Array.from([...own.geometry.regionOfVector, ...Array<number>(9).fill(NO_REGION)]),
      },
      nameVectorCount: 9,
    });
  });

  it("leaves a page's own vectors as they are, whatever its document is called", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.string({ unit: "grapheme", maxLength: 40 }),
        fc.lorem({ maxCount: 30 }),
        async (name, text) => {
          const [page] = await model.encodePages([{ ...textPage(text), documentName: name }]);
          const own = await encodePage(text);
          const count = own.vectorCount;
          expect(page?.vectors.subarray(0, count * 128)).toEqual(own.vectors);
          expect(page?.geometry.regionOfVector.subarray(0, count)).toEqual(own.geometry.regionOfVector);
          const added = (page?.vectorCount ?? 0) - count;
          expect(added).toBeLessThanOrEqual(MAX_NAME_PIECES);
          expect(page?.nameVectorCount ?? 0).toBe(added);
        },
      ),
      { numRuns: 25, seed: 5 },
    );
  });

  it("has nothing of the name on a page without words, nor of a name without any", async () => {
    const [empty, unnamed] = await model.encodePages([
      { ...textPage(""), documentName: "report.pdf" },
      { ...textPage("some words"), documentName: "---.pdf" },
    ]);
    expect(empty).toEqual(await encodePage(""));
    expect(unnamed).toEqual(await encodePage("some words"));
  });

  it("refuses empty and overlong questions", async () => {
    await expect(model.encodeQuery(" ")).rejects.toMatchObject({ code: "empty_query" });
    await expect(model.encodeQuery("word ".repeat(511))).rejects.toMatchObject({ code: "query_too_long" });
  });
});
