/**
 * `node test/eval/padding.ts --dataset DIR | --pages FILE.npz --queries FILE.npz`: what filling batches up with zero vectors, as
 * colpali-engine does, changes on real vectors. docs/scores.md quotes it.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { overlapAt } from "../../encoder/eval/metrics.ts";
import { type MultiVector, multiVectorScores, SCORE_BATCH_SIZE } from "../../encoder/scores/multi-vector-scores.ts";
import { loadSet, SET_OPTIONS } from "./set-options.ts";
import type { Rows } from "./vector-set.ts";

const { values: options } = parseArgs({
  options: {
    ...SET_OPTIONS,
    /** Questions asked, from the first on: plain loops take a second for each on a thousand pages. */
    questions: { type: "string", default: "40" },
  },
});
const DEPTH = 10;

const set = await loadSet(options);
const { dim } = set.vectors;
const pages = set.pages.map((rows) => multiVector(set.vectors.values, rows));
const questions = set.queries.slice(0, Number(options.questions)).map((rows) => multiVector(set.tokens.values, rows));
const padded = multiVectorScores(questions, pages, dim, SCORE_BATCH_SIZE);
const alone = multiVectorScores(questions, pages, dim, 1);
let [changed, largest, kept] = [0, 0, 0];
for (const [question, scores] of alone.entries()) {
  const others = padded[question] ?? [];
  for (const [page, score] of scores.entries()) {
    const difference = (others[page] ?? NaN) - score;
    if (difference !== 0) changed += 1;
    largest = Math.max(largest, difference);
  }
  kept += overlapAt(DEPTH, ranking(others), ranking(scores));
}
console.log(
  `${set.name}: ${questions.length} questions, ${pages.length} pages: padding raises ${changed} of ${questions.length * pages.length} scores, ` +
    `by ${largest.toFixed(3)} at most; ${(kept / questions.length).toFixed(3)} of the top ${DEPTH} stay`,
);

function multiVector(values: Float32Array, { first, count }: Rows): MultiVector {
  return { values: values.subarray(first * dim, (first + count) * dim), count };
}

function ranking(scores: readonly number[]): string[] {
  return [...scores.keys()].toSorted((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0) || a - b).map(String);
}
