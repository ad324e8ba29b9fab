/**
 * `node test/eval/relevance/ablations.ts --dataset FOLDER --cache FOLDER [--max-tokens N] [--measure nDCG@10] [--recipe NAME]
 * [--questions N] [--within-documents]`
 *
 * Tries what might find more, over exact scores of stored vectors. Questions are split in two by a fixed seed: of every group of
 * variants the one that is best on the first half is to be judged by the second, with the paired bootstrap interval of its difference
 * to scores as they are; the others stand beside. With `--within-documents` a question ranks only pages of the documents that have a
 * relevant one.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { pairedDifference } from "../../../encoder/eval/bootstrap.ts";
import { parseMeasure, RANKING_DEPTH } from "../../../encoder/eval/measures.ts";
import { meanOf } from "../../../encoder/eval/metrics.ts";
import { DEFAULT_RECIPE } from "../../../encoder/models/registry.ts";
import { readTokenTable } from "./token-table.ts";
import { BASE, type Variant, variants } from "./variants.ts";

const { values: options } = parseArgs({
  options: {
    dataset: { type: "string" },
    cache: { type: "string", default: "build/eval" },
    recipe: { type: "string", default: DEFAULT_RECIPE },
    measure: { type: "string", default: "nDCG@10" },
    "max-tokens": { type: "string" },
    questions: { type: "string" },
    "within-documents": { type: "boolean", default: false },
  },
});
if (options.dataset === undefined) throw new Error("--dataset is needed");
const measure = parseMeasure(options.measure);
const table = await readTokenTable({
  folder: options.dataset,
  recipe: options.recipe,
  cacheFolder: options.cache,
  maxTokens: options["max-tokens"] === undefined ? undefined : Number(options["max-tokens"]),
  questions: options.questions === undefined ? undefined : Number(options.questions),
});

// The table has them in an order of chance.
const order = Array.from(table.dataset.queries.keys());
const half = order.length >> 1;
const [tuning, report] = [order.slice(0, half), order.slice(half)];

/** Whether a page may answer a query. */
function rankable(query: number): (page: number) => boolean {
  const isSearched = (page: number) => (table.pages[page]?.vectorCount ?? 0) > 0;
  if (!options["within-documents"]) return isSearched;
  const judgements = table.dataset.queries[query]?.judgements ?? new Map<string, number>();
  const relevant = table.pages.filter(({ key }) => (judgements.get(key) ?? 0) > 0);
  const documents = new Set(relevant.map(({ document }) => document));
  return (page) => isSearched(page) && documents.has(table.pages[page]?.document ?? -1);
}

/** The measure, query by query. */
function figures({ score }: Variant, queries: readonly number[]): number[] {
  return queries.map((query) => {
    const scores = score(table, query);
    const ranking = Array.from(table.pages.keys())
      .filter(rankable(query))
      .toSorted((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0) || a - b)
      .slice(0, RANKING_DEPTH)
      .flatMap((page) => table.pages[page]?.key ?? []);
    return measure.of(ranking, table.dataset.queries[query]?.judgements ?? new Map());
  });
}

/** What a variant gives on both halves, and how it differs from scores as they are on the second. */
function tried(variant: Variant): { tuned: number; line: string } {
  const [chosenBy, there] = [figures(variant, tuning), figures(variant, report)];
  const { mean, low, high } = pairedDifference(base.report, there);
  const tuned = meanOf(chosenBy);
  const means = [tuned, meanOf(there), meanOf([...chosenBy, ...there])].map((value) => value.toFixed(4)).join("  ");
  const interval = `95 % interval ${low.toFixed(4)} to ${high.toFixed(4)}`;
  return { tuned, line: `${means}  ${mean >= 0 ? "+" : ""}${mean.toFixed(4)} (${interval})  ${variant.name}` };
}

const base = { tuning: figures(BASE, tuning), report: figures(BASE, report) };
console.log(
  `${table.dataset.name}, ${options.recipe}, ${measure.name}: ${tuning.length} questions to tune on, ${report.length} to report on`,
);
console.log("mean of the first half, of the second, of all; difference to scores as they are on the second");
console.log(`  ${tried(BASE).line}`);
for (const [group, members] of Object.entries(variants)) {
  console.log(`\n${group}; * is the best of the first half`);
  const results = members.map(tried);
  const best = Math.max(...results.map(({ tuned }) => tuned));
  for (const { tuned, line } of results) console.log(`${tuned === best ? "*" : " "} ${line}`);
}
