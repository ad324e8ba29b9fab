import { describe, expect, it } from "vitest";
import { keptWords, MIN_PAGE_CONFIDENCE, MIN_WORD_CONFIDENCE } from "./kept-words.ts";
import type { RecognisedWord } from "./protocol.ts";

const word = (text: string, confidence = 0.95): RecognisedWord => ({ text, box: [0.1, 0.2, 0.3, 0.4], confidence });
const texts = (lines: RecognisedWord[][]) => keptWords(lines).map(({ text }) => text);

describe("keptWords", () => {
  it("leaves out words that are likely none", () => {
    const line = [word("the"), word("|", MIN_WORD_CONFIDENCE - 0.01), word("lamp", MIN_WORD_CONFIDENCE)];
    expect(texts([line])).toEqual(["the", "lamp"]);
  });

  it("keeps nothing of a page that is no text in these languages", () => {
    const sure = word("by");
    const page = [[sure, word("4S", 0.1), word("L6G", 0.2), word("pf", 0.4)]];
    expect(page.flat().reduce((sum, { confidence }) => sum + confidence, 0) / 4).toBeLessThan(MIN_PAGE_CONFIDENCE);
    expect(texts(page)).toEqual([]);
    expect(texts([[sure]])).toEqual(["by"]);
    expect(texts([])).toEqual([]);
  });

  it("makes words whole that a line's end cut, past rubbish that is left out", () => {
    const lines = [
      [word("infor-", 0.9), word("_", 0.1)],
      [word("mation"), word("desk")],
    ];
    expect(keptWords(lines).map(({ text, confidence }) => [text, confidence])).toEqual([
      ["information", 0.9],
      ["desk", 0.95],
    ]);
  });

  it("takes out what nobody can read", () => {
    expect(texts([[word("\u200b"), word("ﬁn")]])).toEqual(["fin"]);
  });
});
