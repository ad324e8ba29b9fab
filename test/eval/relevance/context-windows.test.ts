import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { PageWord } from "../../../encoder/models/model.ts";
import { contextWindows, MAX_PREFIX_TOKENS } from "./context-windows.ts";

/** Every word has as many tokens as characters. */
const tokensOf = (word: string) => word.length;
const words = (texts: readonly string[]): PageWord[] => texts.map((text) => ({ text, box: [0, 0, 1, 1] }));
const textOf = (list: readonly PageWord[]) => list.map(({ text }) => text).join("");

describe("contextWindows", () => {
  it("looks at words of the pages around, and keeps its own", () => {
    const pages = [words(["aaa", "bb"]), words(["cc", "dd"]), words(["e", "ff"])];
    const context = { prefixOf: () => ["t"], overlapTokens: 2, acrossPages: true };
    expect(contextWindows(pages, 1, context, tokensOf)).toEqual([
      { words: words(["t", "bb", "cc", "dd", "e"]), skip: 3, count: 4, prefixTokens: 1 },
    ]);
    expect(contextWindows(pages, 1, { ...context, acrossPages: false }, tokensOf)).toEqual([
      { words: words(["t", "cc", "dd"]), skip: 1, count: 4, prefixTokens: 1 },
    ]);
  });

  it("ends windows where rows do, and cuts a row that is longer than a window", () => {
    const pages = [words(["a".repeat(100), "b".repeat(100), "c".repeat(100), "d".repeat(100), "e".repeat(200)])];
    const context = { prefixOf: () => [], overlapTokens: 0, acrossPages: false };
    const ends = (rowStarts?: ReadonlySet<number>) =>
      contextWindows(pages, 0, { ...context, rowStarts }, tokensOf).map((window) => textOf(window.words).at(-1));
    expect(ends()).toEqual(["b", "d", "e"]);
    expect(ends(new Set([0, 1, 3]))).toEqual(["a", "c", "d", "e"]);
    expect(ends(new Set([0, 4]))).toEqual(["b", "d", "e"]);
  });

  it("asks for the prefix of every window, and cuts it", () => {
    const pages = [words(Array.from({ length: 30 }, () => "a".repeat(10)))];
    const prefixOf = (start: number) => Array.from({ length: start }, () => "pppp");
    const context = { prefixOf, overlapTokens: 0, acrossPages: false };
    expect(contextWindows(pages, 0, context, tokensOf).map(({ skip, count }) => [skip, count])).toEqual([
      [0, 250],
      [MAX_PREFIX_TOKENS, 50],
    ]);
  });

  it("never exceeds a window, and its own words are the page", () => {
    const text = fc.string({ unit: fc.constantFrom("a", "b", "c"), minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(
        fc.array(fc.array(text, { maxLength: 60 }), { minLength: 1, maxLength: 3 }),
        fc.integer({ min: 0, max: 60 }),
        fc.boolean(),
        fc.option(fc.uniqueArray(fc.nat(60)), { nil: undefined }),
        (texts, overlapTokens, acrossPages, rows) => {
          const pages = texts.map(words);
          const rowStarts = rows === undefined ? undefined : new Set(rows);
          const context = { prefixOf: () => ["name"], overlapTokens, acrossPages, rowStarts };
          for (const page of pages.keys()) {
            const windows = contextWindows(pages, page, context, tokensOf);
            const own = windows.map((window) => textOf(window.words).slice(window.skip, window.skip + window.count));
            expect(own.join("")).toBe(textOf(pages[page] ?? []));
            for (const window of windows) expect(textOf(window.words).length).toBeLessThanOrEqual(254);
          }
        },
      ),
      { seed: 1 },
    );
  });
});
