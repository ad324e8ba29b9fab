/**
 * `node test/eval/pooling.ts --dataset DIR | --pages FILE.npz --queries FILE.npz`: what token pooling keeps of MaxSim over all
 * vectors, the project's way and as published. Scores are by floats: nothing but pooling is measured. docs/scores.md quotes it.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { MatrixRunner } from "../../encoder/indexing/matrix-runner.ts";
import { poolVectors } from "../../encoder/indexing/pooling.ts";
import { poolAsPublished } from "../../encoder/scores/published-pooling.ts";
import { measureCascade } from "./cascade.ts";
import { type PageScores, scorePages } from "./page-scores.ts";
import { type Pool, poolSet } from "./pooled-set.ts";
import { loadSet, SET_OPTIONS } from "./set-options.ts";
import type { VectorSet } from "./vector-set.ts";

const { values: options } = parseArgs({
  options: {
    ...SET_OPTIONS,
    factors: { type: "string", default: "2,3,4" },
    threads: { type: "string", default: "2" },
  },
});
const POOLS: readonly [string, Pool][] = [
  ["ours", poolVectors],
  ["as published", poolAsPublished],
];

const runner = await MatrixRunner.create({ threads: Number(options.threads) });
const set = await loadSet(options);
console.log(`${set.name}: ${set.pages.length} pages, ${set.vectors.count} vectors, ${set.queries.length} questions`);
const reference = await scoresOf(set);
print("all vectors", set, reference);
for (const factor of options.factors.split(",").map(Number)) {
  for (const [name, pool] of POOLS) {
    const pooled = poolSet(set, factor, pool);
    print(`pooled by ${factor}, ${name}`, pooled, await scoresOf(pooled));
  }
}
await runner.dispose();

async function scoresOf(scored: VectorSet): Promise<PageScores> {
  const { values, dim } = scored.vectors;
  return await scorePages(runner, scored, ({ first, count }) => {
    return { values: values.subarray(first * dim, (first + count) * dim), count, dim };
  });
}

function print(label: string, scored: VectorSet, scores: PageScores): void {
  const measures = measureCascade(scored, reference, [{ scores, keep: Infinity }]);
  const ndcg = measures.ndcgAt(10);
  console.log(
    `${label}: ${scored.vectors.count} vectors, recall@10 ${measures.recallAt(10).toFixed(3)}, recall@100 ${measures.recallAt(100).toFixed(3)}` +
      (ndcg === undefined ? "" : `, nDCG@10 ${ndcg.toFixed(3)}`),
  );
}
