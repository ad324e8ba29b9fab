import { beforeAll, describe, expect, it } from "vitest";
import { MAX_QUERY_CHARS, MAX_QUERY_TOKENS, MAX_VECTORS_PER_PAGE } from "../../../shared/limits.ts";
import { COORDINATE_MAX } from "../../../shared/page.ts";
import type { PageWord, PageWords } from "../model.ts";
import { preparePage, prepareQuery } from "./prepare.ts";
import { loadTokenizer, type WordTokenizer } from "./tokens.ts";

let tokenizer: WordTokenizer;

beforeAll(async () => {
  tokenizer = await loadTokenizer();
});

const wholePage = [0, 0, 1, 1] as const;
const pageOf = (...words: PageWord[]): PageWords => ({ pageNumber: 3, width: 600, height: 800, words });

describe("preparePage", () => {
  it("numbers the words and keeps their boxes", () => {
    const page = preparePage(
      pageOf({ text: "Well-kept", box: [0, 0.25, 0.5, 1] }, { text: "world", box: [0.1, 0.2, 0.3, 0.4] }),
      tokenizer,
    );
    expect(page).toEqual({
      words: ["Well-kept", "world"],
      boxes: Uint16Array.of(
        ...[0, 0.25, 0.5, 1, 0.1, 0.2, 0.3, 0.4].map((fraction) => Math.round(fraction * COORDINATE_MAX)),
      ),
      ids: [2092, 1011, 2921, 2088],
      wordOfToken: [0, 0, 0, 1],
      wordsLeftOut: 0,
    });
  });

  it("splits a word at white space, because the text separates words by spaces", () => {
    const { words, wordOfToken } = preparePage(
      pageOf({ text: " hello\u00A0world\n", box: wholePage }, { text: " ", box: wholePage }),
      tokenizer,
    );
    expect(words).toEqual(["hello", "world"]);
    expect(wordOfToken).toEqual([0, 1]);
  });

  it("keeps a word without tokens as a word", () => {
    const { words, wordOfToken } = preparePage(
      pageOf({ text: "\u200B", box: wholePage }, { text: "world", box: wholePage }),
      tokenizer,
    );
    expect(words).toHaveLength(2);
    expect(wordOfToken).toEqual([1]);
  });

  it("cuts boxes at the page's edge and refuses what is no number", () => {
    const { boxes } = preparePage(pageOf({ text: "word", box: [-0.2, 0, 1.5, 1] }), tokenizer);
    expect([...boxes]).toEqual([0, 0, COORDINATE_MAX, COORDINATE_MAX]);
    expect(() => preparePage(pageOf({ text: "word", box: [0, Number.NaN, 1, 1] }), tokenizer)).toThrow(
      'the box of "word" on page 3 is [0, NaN, 1, 1]',
    );
  });

  it("stops at the last vector a page may have and counts what is left", () => {
    const tooMany = MAX_VECTORS_PER_PAGE + 5;
    const words = Array.from({ length: tooMany }, () => ({ text: "word", box: wholePage }));
    const plain = preparePage(pageOf(...words), tokenizer);
    expect(plain.ids).toHaveLength(MAX_VECTORS_PER_PAGE);
    expect(plain.words).toHaveLength(MAX_VECTORS_PER_PAGE);
    expect(plain.wordsLeftOut).toBe(5);

    const [, ...rest] = words;
    const hyphenated = preparePage(pageOf({ text: "well-kept", box: wholePage }, ...rest), tokenizer);
    expect(hyphenated.ids).toHaveLength(MAX_VECTORS_PER_PAGE);
    expect(hyphenated.wordsLeftOut).toBe(7);
  });
});

describe("prepareQuery", () => {
  it("says where in the question each token stands", () => {
    const question = "  What is\tNaïve-Bayes? ";
    const { ids, tokens } = prepareQuery(question, tokenizer);
    expect(ids).toHaveLength(tokens.length);
    expect(tokens.map(({ start, end }) => question.slice(start, end))).toEqual([
      "What",
      "is",
      "Naïve",
      "-",
      "Bay",
      "es",
      "?",
    ]);
    expect(tokens[2]).toEqual({ text: "naive", start: 10, end: 15 });
  });

  it.each(["", "   \n", "\u200B", "\u0000"])("calls %j empty", (query) => {
    expect(() => prepareQuery(query, tokenizer)).toThrow("the query is empty");
  });

  it("calls a query of unknown words empty, and says why", () => {
    expect(() => prepareQuery("😀 🎉", tokenizer)).toThrow('the query "😀 🎉" has no word that this model knows');
    expect(prepareQuery("😀 party", tokenizer).ids).toHaveLength(2);
  });

  it("takes the longest query and refuses a longer one", () => {
    expect(prepareQuery("a ".repeat(MAX_QUERY_TOKENS), tokenizer).ids).toHaveLength(MAX_QUERY_TOKENS);
    expect(() => prepareQuery("a ".repeat(MAX_QUERY_TOKENS + 1), tokenizer)).toThrow(
      `the query has ${MAX_QUERY_TOKENS + 1} tokens; ${MAX_QUERY_TOKENS} are allowed`,
    );
    expect(() => prepareQuery("a".repeat(MAX_QUERY_CHARS + 1), tokenizer)).toThrow(
      expect.objectContaining({ code: "query_too_long" }),
    );
  });
});
