/**
 * Chooses how vectors and words are fused: scores all pages of data sets by both, and prints what every method and weight gives on
 * half of the questions, by which one may choose, and on the other half, by which one may judge.
 *
 *     node test/eval/modes.ts --cache FOLDER [--recipe minilm-words] [--max-tokens 256] DATASET…
 *
 * Vectors are exact, so that what is compared is the fusion and not the index. The pool is a search's: the pages that either finds.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { Bm25 } from "../../encoder/eval/bm25.ts";
import { readDataset } from "../../encoder/eval/datasets.ts";
import { EncodedCorpus } from "../../encoder/eval/encoded-corpus.ts";
import { exactScores } from "../../encoder/eval/exact.ts";
import { meanOf, ndcgAt } from "../../encoder/eval/metrics.ts";
import { MatrixRunner } from "../../encoder/indexing/matrix-runner.ts";
import type { Model } from "../../encoder/models/model.ts";
import { loadModel } from "../../encoder/models/registry.ts";
import { fuse, type FusionMethod } from "../../shared/engine/lexical/fusion.ts";
import { MIN_WORD_CANDIDATES } from "../../shared/engine/lexical/mode.ts";
import { MIN_CANDIDATES } from "../../shared/engine/plan.ts";

const METHODS: readonly FusionMethod[] = ["weighted", "ranks"];
const WEIGHTS = [0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 0.6, 0.8, 1];
/** Few questions of filings have more than one page that answers; the papers look at five there. */
const DEPTHS = { texts: 10, pdfs: 5, pictures: 5 } as const;

interface ScoredQuery {
  vectors: readonly number[];
  words: readonly number[];
  judgements: ReadonlyMap<string, number>;
}

interface ScoredSet {
  name: string;
  depth: number;
  keys: readonly string[];
  queries: readonly ScoredQuery[];
}

/** nDCG of every setting by its name: over the first, third, … question, and over the others. */
type Table = Map<string, { chosenBy: number; judgedBy: number }>;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    cache: { type: "string" },
    recipe: { type: "string", default: "minilm-words" },
    "max-tokens": { type: "string" },
  },
});

async function scoreSet(folder: string, model: Model): Promise<ScoredSet> {
  const maxTokens = values["max-tokens"] === undefined ? undefined : Number(values["max-tokens"]);
  const { name, corpus, queries } = await readDataset(folder);
  const encoded = await EncodedCorpus.open({ corpus, model, maxTokens, cacheFolder: values.cache ?? "" });
  const runner = await MatrixRunner.create({});
  try {
    const bm25 = new Bm25();
    for await (const page of encoded.pages()) bm25.add(page.text);
    const encodedQueries = [];
    for (const { text } of queries) encodedQueries.push(await model.encodeQuery(text));
    const vectors = await exactScores(runner, encodedQueries, encoded.pages(), model.recipe);
    return {
      name,
      depth: DEPTHS[corpus.kind],
      keys: encoded.pageKeys,
      queries: queries.map(({ text, judgements }, i) => ({
        vectors: vectors[i] ?? [],
        words: bm25.score(text),
        judgements,
      })),
    };
  } finally {
    await runner.dispose();
    await encoded.close();
  }
}

/** Positions of the best `limit` scores; pages that cannot be found (−∞) are left out. */
function best(scores: readonly number[], limit: number): number[] {
  return Array.from(scores.keys())
    .filter((page) => scores[page] !== -Infinity)
    .toSorted((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0) || a - b)
    .slice(0, limit);
}

function measure({ depth, keys, queries }: ScoredSet): Table {
  const figures = new Map<string, number[]>();
  const add = (setting: string, ranking: readonly number[], { judgements }: ScoredQuery) => {
    const found = ranking.slice(0, depth).flatMap((page) => keys[page] ?? []);
    figures.set(setting, [...(figures.get(setting) ?? []), ndcgAt(depth, found, judgements)]);
  };
  for (const query of queries) {
    const { vectors, words } = query;
    add("vectors", best(vectors, depth), query);
    add("words", best(words, depth), query);
    const pool = [...new Set([...best(vectors, MIN_CANDIDATES), ...best(words, MIN_WORD_CANDIDATES)])]
      .filter((page) => vectors[page] !== -Infinity)
      .toSorted((a, b) => a - b);
    const pages = pool.map((position) => ({
      position,
      vectorScore: vectors[position] ?? 0,
      wordScore: Math.max(0, words[position] ?? 0),
    }));
    for (const method of METHODS) {
      for (const wordWeight of WEIGHTS) {
        const fused = fuse(pages, { method, wordWeight });
        add(
          `${method} ${wordWeight}`,
          best(fused, depth).flatMap((i) => pool[i] ?? []),
          query,
        );
      }
    }
  }
  return new Map(
    Array.from(figures, ([setting, scores]) => [
      setting,
      {
        chosenBy: meanOf(scores.filter((_, i) => i % 2 === 0)),
        judgedBy: meanOf(scores.filter((_, i) => i % 2 === 1)),
      },
    ]),
  );
}

function print(title: string, table: Table): void {
  process.stdout.write(`${title}: to choose by, to judge by\n`);
  for (const [setting, { chosenBy, judgedBy }] of table) {
    process.stdout.write(`  ${setting.padEnd(14)} ${chosenBy.toFixed(3)} ${judgedBy.toFixed(3)}\n`);
  }
}

function averageOf(tables: readonly Table[]): Table {
  const settings = [...(tables[0]?.keys() ?? [])];
  return new Map(
    settings.map((setting) => [
      setting,
      {
        chosenBy: meanOf(tables.map((table) => table.get(setting)?.chosenBy ?? 0)),
        judgedBy: meanOf(tables.map((table) => table.get(setting)?.judgedBy ?? 0)),
      },
    ]),
  );
}

if (values.cache === undefined || positionals.length === 0) {
  process.stderr.write("node test/eval/modes.ts --cache FOLDER [--recipe NAME] [--max-tokens N] DATASET…\n");
  process.exit(2);
}
const model = await loadModel(values.recipe);
const tables: Table[] = [];
for (const folder of positionals) {
  const set = await scoreSet(folder, model);
  const table = measure(set);
  tables.push(table);
  print(`${set.name}, ${set.queries.length} questions, nDCG@${set.depth}`, table);
}
await model.dispose();
print("average", averageOf(tables));
