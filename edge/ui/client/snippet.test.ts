import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { markWords, matchedWords, tellingMatches, wordKey } from "./snippet.ts";

describe("wordKey", () => {
  it("ignores case and the punctuation around a word, not inside it", () => {
    expect(wordKey("“Sales,”")).toBe("sales");
    expect(wordKey("(year-end)")).toBe("year-end");
    expect(wordKey("ΠΛΗΡΩΜΉ.")).toBe("πληρωμή");
    expect(wordKey("—")).toBe("");
  });
});

describe("tellingMatches", () => {
  const tokens = ["what", "energy", "?"].map((text, start) => ({ text, start, end: start + 1 }));
  const matches = [
    { token: 0, score: 0.7, text: "air" },
    { token: 1, score: 0.9, text: "Energy," },
    { token: 2, score: 0.7, text: "Lighting" },
  ];

  it("leaves out what function words and punctuation matched", () => {
    expect(tellingMatches(matches, tokens)).toEqual([matches[1]]);
  });

  it("keeps everything of a question made of function words", () => {
    const ends = matches.filter((match) => match.token !== 1);
    expect(tellingMatches(ends, tokens)).toEqual(ends);
  });
});

describe("matchedWords", () => {
  it("leaves out function words, bare punctuation and matches without a word", () => {
    const matches = [
      { token: 0, score: 1, text: "the" },
      { token: 1, score: 0.9, text: "Revenue," },
      { token: 2, score: 0.9, text: "?" },
      { token: 3, score: 0.4 },
    ];
    expect([...matchedWords(matches)]).toEqual(["revenue"]);
  });
});

describe("markWords", () => {
  it("marks every occurrence of a word", () => {
    expect(markWords("Revenue rose; revenue, again.", new Set(["revenue"]))).toEqual([
      { text: "Revenue", marked: true },
      { text: " rose; ", marked: false },
      { text: "revenue,", marked: true },
      { text: " again.", marked: false },
    ]);
  });

  it("loses no character of the snippet", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), fc.array(fc.string()), (snippet, keys) => {
        const parts = markWords(snippet, new Set(keys.map(wordKey).filter((key) => key !== "")));
        expect(parts.map((part) => part.text).join("")).toBe(snippet);
      }),
    );
  });
});
