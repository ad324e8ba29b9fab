import { describe, expect, it } from "vitest";
import { hitAt, meanOf, ndcgAt, overlapAt, recallAt, reciprocalRank } from "./metrics.ts";

const judgements = new Map([
  ["a", 3],
  ["b", 1],
  ["c", 2],
  ["wrong", 0],
  ["off topic", -1],
]);

describe("ndcgAt", () => {
  it("is 1 for the ideal order and any order of what follows it", () => {
    expect(ndcgAt(10, ["a", "c", "b", "x"], judgements)).toBe(1);
    expect(ndcgAt(3, ["a", "c", "b", "wrong"], judgements)).toBe(1);
  });

  it("takes the grade as gain and log2(rank + 1) as discount", () => {
    // Gains 1, 0, 3; ideal 3, 2, 1. DCG = 1 + 3/2; ideal = 3 + 2/log2(3) + 1/2.
    const expected = (1 + 3 / 2) / (3 + 2 / Math.log2(3) + 1 / 2);
    expect(ndcgAt(10, ["b", "x", "a"], judgements)).toBeCloseTo(expected, 12);
    expect(expected).toBeCloseTo(0.525, 3);
  });

  it("cuts ranking and ideal at k", () => {
    // Gains 1, 0; ideal 3, 2.
    expect(ndcgAt(2, ["b", "x", "a"], judgements)).toBeCloseTo(1 / (3 + 2 / Math.log2(3)), 12);
    expect(ndcgAt(1, ["x", "a"], judgements)).toBe(0);
  });

  it("counts negative grades as 0", () => {
    expect(ndcgAt(1, ["off topic"], judgements)).toBe(0);
    expect(ndcgAt(5, ["off topic", "a", "c", "b"], judgements)).toBeLessThan(1);
    expect(ndcgAt(5, ["x"], new Map([["x", -1]]))).toBe(0);
  });
});

describe("recallAt, hitAt, reciprocalRank", () => {
  const ranking = ["x", "c", "wrong", "a"];

  it("count the relevant ones among the first k", () => {
    expect([1, 2, 4, 100].map((k) => recallAt(k, ranking, judgements))).toEqual([0, 1 / 3, 2 / 3, 2 / 3]);
    expect([1, 2].map((k) => hitAt(k, ranking, judgements))).toEqual([0, 1]);
    expect(reciprocalRank(ranking, judgements)).toBe(1 / 2);
    expect(reciprocalRank(["x", "wrong", "off topic"], judgements)).toBe(0);
  });

  it("are 0 when nothing is relevant", () => {
    const nothing = new Map([["wrong", 0]]);
    expect([recallAt(5, ["wrong"], nothing), hitAt(5, ["wrong"], nothing)]).toEqual([0, 0]);
  });
});

describe("overlapAt", () => {
  it("compares the first k of both, in any order", () => {
    expect(overlapAt(2, ["b", "a", "c"], ["a", "b", "d"])).toBe(1);
    expect(overlapAt(3, ["b", "a", "c"], ["a", "b", "d"])).toBeCloseTo(2 / 3);
    // Fewer than k pages exist: all of them were found.
    expect(overlapAt(10, ["a", "b"], ["b", "a"])).toBe(1);
    expect(overlapAt(10, [], [])).toBe(1);
  });
});

describe("meanOf", () => {
  it("averages, and is 0 of nothing", () => {
    expect(meanOf([1, 2, 6])).toBe(3);
    expect(meanOf([])).toBe(0);
  });
});
