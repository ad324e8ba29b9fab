import { describe, expect, it } from "vitest";
import { seededRandom } from "../../shared/seeded-random.ts";
import { pairedDifference } from "./bootstrap.ts";

describe("pairedDifference", () => {
  it("is certain of a difference that every query has", () => {
    expect(pairedDifference([0.25, 0.5, 0], [0.5, 0.75, 0.25])).toEqual({
      mean: 0.25,
      low: 0.25,
      high: 0.25,
      shareBetter: 1,
    });
    expect(pairedDifference([1, 0.5], [1, 0.5])).toEqual({ mean: 0, low: 0, high: 0, shareBetter: 0.5 });
  });

  it("has the interval of the normal law where there are many queries", () => {
    const random = seededRandom(7);
    const a = Array.from({ length: 400 }, () => random.next());
    const b = Array.from({ length: 400 }, () => random.next() + 0.05);
    const { mean, low, high, shareBetter } = pairedDifference(a, b);
    const differences = a.map((value, at) => (b[at] ?? 0) - value);
    const variance = differences.reduce((sum, value) => sum + (value - mean) ** 2, 0) / differences.length;
    const halfWidth = 1.96 * Math.sqrt(variance / differences.length);
    expect(low).toBeCloseTo(mean - halfWidth, 2);
    expect(high).toBeCloseTo(mean + halfWidth, 2);
    expect(shareBetter).toBeGreaterThan(0.9);
  });

  it("gives the same interval every time, and its mirror image when the systems are swapped", () => {
    const a = [0.1, 0.9, 0.4, 0.3, 1, 0];
    const b = [0.3, 0.5, 0.4, 0.8, 0.9, 0.6];
    const there = pairedDifference(a, b);
    expect(pairedDifference(a, b)).toEqual(there);
    const back = pairedDifference(b, a);
    expect(back.mean).toBeCloseTo(-there.mean, 12);
    expect(back.low).toBeCloseTo(-there.high, 12);
    expect(back.shareBetter).toBeCloseTo(1 - there.shareBetter, 2);
  });

  it("refuses what cannot be compared", () => {
    expect(() => pairedDifference([1], [1, 2])).toThrow(RangeError);
    expect(() => pairedDifference([], [])).toThrow(RangeError);
  });
});
