/**
 * Two runs on one data set, query by query.
 *
 * @module
 */
import { type Difference, pairedDifference, RESAMPLES } from "./bootstrap.ts";
import type { Dataset } from "./datasets.ts";
import { type Measure } from "./measures.ts";
import { meanOf } from "./metrics.ts";
import type { Run } from "./run-file.ts";

export interface Comparison {
  measure: string;
  queries: number;
  a: { tag: string; mean: number };
  b: { tag: string; mean: number };
  /** b − a. */
  difference: Difference;
  better: number;
  equal: number;
  worse: number;
  languages: { language: string; queries: number; a: number; b: number; difference: Difference }[];
}

/** `measure` of both runs over all queries of the set; a query that a run does not have counts as one without an answer. */
export function compareRuns(dataset: Dataset, a: Run, b: Run, measure: Measure): Comparison {
  const figuresOf = ({ rankings }: Run) =>
    dataset.queries.map(({ id, judgements }) => measure.of(rankings.get(id) ?? [], judgements));
  const [ofA, ofB] = [figuresOf(a), figuresOf(b)];
  const differences = ofA.map((value, at) => (ofB[at] ?? 0) - value);
  const byLanguage = Map.groupBy(dataset.queries.keys(), (at) => dataset.queries[at]?.language);
  byLanguage.delete(undefined);
  const languages = [...byLanguage].map(([language = "", positions]) => {
    const [inA, inB] = [ofA, ofB].map((figures) => positions.map((at) => figures[at] ?? 0));
    return {
      language,
      queries: positions.length,
      a: meanOf(inA ?? []),
      b: meanOf(inB ?? []),
      difference: pairedDifference(inA ?? [], inB ?? []),
    };
  });
  return {
    measure: measure.name,
    queries: dataset.queries.length,
    a: { tag: a.tag, mean: meanOf(ofA) },
    b: { tag: b.tag, mean: meanOf(ofB) },
    difference: pairedDifference(ofA, ofB),
    better: differences.filter((difference) => difference > 0).length,
    equal: differences.filter((difference) => difference === 0).length,
    worse: differences.filter((difference) => difference < 0).length,
    languages: languages.length > 1 ? languages : [],
  };
}

/** `comparison` for people. */
export function formatComparison(comparison: Comparison): string {
  const { measure, queries, a, b, difference, better, equal, worse, languages } = comparison;
  const width = Math.max(a.tag.length, b.tag.length);
  return [
    `${measure} over ${queries} queries`,
    `  A ${a.tag.padEnd(width)}  ${a.mean.toFixed(4)}`,
    `  B ${b.tag.padEnd(width)}  ${b.mean.toFixed(4)}`,
    `  B − A ${describe(difference)}`,
    `  B is better on ${better} queries, equal on ${equal}, worse on ${worse}`,
    ...languages.map(
      ({ language, queries: asked, a: meanA, b: meanB, difference: ofLanguage }) =>
        `  ${language} (${asked}): ${meanA.toFixed(4)} and ${meanB.toFixed(4)}, B − A ${describe(ofLanguage)}`,
    ),
  ].join("\n");
}

function describe({ mean, low, high, shareBetter }: Difference): string {
  const interval = `95 % interval ${signed(low)} to ${signed(high)}`;
  return `${signed(mean)}, ${interval}; B ahead in ${(100 * shareBetter).toFixed(1)} % of ${RESAMPLES} resamples`;
}

function signed(value: number): string {
  return `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(4)}`;
}
