/**
 * An evaluation query by query, as JSON lines.
 *
 * @module
 */
import type { Measure } from "./measures.ts";
import type { Evaluation } from "./run-eval.ts";
import { runIdOf } from "./run-file.ts";

/** Pages of each answer that are listed: what people look at. */
const LISTED = 10;

/** One line per system and query: what was asked, every measure, the first pages found and the relevant ones. */
export function formatPerQuery({ dataset, systems }: Evaluation, measures: readonly Measure[]): string {
  const lines = systems.flatMap(({ system, answers }) =>
    dataset.queries.map(({ id, text, language, judgements }, at) => {
      const { ranking = [], scores = [] } = answers[at] ?? {};
      const found = ranking.slice(0, LISTED).map((key, rank) => {
        return { document: runIdOf(dataset.corpus, key), score: scores[rank] ?? 0, grade: judgements.get(key) ?? 0 };
      });
      const relevant = [...judgements].filter(([, grade]) => grade > 0).map(([key]) => runIdOf(dataset.corpus, key));
      const figures = Object.fromEntries(measures.map(({ name, of }) => [name, of(ranking, judgements)]));
      return { system, query: id, text, language, ...figures, relevant, found };
    }),
  );
  return lines.map((line) => `${JSON.stringify(line)}\n`).join("");
}
