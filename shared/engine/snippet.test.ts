import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SNIPPET_WORDS, snippetOf } from "./snippet.ts";

const words = Array.from({ length: 200 }, (_, i) => `w${i}`);

describe("snippetOf", () => {
  it("is empty for a page without words and whole for a short one", () => {
    expect(snippetOf([], new Map())).toBe("");
    expect(snippetOf(["only", "these"], new Map([[1, 0.5]]))).toBe("only these");
  });

  it("shows the densest run of matches in its middle", () => {
    const weights = new Map([
      [10, 0.5],
      [100, 0.4],
      [104, 0.4],
    ]);
    const shown = snippetOf(words, weights);
    expect(shown.startsWith("… w83 ")).toBe(true);
    expect(shown.endsWith(" w122 …")).toBe(true);
  });

  it("keeps to the page at its edges", () => {
    expect(snippetOf(words, new Map([[0, 1]])).startsWith("w0 w1 ")).toBe(true);
    expect(snippetOf(words, new Map([[199, 1]])).endsWith(" w198 w199")).toBe(true);
  });

  it("always shows a run of the page's words that holds the weightiest one", () => {
    const weights = fc.array(fc.tuple(fc.nat(250), fc.float({ min: Math.fround(0.1), max: 1, noNaN: true })), {
      minLength: 1,
      maxLength: 1,
    });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 200 }), weights, (count, entries) => {
        const page = words.slice(0, count);
        const shown = snippetOf(page, new Map(entries))
          .split(" ")
          .filter((word) => word !== "…");
        expect(shown).toHaveLength(Math.min(SNIPPET_WORDS, count));
        expect(page.join(" ")).toContain(shown.join(" "));
        const [heaviest] = entries[0] ?? [0];
        if (heaviest < count) expect(shown).toContain(`w${heaviest}`);
      }),
    );
  });
});
