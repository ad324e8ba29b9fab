import { Tokenizer } from "@huggingface/tokenizers";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bertTokenizerFile, byteLevelTokenizerFile, unigramTokenizerFile } from "./testing-tokenizers.ts";
import { readTokenizer } from "./word-tokenizer.ts";

const specials = { cls: { text: "<s>", id: 0 }, sep: { text: "</s>", id: 2 } };
const byteLevel = byteLevelTokenizerFile(specials, {
  the: 10,
  Ġthe: 11,
  Ġthere: 12,
  é: 13,
  "'s": 14,
  東京: 15,
  ".": 16,
});
const unigram = unigramTokenizerFile(specials, { ".": 5, "▁": 6, a: 7, b: 8, "▁the": 9, re: 10, 東京: 11, é: 12 });

const kinds = [
  { kind: "WordPiece", file: await bertTokenizerFile() },
  { kind: "byte-level BPE", file: byteLevel },
  { kind: "Unigram", file: unigram },
];

const word = fc
  .string({ unit: fc.constantFrom(...Array.from("therabé'.東京😀\u0301\u200B1$x")), minLength: 1, maxLength: 12 })
  .filter((text) => !/\s/u.test(text));

function split(file: Uint8Array, words: readonly string[]) {
  const tokenizer = readTokenizer(file, { name: "test" });
  return words.map((text, i) => tokenizer.splitWord(text, i === 0 ? "first" : "next"));
}

describe.each(kinds)("a $kind tokenizer", ({ file }) => {
  it("gives word by word the ids of the whole text", () => {
    const whole = new Tokenizer(JSON.parse(new TextDecoder().decode(file)), {});
    const ours = readTokenizer(file, { name: "test" });
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 6 }), (words) => {
        const ids = words.flatMap((text, i) => ours.splitWord(text, i === 0 ? "first" : "next").map(({ id }) => id));
        expect(ids).toEqual(whole.encode(words.join(" "), { add_special_tokens: false }).ids);
      }),
      { numRuns: 300, seed: 1 },
    );
  });

  it("never points outside the word, nor backwards", () => {
    const ours = readTokenizer(file, { name: "test" });
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", minLength: 1, maxLength: 20 }), fc.boolean(), (text, first) => {
        let previousStart = 0;
        for (const { start, end } of ours.splitWord(text, first ? "first" : "next")) {
          expect(start).toBeGreaterThanOrEqual(previousStart);
          expect(end).toBeGreaterThan(start);
          expect(end).toBeLessThanOrEqual(text.length);
          previousStart = start;
        }
      }),
      { numRuns: 500, seed: 2 },
    );
  });
});

describe("pieces", () => {
  const parts = (file: Uint8Array, ...words: string[]) =>
    split(file, words).map((pieces, w) => pieces.map(({ start, end }) => words[w]?.slice(start, end)));

  it("of bytes point at whole characters, the space before a word left out", () => {
    expect(parts(byteLevel, "the", "there's", "東京", "😀")).toEqual([
      ["the"],
      ["there", "'s"],
      // The space, then the characters that the vocabulary has.
      ["東", "東京"],
      ["😀", "😀", "😀", "😀", "😀"],
    ]);
  });

  it("of metaspace point at the word's characters", () => {
    expect(parts(unigram, "the", "東京.", "x")).toEqual([["the"], ["東", "東京", "."], ["x", "x"]]);
  });

  it("of a letter that is composed when normalised share the whole word", () => {
    expect(parts(byteLevel, "e\u0301.")).toEqual([["e\u0301.", "e\u0301."]]);
  });

  it("of a word of 200,000 characters are all there, whatever the tokenizer", () => {
    for (const { file } of kinds) {
      const long = `${"a".repeat(9_999)}😀${"a.".repeat(95_000)}`;
      const pieces = split(file, [long]).flat();
      expect(pieces[0]?.start).toBe(0);
      expect(pieces.at(-1)?.end).toBe(long.length);
      expect(pieces.every(({ start, end }, i) => start < end && start >= (pieces[i - 1]?.start ?? 0))).toBe(true);
      expect(pieces.some(({ start, end }) => long.slice(start, end) === "😀")).toBe(file !== kinds[0]?.file);
    }
  });

  it("tell the unknown", () => {
    expect(readTokenizer(unigram, { name: "test" }).unknownId).toBe(3);
    expect(readTokenizer(byteLevel, { name: "test" }).unknownId).toBeUndefined();
    expect(
      split(unigram, ["x"])
        .flat()
        .map(({ id }) => id),
    ).toEqual([6, 3]);
  });
});

describe("readTokenizer", () => {
  it.each([
    ["no JSON", "{", "JSON"],
    ["no tokenizer", "{}", "pre_tokenizer"],
    ["an unknown model", JSON.stringify({ pre_tokenizer: { type: "BertPreTokenizer" }, model: { type: "None" } }), ""],
  ])("refuses %s", (_, text, why) => {
    expect(() => readTokenizer(new TextEncoder().encode(text), { name: "some-model" })).toThrow(
      expect.objectContaining({
        code: "model_unavailable",
        message: expect.stringMatching(new RegExp(`^the tokenizer of some-model cannot be read: .*${why}`, "su")),
      }),
    );
  });
});
