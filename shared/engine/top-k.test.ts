import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { topPositions } from "./top-k.ts";

describe("topPositions", () => {
  it("is the head of the sorted list, equal scores in order of position", () => {
    const item = fc.record({ score: fc.integer({ min: -5, max: 5 }), selected: fc.boolean() });
    fc.assert(
      fc.property(fc.array(item, { maxLength: 200 }), fc.nat(60), (items, limit) => {
        const scores = Int32Array.from(items, ({ score }) => score);
        const selected = Uint8Array.from(items, ({ selected: isSelected }) => (isSelected ? 1 : 0));
        const expected = items
          .map(({ score, selected: isSelected }, position) => ({ score, isSelected, position }))
          .filter(({ isSelected }) => isSelected)
          .toSorted((a, b) => b.score - a.score || a.position - b.position)
          .slice(0, limit)
          .map(({ position }) => position);
        expect(topPositions(scores, selected, limit)).toEqual(expected);
      }),
    );
  });
});
