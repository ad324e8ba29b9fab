import { readFileSync } from "node:fs";
import { Tokenizer } from "@huggingface/tokenizers";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { loadTokenizer, type WordTokenizer } from "./tokens.ts";
import { WEIGHTS_FOLDER } from "./weights.ts";

let tokenizer: WordTokenizer;

beforeAll(async () => {
  tokenizer = await loadTokenizer();
});

const idsOf = (text: string) => text.split(/\s+/).flatMap((word) => tokenizer.splitWord(word).map((piece) => piece.id));

describe("splitWord", () => {
  it.each([
    ["hello world", [7592, 2088]],
    ["Hello WORLD", [7592, 2088]],
    // As BertTokenizer of transformers splits it.
    ["state-of-the-art", [2110, 1011, 1997, 1011, 1996, 1011, 2396]],
    ["Schrödinger's", [8040, 8093, 7716, 9912, 1005, 1055]],
    ["東京", [1879, 1755]],
    // U+00AD, a hyphen that shows only at a line's end, and a zero-width space are no part of a word.
    ["hel\u00ADlo \u200B", [7592]],
    ["😀", [100]],
    ["a".repeat(101), [100]],
    ["[SEP]", [1031, 19802, 1033]],
  ])("splits %j into its ids", (text, ids) => {
    expect(idsOf(text)).toEqual(ids);
  });

  it("says which characters of the word each piece stands for", () => {
    const word = "Schrödinger's";
    const parts = tokenizer.splitWord(word).map(({ text, start, end }) => [text, word.slice(start, end)]);
    expect(parts).toEqual([
      ["sc", "Sc"],
      ["hr", "hr"],
      ["od", "öd"],
      ["inger", "inger"],
      ["'", "'"],
      ["s", "s"],
    ]);
  });

  it("keeps a combining mark with its letter", () => {
    expect(tokenizer.splitWord("e\u0301te\u0301")).toEqual([
      { id: 3802, text: "et", start: 0, end: 3 },
      { id: 2063, text: "e", start: 3, end: 5 },
    ]);
  });

  it("shows an unknown word as it is written", () => {
    expect(tokenizer.splitWord("(😀)")).toEqual([
      { id: 1006, text: "(", start: 0, end: 1 },
      { id: 100, text: "😀", start: 1, end: 3 },
      { id: 1007, text: ")", start: 3, end: 4 },
    ]);
  });

  it("finds nothing in what shows nothing", () => {
    for (const word of ["", "\u200B", "\u0000", "\uD800"]) expect(tokenizer.splitWord(word)).toEqual([]);
  });

  it("gives the ids of the tokenizer over the whole text", () => {
    const read = (name: string): unknown => JSON.parse(readFileSync(new URL(name, WEIGHTS_FOLDER), "utf8"));
    const whole = new Tokenizer(read("tokenizer.json"), read("tokenizer_config.json"));
    const letter = fc.constantFrom(...Array.from("abcxyzABCÄéß09.,-'()%$東"), " ", "\n");
    fc.assert(
      fc.property(fc.string({ unit: letter, maxLength: 60 }), (text) => {
        expect(idsOf(text)).toEqual(whole.encode(text, { add_special_tokens: false }).ids);
      }),
      { numRuns: 300, seed: 1 },
    );
  });

  it("never points outside the word, nor backwards", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", maxLength: 30 }), (word) => {
        let previousStart = 0;
        for (const { start, end } of tokenizer.splitWord(word)) {
          expect(start).toBeGreaterThanOrEqual(previousStart);
          expect(end).toBeGreaterThan(start);
          expect(end).toBeLessThanOrEqual(word.length);
          previousStart = start;
        }
      }),
      { numRuns: 1000, seed: 2 },
    );
  });
});
