import { describe, expect, it } from "vitest";
import { bestMatch, continuesWord, drawnRange, namedTokens, toggleToken, tokenLabel } from "./evidence.ts";

describe("namedTokens", () => {
  it("leaves out augmentation tokens, which cover no character of the question", () => {
    const tokens = [
      { text: "rev", start: 0, end: 3 },
      { text: "##enue", start: 3, end: 7 },
      { text: "[MASK]", start: 0, end: 0 },
    ];
    expect(namedTokens(tokens)).toEqual([0, 1]);
    expect(tokens.map(tokenLabel)).toEqual(["rev", "enue", "[MASK]"]);
  });
});

describe("drawnRange", () => {
  it("spans what named tokens score in the cells of a grid, and nothing of the others", () => {
    const tokens = [
      { text: "", start: 0, end: 0 },
      { text: "fare", start: 0, end: 4 },
      { text: "", start: 0, end: 0 },
    ];
    const scores = [
      [0.99, 0.98, null, 0.97],
      [0.1, 0.4, null, 0.3],
      [-0.5, 0.9, null, 0.9],
    ];
    expect(drawnRange({ tokens, scores })).toEqual({ min: 0.1, max: 0.4 });
  });

  it("is undefined where no named token has a score", () => {
    expect(drawnRange({ tokens: [{ text: "", start: 0, end: 0 }], scores: [[0.5]] })).toBeUndefined();
  });
});

describe("bestMatch", () => {
  const explanation = { scores: [[0.2, 0.7], [null, null], []], words: ["net", "sales"] };

  it("is the word in the best box", () => {
    expect(bestMatch(explanation, 0, [])).toEqual({ text: "sales", score: 0.7 });
    expect(bestMatch({ ...explanation, words: [] }, 0, [{ token: 0, score: 0.7 }])).toEqual({ text: "", score: 0.7 });
  });

  it("is the document's name where the hit says so", () => {
    const matches = [
      { token: 1, score: 0.95 },
      { token: 0, score: 0.9, inDocumentName: true },
    ];
    expect(bestMatch(explanation, 0, matches)).toEqual({ text: "file name", score: 0.9 });
  });

  it("is nothing where no vector sits", () => {
    for (const token of [1, 2, 3]) expect(bestMatch(explanation, token, [])).toEqual({ text: "", score: undefined });
  });
});

describe("continuesWord", () => {
  it("joins pieces of a word, but neither the next word nor punctuation", () => {
    const tokens = [
      { text: "rev", start: 0, end: 3 },
      { text: "##enue", start: 3, end: 7 },
      { text: "rose", start: 8, end: 12 },
      { text: "?", start: 12, end: 13 },
    ];
    expect(tokens.map((_, position) => continuesWord(tokens, position))).toEqual([false, true, false, false]);
  });
});

describe("toggleToken", () => {
  const all = [0, 1, 2];

  it("looks at one token alone first, then adds and takes away", () => {
    expect(toggleToken(new Set(all), 1, all)).toEqual(new Set([1]));
    expect(toggleToken(new Set([1]), 2, all)).toEqual(new Set([1, 2]));
    expect(toggleToken(new Set([1, 2]), 1, all)).toEqual(new Set([2]));
  });

  it("is all again when none is left", () => {
    expect(toggleToken(new Set([1]), 1, all)).toEqual(new Set(all));
  });

  it("keeps the only token of a dense question selected", () => {
    expect(toggleToken(new Set([0]), 0, [0])).toEqual(new Set([0]));
  });
});
