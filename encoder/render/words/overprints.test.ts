import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { overlap } from "./geometry.ts";
import { withoutOverprints } from "./overprints.ts";
import type { PlacedWord } from "./words.ts";

/** The rule, word by word. */
function byComparingAll(words: readonly PlacedWord[]): PlacedWord[] {
  const kept: PlacedWord[] = [];
  for (const word of words) {
    if (!kept.some(({ text, box }) => text === word.text && overlap(box, word.box) > 0.8)) kept.push(word);
  }
  return kept;
}

const word = fc
  .record({
    text: fc.constantFrom("a", "b"),
    x: fc.integer({ min: -40, max: 80 }),
    y: fc.integer({ min: -40, max: 80 }),
    width: fc.constantFrom(0, 1, 9, 10, 40, 3_000),
    height: fc.constantFrom(0, 1, 9, 10, 40, 3_000),
  })
  .map(({ text, x, y, width, height }): PlacedWord => ({ text, box: [x, y, x + width, y + height] }));

describe("withoutOverprints", () => {
  it("keeps what comparing every word with every other keeps", () => {
    fc.assert(
      fc.property(fc.array(word, { maxLength: 60 }), (words) => {
        expect(withoutOverprints(words)).toEqual(byComparingAll(words));
      }),
      { numRuns: 1_000, seed: 1 },
    );
  });

  it("takes boxes that are nowhere", () => {
    const nowhere: PlacedWord = { text: "a", box: [-Infinity, 0, Infinity, 10] };
    expect(withoutOverprints([nowhere, { text: "a", box: [0, 0, 5, 5] }, nowhere])).toHaveLength(
      byComparingAll([nowhere, { text: "a", box: [0, 0, 5, 5] }, nowhere]).length,
    );
  });

  it("compares few of a page full of equal words", () => {
    const page = Array.from({ length: 100_000 }, (_, i): PlacedWord => {
      const [x, y] = [(i % 300) * 2, Math.floor(i / 300) * 2];
      return { text: "0", box: [x, y, x + 1, y + 1.5] };
    });
    expect(withoutOverprints([...page, ...page])).toHaveLength(page.length);
  });
});
