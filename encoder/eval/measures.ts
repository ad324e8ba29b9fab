/**
 * Measures by name: `nDCG@10`, `recall@100`, `hit@1`, `MRR`, `MAP`.
 *
 * @module
 */
import { quote } from "../../shared/errors.ts";
import { invalid } from "./datasets/dataset.ts";
import {
  averagePrecisionAt,
  hitAt,
  type Judgements,
  meanOf,
  ndcgAt,
  type Ranking,
  recallAt,
  reciprocalRank,
} from "./metrics.ts";

/** Pages that an evaluation asks for: as deep as any measure may look. BEIR and MTEB go as deep in what they publish. */
export const RANKING_DEPTH = 100;

/** What a report has when nothing is asked for. */
export const DEFAULT_MEASURES: readonly string[] = [
  "nDCG@5",
  "nDCG@10",
  "recall@1",
  "recall@5",
  "recall@10",
  "recall@100",
  "MRR",
  "MAP",
  "hit@1",
  "hit@5",
  "hit@10",
];

export interface Measure {
  name: string;
  /** Of one query, 0…1. */
  of: (ranking: Ranking, judgements: Judgements) => number;
}

/** One query's answer: pages, best first, at most {@link RANKING_DEPTH}. */
export interface Answer {
  ranking: Ranking;
  judgements: Judgements;
}

/** Means over queries, by the name of the measure. */
export type Measures = Readonly<Record<string, number>>;

const families: Record<string, (k: number, ranking: Ranking, judgements: Judgements) => number> = {
  ndcg: ndcgAt,
  recall: recallAt,
  hit: hitAt,
  mrr: (k, ranking, judgements) => reciprocalRank(ranking.slice(0, k), judgements),
  map: averagePrecisionAt,
};
/** These look at the whole ranking unless told otherwise. */
const WITHOUT_DEPTH = new Set(["mrr", "map"]);

/** The measure called `name`, in any case; a depth goes from 1 to {@link RANKING_DEPTH}. Errors: `invalid_request`. */
export function parseMeasure(name: string): Measure {
  const [, familyName = "", depth] = /^([a-z]+)(?:@([1-9]\d*))?$/i.exec(name) ?? [];
  const of = families[familyName.toLowerCase()];
  const k = depth === undefined ? RANKING_DEPTH : Number(depth);
  const hasDepth = depth !== undefined || WITHOUT_DEPTH.has(familyName.toLowerCase());
  if (of === undefined || !hasDepth || k > RANKING_DEPTH) {
    throw invalid(
      `${quote(name)} is no measure: there are nDCG@k, recall@k, hit@k, MRR, MRR@k, MAP and MAP@k, with k from 1 to ${RANKING_DEPTH}`,
    );
  }
  return { name, of: (ranking, judgements) => of(k, ranking, judgements) };
}

/** Means over all answers. */
export function measure(measures: readonly Measure[], answers: readonly Answer[]): Measures {
  return Object.fromEntries(
    measures.map(({ name, of }) => [name, meanOf(answers.map(({ ranking, judgements }) => of(ranking, judgements)))]),
  );
}
