import { describe, expect, it } from "vitest";
import { DEFAULT_MEASURES, measure, parseMeasure } from "./measures.ts";

const judgements = new Map([
  ["a", 3],
  ["b", 1],
  ["c", 2],
  ["wrong", 0],
]);
const ranking = ["x", "c", "wrong", "a"];

describe("parseMeasure", () => {
  it.each([
    // Gains 0, 2, 0, 3; ideal 3, 2, 1.
    ["nDCG@4", (2 / Math.log2(3) + 3 / Math.log2(5)) / (3 + 2 / Math.log2(3) + 1 / 2)],
    ["ndcg@1", 0],
    ["recall@2", 1 / 3],
    ["hit@2", 1],
    ["MRR", 1 / 2],
    ["MRR@1", 0],
    // Precision 1/2 at rank 2 and 2/4 at rank 4, of three relevant pages.
    ["MAP", (1 / 2 + 2 / 4) / 3],
    ["MAP@3", 1 / 2 / 3],
  ])("finds %s, as worked out by hand", (name, expected) => {
    expect(parseMeasure(name).of(ranking, judgements)).toBeCloseTo(expected, 12);
  });

  it.each(["nDCG", "recall", "hit@0", "hit@101", "P@5", "MRR@", "", "nDCG@10 "])("refuses %j", (name) => {
    expect(() => parseMeasure(name)).toThrow(/is no measure: there are nDCG@k/);
  });
});

describe("measure", () => {
  it("averages over queries, in the order of the measures", () => {
    const answers = [
      { ranking, judgements },
      { ranking: [], judgements },
    ];
    expect(measure(["MRR", "hit@1"].map(parseMeasure), answers)).toEqual({ MRR: 1 / 4, "hit@1": 0 });
    expect(Object.keys(measure(DEFAULT_MEASURES.map(parseMeasure), answers))).toEqual(DEFAULT_MEASURES);
  });
});
