/**
 * Works out what a cascade of approximations finds, from the scores of all pages under each of them.
 *
 * @module
 */
import { meanOf, ndcgAt, overlapAt, type Ranking } from "../../encoder/eval/metrics.ts";
import type { PageScores } from "./page-scores.ts";
import type { VectorSet } from "./vector-set.ts";

/** No measure looks further. */
const DEEPEST = 100;

/** A stage keeps the best `keep` pages of those that the stage before kept. */
export interface Stage {
  scores: PageScores;
  keep: number;
}

/**
 * For every query page numbers, best first: the first stage orders all pages and passes on its best; each later one orders
 * what it was given. Pages that a stage did not pass on keep their order behind those it did.
 */
export function runCascade(stages: readonly Stage[], queryCount: number, pageCount: number): number[][] {
  const [first, ...later] = stages;
  if (first === undefined) throw new RangeError("a cascade without stages");
  return allPagesOrdered(first.scores, queryCount, pageCount).map((ordered, query) => {
    let ranking = ordered;
    let kept = first.keep;
    for (const { scores, keep } of later) {
      ranking = [...orderBy(scores, query, pageCount, ranking.slice(0, kept)), ...ranking.slice(kept)];
      kept = Math.min(kept, keep);
    }
    return ranking;
  });
}

/** Many cascades begin with the same scores, and ordering all pages is most of their time. */
const orders = new WeakMap<PageScores, number[][]>();

function allPagesOrdered(scores: PageScores, queryCount: number, pageCount: number): number[][] {
  const known = orders.get(scores);
  if (known !== undefined) return known;
  const pages = Array.from({ length: pageCount }, (_, page) => page);
  const ordered = Array.from({ length: queryCount }, (_, query) => orderBy(scores, query, pageCount, pages));
  orders.set(scores, ordered);
  return ordered;
}

function orderBy(scores: PageScores, query: number, pageCount: number, pages: readonly number[]): number[] {
  const row = scores.subarray(query * pageCount, (query + 1) * pageCount);
  return pages.toSorted((a, b) => (row[b] ?? 0) - (row[a] ?? 0) || a - b);
}

export interface Measures {
  /** Share of the `k` best pages by exact float MaxSim that the cascade puts among its first `k`. */
  recallAt(k: number): number;
  /** Undefined when the set has no judgements. */
  ndcgAt(k: number): number | undefined;
}

/** Means over the queries of `set`; `reference` holds exact scores of the vectors as encoded. */
export function measureCascade(set: VectorSet, reference: PageScores, stages: readonly Stage[]): Measures {
  const rank = (list: readonly Stage[]) =>
    runCascade(list, set.queries.length, set.pages.length).map((ranking) =>
      ranking.slice(0, DEEPEST).map((page) => set.pages[page]?.key ?? ""),
    );
  const found: Ranking[] = rank(stages);
  const exact: Ranking[] = rank([{ scores: reference, keep: Infinity }]);
  return {
    recallAt: (k) => meanOf(found.map((ranking, query) => overlapAt(k, ranking, exact[query] ?? []))),
    ndcgAt: (k) => {
      const judged = set.queries.flatMap(({ judgements }, query) =>
        judgements === undefined ? [] : [ndcgAt(k, found[query] ?? [], judgements)],
      );
      return judged.length === 0 ? undefined : meanOf(judged);
    },
  };
}
