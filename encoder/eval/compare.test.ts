import { describe, expect, it } from "vitest";
import { compareRuns, formatComparison } from "./compare.ts";
import type { Dataset } from "./datasets.ts";
import { parseMeasure } from "./measures.ts";

const dataset: Dataset = {
  name: "set",
  corpus: { kind: "texts", texts: [] },
  queries: ["en", "en", "fr"].map((language, at) => ({
    id: `q${at}`,
    text: "",
    language,
    judgements: new Map([["right#1", 1]]),
  })),
  unjudgedQueries: 0,
};
const run = (tag: string, rankings: Record<string, string[]>) => ({ tag, rankings: new Map(Object.entries(rankings)) });

describe("compareRuns", () => {
  // Reciprocal ranks: a 1, 1/2, nothing; b 1/2, 1, 1.
  const a = run("a", { q0: ["right#1"], q1: ["x#1", "right#1"] });
  const b = run("b", { q0: ["x#1", "right#1"], q1: ["right#1"], q2: ["right#1"] });
  const compared = compareRuns(dataset, a, b, parseMeasure("MRR"));

  it("compares query by query; one without an answer counts", () => {
    expect(compared).toMatchObject({ queries: 3, a: { tag: "a", mean: 1 / 2 }, b: { tag: "b", mean: 5 / 6 } });
    expect(compared).toMatchObject({ better: 2, equal: 0, worse: 1 });
    expect(compared.difference.mean).toBeCloseTo(1 / 3, 12);
  });

  it("compares languages, when there are several", () => {
    expect(compared.languages).toMatchObject([
      { language: "en", queries: 2, a: 3 / 4, b: 3 / 4, difference: { mean: 0 } },
      { language: "fr", queries: 1, a: 0, b: 1, difference: { mean: 1, low: 1, high: 1 } },
    ]);
    const english = { ...dataset, queries: dataset.queries.slice(0, 2) };
    expect(compareRuns(english, a, b, parseMeasure("MRR")).languages).toEqual([]);
  });

  it("is printed with its interval", () => {
    const text = formatComparison(compared);
    expect(text).toContain("MRR over 3 queries");
    expect(text).toMatch(/B − A \+0\.3333, 95 % interval −0\.5000 to \+1\.0000/);
    expect(text).toContain("fr (1): 0.0000 and 1.0000");
  });
});
