import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MAX_VECTORS_PER_PAGE } from "../../../shared/limits.ts";
import { NO_REGION } from "../../../shared/page.ts";
import type { PageWords } from "../model.ts";
import { bertTokenizerFile, byteLevelTokenizerFile } from "../text/testing-tokenizers.ts";
import { textPage } from "../text/testing.ts";
import { colbertv2 } from "./colbertv2.ts";
import { gteModernColbert } from "./gte-moderncolbert-v1.ts";
import { preparePage } from "./prepare-page.ts";
import { readVocabulary } from "./vocabulary.ts";

const { facts } = colbertv2;
const vocabulary = readVocabulary(facts, await bertTokenizerFile());
const SPECIALS = 3;

const pageOf = (texts: readonly string[]): PageWords => ({
  pageNumber: 1,
  width: 600,
  height: 800,
  words: texts.map((text) => ({ text, box: [0, 0, 1, 1] })),
});

describe("preparePage", () => {
  it("makes every window a document of its own", () => {
    const { windows, vectorCount, words } = preparePage(textPage("word ".repeat(200)), facts, vocabulary);
    expect(windows.map(({ ids }) => ids.length)).toEqual([180, SPECIALS + 23]);
    for (const { ids, wordOfKept } of windows) {
      expect([ids[0], ids[1], ids.at(-1)]).toEqual([101, 2, 102]);
      expect([wordOfKept[0], wordOfKept[1], wordOfKept.at(-1)]).toEqual([NO_REGION, NO_REGION, NO_REGION]);
    }
    expect(vectorCount).toBe(200 + 2 * SPECIALS);
    expect(words).toHaveLength(200);
  });

  it("holds every token once, in order, whatever the words are", () => {
    const word = fc.oneof(fc.string({ unit: "grapheme", maxLength: 8 }), fc.constantFrom("word", "...", "well-kept"));
    const narrow = { ...facts, documentLength: 9 };
    fc.assert(
      fc.property(fc.array(word, { maxLength: 30 }), (texts) => {
        const { windows, words, vectorCount, wordsLeftOut } = preparePage(pageOf(texts), narrow, vocabulary);
        const tokens = words.flatMap((text) => vocabulary.tokenizer.splitWord(text).map(({ id }) => id));
        expect(windows.flatMap(({ ids }) => ids.slice(2, -1))).toEqual(tokens);
        expect(wordsLeftOut).toBe(0);
        const kept = windows.flatMap((window) => window.wordOfKept.filter((region) => region !== NO_REGION));
        const expected = words.flatMap((text, w) =>
          vocabulary.tokenizer.splitWord(text).flatMap(({ id }) => (vocabulary.skiplist.has(id) ? [] : [w])),
        );
        expect(kept).toEqual(expected);
        expect(vectorCount).toBe(kept.length + windows.length * SPECIALS);
        for (const { ids, kept: positions } of windows) {
          expect(ids.length).toBeGreaterThan(SPECIALS);
          expect(ids.length).toBeLessThanOrEqual(9);
          expect(positions.every((position, i) => i === 0 || position > (positions[i - 1] ?? 0))).toBe(true);
        }
      }),
      { numRuns: 300, seed: 1 },
    );
  });

  it("keeps a word whole, and cuts one that is longer than a window", () => {
    const narrow = { ...facts, documentLength: 8 };
    const lengths = (...texts: string[]) =>
      preparePage(pageOf(texts), narrow, vocabulary).windows.map(({ ids }) => ids.length - SPECIALS);
    expect(lengths("one", "two", "three", "well-kept", "four")).toEqual([3, 4]);
    expect(lengths("one", "a-b-c-d", "two")).toEqual([1, 5, 3]);
  });

  it("begins every window as a text begins, without the space before its first word", () => {
    const words = { where: 2811, Ġwhere: 835 };
    const modern = { ...gteModernColbert.facts, documentLength: 5 };
    const file = byteLevelTokenizerFile(modern.tokens, words);
    const { windows } = preparePage(textPage("where where where"), modern, readVocabulary(modern, file));
    expect(windows.map(({ ids }) => ids.slice(2, -1))).toEqual([[2811, 835], [2811]]);
  });

  it("keeps a word of nothing visible as a word", () => {
    const { words, windows } = preparePage(pageOf(["\u200B", "word", "\u200B"]), facts, vocabulary);
    expect(words).toHaveLength(3);
    expect(windows.map(({ wordOfKept }) => wordOfKept)).toEqual([[NO_REGION, NO_REGION, 1, NO_REGION]]);
    expect(preparePage(pageOf(["\u200B"]), facts, vocabulary)).toMatchObject({ windows: [], vectorCount: 0 });
  });

  it("stops at the last vector a page may have and counts what is left of a million words", () => {
    const many = preparePage(pageOf(Array.from({ length: 1_000_000 }, () => "word")), facts, vocabulary);
    // 177 words and 3 specials a window: 364 windows are 65,520 vectors, and 12 words with 3 specials make it 65,535.
    expect(many.windows).toHaveLength(365);
    expect(many.vectorCount).toBe(MAX_VECTORS_PER_PAGE);
    expect(many.words).toHaveLength(364 * 177 + 12);
    expect(many.wordsLeftOut).toBe(1_000_000 - many.words.length);
  });

  it("ends before a word whose vectors no longer fit as a whole", () => {
    const words = Array.from({ length: 364 * 177 + 11 }, () => "word");
    const { vectorCount, wordsLeftOut } = preparePage(pageOf([...words, "well-kept", "word"]), facts, vocabulary);
    expect(vectorCount).toBe(MAX_VECTORS_PER_PAGE - 1);
    expect(wordsLeftOut).toBe(2);
  });

  it("numbers no word beyond the last region, even where words have no vectors", () => {
    const { words, wordsLeftOut } = preparePage(pageOf(Array.from({ length: 70_000 }, () => ".")), facts, vocabulary);
    expect(words).toHaveLength(NO_REGION);
    expect(wordsLeftOut).toBe(70_000 - NO_REGION);
  });
});
