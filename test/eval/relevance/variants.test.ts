import { describe, expect, it } from "vitest";
import { type TokenTable, wordAround } from "./token-table.ts";
import { BASE, type Variant, variants } from "./variants.ts";

/** Two documents of two pages; one question "What whales?" of three tokens. */
const table: TokenTable = {
  dataset: {
    name: "set",
    corpus: { kind: "texts", texts: [] },
    queries: [{ id: "q", text: "What whales?", judgements: new Map() }],
    unjudgedQueries: 0,
  },
  queries: [
    {
      recipeFingerprint: "",
      dim: 1,
      tokenCount: 3,
      vectors: new Float32Array(3),
      tokens: [
        { text: "what", start: 0, end: 4 },
        { text: "whales", start: 5, end: 11 },
        { text: "?", start: 11, end: 12 },
      ],
    },
  ],
  firstToken: [0],
  scores: [
    [0.5, 0.5, 0.25, 0.25],
    [0.25, 1, 0.5, 0.5],
    [0.5, 0.25, 0.25, 0.25],
  ].map((row) => Float32Array.from(row)),
  pages: [0, 0, 1, 1].map((document, at) => ({ key: `p${at}`, document, vectorCount: 9, nameVectorCount: 2 })),
  keywords: [[-Infinity, 4, 2, 2]],
  nameScores: [
    [0, 0],
    [0.75, 0.25],
    [0, 0],
  ].map((row) => Float32Array.from(row)),
  documentFrequency: [0.1, 0.001, 1],
};

const variant = (group: string, name: string): Variant => {
  const found = variants[group]?.find((tried) => tried.name === name);
  if (found === undefined) throw new Error(`no ${name}`);
  return found;
};
const scoresOf = (group: string, name: string) => Array.from(variant(group, name).score(table, 0));

describe("variants", () => {
  it("begin from the plain sum", () => {
    expect(Array.from(BASE.score(table, 0))).toEqual([1.25, 1.75, 1, 1]);
  });

  it("weigh tokens by their words", () => {
    expect(scoresOf("query token weights", "without punctuation")).toEqual([0.75, 1.5, 0.75, 0.75]);
    expect(scoresOf("query token weights", "without stop words")).toEqual([0.25, 1, 0.5, 0.5]);
    // Rarities 1/3, 1 and 0.
    const [first] = scoresOf("query token weights", "idf, floor .5");
    expect(first).toBeCloseTo((0.5 + 0.5 / 3) * 0.5 + 0.25 + 0.5 * 0.5, 6);
  });

  it("add what the document, its name and its pages say", () => {
    expect(scoresOf("document name", "document name, 1")).toEqual([1.75, 1.75, 1, 1]);
    expect(scoresOf("neighbouring pages", "neighbouring pages, 0.1")).toEqual([1.25 + 0.175, 1.75 + 0.125, 1.1, 1.1]);
    expect(scoresOf("document context", "best pages of the document, 1")).toEqual([2.75, 3.25, 2, 2]);
    expect(scoresOf("sum with BM25", "BM25, 0.5")[1]).toBeCloseTo(1, 6);
    expect(scoresOf("page length", "length prior −0.01")[2]).toBeCloseTo(1 - 0.03 * Math.log(10), 6);
  });
});

describe("variants of all that a search has", () => {
  const together = "document name, length prior and words";

  it("score by the best of page and name, less a prior of all vectors", () => {
    const less = 0.03 * 3 * Math.log(12);
    const scores = scoresOf("document name and length prior", "−0.03");
    expect(scores).toEqual([1.75, 1.75, 1, 1].map((sum) => expect.closeTo(sum - less, 6)));
  });

  it("add words as a search fuses them", () => {
    // Vectors scaled to 1, 1, 0, 0 and words to 0, 1, .5, .5.
    const scores = scoresOf(together, "−0.03, BM25 0.1");
    expect(scores).toEqual([0.9, 1, 0.05, 0.05].map((score) => expect.closeTo(score, 6)));
  });

  it("rank only pages with vectors", () => {
    const pages = table.pages.map((page, at) => (at === 1 ? { ...page, vectorCount: 0, nameVectorCount: 0 } : page));
    const scores = Array.from(variant(together, "−0.03, BM25 0.1").score({ ...table, pages }, 0));
    expect(scores[1]).toBe(Number.NEGATIVE_INFINITY);
    expect(scores[0]).toBeGreaterThan(scores[2] ?? Infinity);
  });
});

describe("wordAround", () => {
  it("finds the word that a piece belongs to", () => {
    expect(wordAround("FY2022's margin", 2, 6)).toBe("fy2022");
    expect(wordAround("FY2022's margin", 6, 7)).toBe("'");
  });
});
