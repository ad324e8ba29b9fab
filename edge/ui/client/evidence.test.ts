import { describe, expect, it } from "vitest";
import { continuesWord, namedTokens, toggleToken, tokenLabel } from "./evidence.ts";

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
