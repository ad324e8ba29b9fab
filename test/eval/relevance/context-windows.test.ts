import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { PageWord } from "../../../encoder/models/model.ts";
import { contextWindows } from "./context-windows.ts";

/** Every word has as many tokens as characters. */
const tokensOf = (word: string) => word.length;
const words = (texts: readonly string[]): PageWord[] => texts.map((text) => ({ text, box: [0, 0, 1, 1] }));
const textOf = (list: readonly PageWord[]) => list.map(({ text }) => text).join("");

describe("contextWindows", () => {
  it("looks at words of the pages around, and keeps its own", () => {
    const pages = [words(["aaa", "bb"]), words(["cc", "dd"]), words(["e", "ff"])];
    const context = { prefix: ["t"], overlapTokens: 2, acrossPages: true };
    expect(contextWindows(pages, 1, context, tokensOf)).toEqual([
      { words: words(["t", "bb", "cc", "dd", "e"]), skip: 3, count: 4 },
    ]);
    expect(contextWindows(pages, 1, { ...context, acrossPages: false }, tokensOf)).toEqual([
      { words: words(["t", "cc", "dd"]), skip: 1, count: 4 },
    ]);
  });

  it("never exceeds a window, and its own words are the page", () => {
    const text = fc.string({ unit: fc.constantFrom("a", "b", "c"), minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(
        fc.array(fc.array(text, { maxLength: 60 }), { minLength: 1, maxLength: 3 }),
        fc.integer({ min: 0, max: 60 }),
        fc.boolean(),
        (texts, overlapTokens, acrossPages) => {
          const pages = texts.map(words);
          for (const page of pages.keys()) {
            const windows = contextWindows(pages, page, { prefix: ["name"], overlapTokens, acrossPages }, tokensOf);
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
