import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { topPositions, topScores } from "./top-k.ts";

interface Item {
  score: number;
  isSelected: boolean;
}

function best(items: readonly Item[], limit: number): { position: number; score: number }[] {
  return items
    .map((item, position) => ({ ...item, position }))
    .filter(({ isSelected }) => isSelected)
    .toSorted((a, b) => b.score - a.score || a.position - b.position)
    .slice(0, limit)
    .map(({ position, score }) => ({ position, score }));
}

const maskOf = (items: readonly Item[]): Uint8Array => Uint8Array.from(items, ({ isSelected }) => (isSelected ? 1 : 0));

/** `score` of a few values, so that many are equal, or of any size. */
function lists(score: fc.Arbitrary<number>): fc.Arbitrary<Item[]> {
  return fc.array(fc.record({ score, isSelected: fc.boolean() }), { maxLength: 200 });
}

describe("topPositions", () => {
  it("is the head of the sorted list, equal scores in order of position", () => {
    fc.assert(
      fc.property(lists(fc.integer({ min: -5, max: 5 })), fc.nat(60), (items, limit) => {
        const scores = Float64Array.from(items, ({ score }) => score / 3);
        const expected = best(items, limit).map(({ position }) => position);
        expect(topPositions(scores, maskOf(items), limit)).toEqual(expected);
      }),
    );
  });
});

describe("topScores", () => {
  it.each([
    ["few", fc.integer({ min: -5, max: 5 })],
    ["usual", fc.integer({ min: -3_000, max: 3_000 })],
    ["any", fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })],
    ["the largest that are packed, and beyond,", fc.integer({ min: 2 ** 20 - 3, max: 2 ** 20 + 1 })],
    ["the smallest that are packed, and below,", fc.integer({ min: -(2 ** 20) - 1, max: 3 - 2 ** 20 })],
  ])("of %s values is the head of the sorted list, equal scores in order of position", (_, score) => {
    fc.assert(
      fc.property(lists(score), fc.nat(60), (items, limit) => {
        const scores = Int32Array.from(items, (item) => item.score);
        expect(topScores(scores, maskOf(items), limit)).toEqual(best(items, limit));
      }),
    );
  });
});
