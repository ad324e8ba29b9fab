import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { planWindows } from "./windows.ts";

/** Word index of every token, for words of the given lengths. */
const wordsOf = (lengths: readonly number[]) => lengths.flatMap((length, word) => Array.from({ length }, () => word));

describe("planWindows", () => {
  it("has no window for no tokens", () => {
    expect(planWindows([], 4)).toEqual([]);
  });

  it("puts what fits into one window", () => {
    expect(planWindows(wordsOf([1, 2, 1]), 4)).toEqual([{ start: 0, end: 4 }]);
  });

  it("ends a window before a word that does not fit whole", () => {
    expect(planWindows(wordsOf([1, 2, 2, 3]), 4)).toEqual([
      { start: 0, end: 3 },
      { start: 3, end: 5 },
      { start: 5, end: 8 },
    ]);
  });

  it("cuts a word that is longer than a window", () => {
    expect(planWindows(wordsOf([1, 9, 1]), 4)).toEqual([
      { start: 0, end: 1 },
      { start: 1, end: 5 },
      { start: 5, end: 9 },
      { start: 9, end: 11 },
    ]);
  });

  it("covers every token once, within capacity, and splits only words longer than a window", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 12 }), { maxLength: 60 }),
        fc.integer({ min: 1, max: 10 }),
        (lengths, capacity) => {
          const words = wordsOf(lengths);
          let position = 0;
          for (const { start, end } of planWindows(words, capacity)) {
            expect(start).toBe(position);
            expect(end - start).toBeGreaterThan(0);
            expect(end - start).toBeLessThanOrEqual(capacity);
            const cut = end < words.length && words[end] === words[end - 1];
            if (cut) expect(lengths[words[end] ?? 0]).toBeGreaterThan(capacity);
            position = end;
          }
          expect(position).toBe(words.length);
        },
      ),
      { numRuns: 500, seed: 3 },
    );
  });
});
