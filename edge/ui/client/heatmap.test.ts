import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bestBox, combineTokens, cssColour, heatColour, intensity, scoreRange } from "./heatmap.ts";

const score = fc.double({ min: -1, max: 1, noNaN: true });

describe("scoreRange", () => {
  it("spans every score and skips boxes without vectors", () => {
    expect(scoreRange([0.2, null, 0.9, undefined, -0.1])).toEqual({ min: -0.1, max: 0.9 });
  });

  it("is undefined when there is no score at all", () => {
    expect(scoreRange([])).toBeUndefined();
    expect(scoreRange([null, null])).toBeUndefined();
  });
});

describe("intensity", () => {
  it("maps the range to 0…1 and clamps what lies outside", () => {
    const range = { min: 0.2, max: 0.8 };
    expect(intensity(0.2, range)).toBe(0);
    expect(intensity(0.5, range)).toBeCloseTo(0.5);
    expect(intensity(0.8, range)).toBe(1);
    expect(intensity(-5, range)).toBe(0);
    expect(intensity(5, range)).toBe(1);
  });

  it("is strongest where all scores are equal", () => {
    expect(intensity(0.4, { min: 0.4, max: 0.4 })).toBe(1);
  });

  it("keeps the order of scores", () => {
    fc.assert(
      fc.property(score, score, score, score, (a, b, x, y) => {
        const range = { min: Math.min(a, b), max: Math.max(a, b) };
        const [low, high] = x < y ? [x, y] : [y, x];
        expect(intensity(low, range)).toBeLessThanOrEqual(intensity(high, range));
      }),
    );
  });
});

describe("combineTokens", () => {
  const scores = [
    [0.1, 0.5, null],
    [0.7, null, null],
    [0.3, 0.2, 0.9],
  ];

  it("takes the best of the selected tokens in every box", () => {
    expect(combineTokens(scores, new Set([0, 1]), 3)).toEqual([0.7, 0.5, null]);
    expect(combineTokens(scores, new Set([2]), 3)).toEqual([0.3, 0.2, 0.9]);
  });

  it("has nothing for no tokens, for tokens that do not exist and for boxes beyond the page's", () => {
    expect(combineTokens(scores, new Set(), 2)).toEqual([null, null]);
    expect(combineTokens(scores, new Set([9]), 2)).toEqual([null, null]);
    expect(combineTokens(scores, new Set([2]), 1)).toEqual([0.3]);
  });

  it("never lowers a box by selecting more tokens", () => {
    const rows = fc.array(fc.array(fc.option(score), { minLength: 4, maxLength: 4 }), { minLength: 2, maxLength: 6 });
    fc.assert(
      fc.property(rows, (rows) => {
        const one = combineTokens(rows, new Set([0]), 4);
        const all = combineTokens(rows, new Set(rows.keys()), 4);
        const lowered = one.filter((before, box) => before !== null && (all[box] ?? -Infinity) < before);
        expect(lowered).toEqual([]);
      }),
    );
  });
});

describe("bestBox", () => {
  it("is the first of the largest", () => {
    expect(bestBox([null, -0.5, 0.4, 0.4])).toBe(2);
    expect(bestBox([null])).toBeUndefined();
    expect(bestBox([])).toBeUndefined();
  });
});

describe("heatColour", () => {
  it("goes from invisible to opaque vermilion", () => {
    expect(heatColour(0)[3]).toBe(0);
    expect(heatColour(1)).toEqual([228, 70, 37, 1]);
  });

  it("gets darker and more opaque with strength", () => {
    const brightness = (strength: number): number => {
      const [red, green, blue] = heatColour(strength);
      return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    for (let step = 1; step <= 20; step++) {
      expect(brightness(step / 20)).toBeLessThan(brightness((step - 1) / 20));
      expect(heatColour(step / 20)[3]).toBeGreaterThan(heatColour((step - 1) / 20)[3]);
    }
  });

  it("clamps strengths outside 0…1", () => {
    expect(heatColour(-1)).toEqual(heatColour(0));
    expect(heatColour(2)).toEqual(heatColour(1));
  });

  it("is written as CSS", () => {
    expect(cssColour([228, 70, 37, 0.5])).toBe("rgb(228 70 37 / 0.500)");
  });
});
