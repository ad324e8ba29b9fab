import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { correlation, spreadOf } from "./correlation.ts";

describe("correlation", () => {
  it("is that of a worked example", () => {
    // Deviations (−2, −1, 0, 1, 2) and (−1.4, −2.4, 0.6, 0.6, 2.6): 11 / √(10 · 15.2).
    expect(correlation([1, 2, 3, 4, 5], [2, 1, 4, 4, 6])).toBeCloseTo(11 / Math.sqrt(10 * 15.2), 12);
    expect(correlation([1, 2, 3], [5, 5, 5])).toBeUndefined();
    expect(correlation([1, 2], [1])).toBeNaN();
  });

  it("does not see scale and offset, and turns with the sign", () => {
    const values = fc.array(fc.integer({ min: -1_000, max: 1_000 }), { minLength: 3, maxLength: 50 });
    fc.assert(
      fc.property(values, fc.integer({ min: 1, max: 9 }), fc.integer({ min: -9, max: 9 }), (a, scale, offset) => {
        fc.pre(new Set(a).size > 1);
        const b = a.map((value) => value * scale + offset);
        expect(correlation(a, b)).toBeCloseTo(1, 9);
        const turned = b.map((value) => -value);
        expect(correlation(a, turned)).toBeCloseTo(-1, 9);
      }),
    );
  });
});

describe("spreadOf", () => {
  it("gives mean, low end and share of the good", () => {
    const values = Array.from({ length: 100 }, (_, i) => i / 100);
    expect(spreadOf(values)).toEqual({ count: 100, mean: expect.closeTo(0.495), low: 0.05, least: 0, good: 0.05 });
  });
});
