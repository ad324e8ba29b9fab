import { describe, expect, it } from "vitest";
import { measureCascade, runCascade } from "./cascade.ts";
import type { VectorSet } from "./vector-set.ts";

const QUERIES = 2;
const PAGES = 4;
const rough = Float32Array.of(4, 3, 2, 1, /* query 2 */ 1, 1, 5, 0);
const fine = Float32Array.of(1, 2, 9, 8, /* query 2 */ 3, 2, 1, 9);

describe("runCascade", () => {
  it("orders only what the stage before passed on", () => {
    expect(
      runCascade(
        [
          { scores: rough, keep: 3 },
          { scores: fine, keep: 1 },
        ],
        QUERIES,
        PAGES,
      ),
    ).toEqual([
      [2, 1, 0, 3],
      [0, 1, 2, 3],
    ]);
  });

  it("gives equal scores to the lower page, and leaves what a middle stage dropped behind", () => {
    const stages = [
      { scores: rough, keep: 4 },
      { scores: fine, keep: 2 },
      { scores: rough, keep: 2 },
    ];
    expect(runCascade(stages, QUERIES, PAGES)).toEqual([
      [2, 3, 1, 0],
      [0, 3, 1, 2],
    ]);
  });
});

describe("measureCascade", () => {
  const rows = { first: 0, count: 1 };
  const empty = { values: new Float32Array(), count: 0, dim: 1 };
  const set: VectorSet = {
    name: "four",
    vectors: empty,
    tokens: empty,
    pages: ["a", "b", "c", "d"].map((key) => ({ ...rows, key })),
    queries: [
      { ...rows, judgements: new Map([["c", 1]]) },
      { ...rows, judgements: new Map([["d", 2]]) },
    ],
  };

  it("compares with the reference and with judgements", () => {
    const measures = measureCascade(set, fine, [{ scores: rough, keep: Infinity }]);
    // Query 1: a, b against c, d. Query 2: c, a against d, a.
    expect(measures.recallAt(2)).toBe(0.25);
    expect(measures.ndcgAt(4)).toBeCloseTo((1 / Math.log2(4) + 1 / Math.log2(5)) / 2, 12);
    expect(measureCascade(set, fine, [{ scores: fine, keep: Infinity }]).recallAt(2)).toBe(1);
  });

  it("has no nDCG without judgements", () => {
    const unjudged = { ...set, queries: set.queries.map((query) => ({ ...query, judgements: undefined })) };
    expect(measureCascade(unjudged, fine, [{ scores: fine, keep: Infinity }]).ndcgAt(5)).toBeUndefined();
  });
});
