/**
 * `node test/eval/pooling.ts --dataset DIR | --pages FILE.npz --queries FILE.npz`: what token pooling keeps of MaxSim over all
 * vectors, the project's way and as published. Scores are by floats: nothing but pooling is measured. docs/scores.md quotes it.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { MatrixRunner } from "../../encoder/indexing/matrix-runner.ts";
import { poolVectors } from "../../encoder/indexing/pooling.ts";
import { DEFAULT_RECIPE } from "../../encoder/models/registry.ts";
import { poolAsPublished } from "../../encoder/scores/published-pooling.ts";
import { measureCascade } from "./cascade.ts";
import { type PageScores, scorePages } from "./page-scores.ts";
import { type Pool, poolSet } from "./pooled-set.ts";
import { encodeVectorSet, readVectorSet, type VectorSet } from "./vector-set.ts";

const { values: options } = parseArgs({
  options: {
    dataset: { type: "string" },
    recipe: { type: "string", default: DEFAULT_RECIPE },
    cache: { type: "string", default: "build/eval" },
    "max-tokens": { type: "string" },
    pages: { type: "string" },
    queries: { type: "string" },
    factors: { type: "string", default: "2,3,4" },
    threads: { type: "string", default: "2" },
  },
});
const POOLS: readonly [string, Pool][] = [
  ["ours", poolVectors],
  ["as published", poolAsPublished],
];

const runner = await MatrixRunner.create({ threads: Number(options.threads) });
const set = await loadSet();
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

async function loadSet(): Promise<VectorSet> {
  const { dataset, recipe, cache, pages, queries } = options;
  if (pages !== undefined) return await readVectorSet(pages, queries);
  if (dataset === undefined) throw new Error("--dataset or --pages is needed");
  const maxTokens = options["max-tokens"] === undefined ? undefined : Number(options["max-tokens"]);
  return await encodeVectorSet({ folder: dataset, recipe, cacheFolder: cache, maxTokens });
}

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
