/**
 * What an evaluation found, and how it is printed.
 *
 * @module
 */
import { hitAt, meanOf, ndcgAt, type Judgements, type Ranking, recallAt, reciprocalRank } from "./metrics.ts";

/** Means over all queries. */
export interface Measures {
  "nDCG@5": number;
  "nDCG@10": number;
  "recall@1": number;
  "recall@5": number;
  "recall@10": number;
  "recall@100": number;
  /** Over the first 100. */
  MRR: number;
  "hit@1": number;
  "hit@5": number;
  "hit@10": number;
}

export interface RecipeReport {
  recipe: string;
  recipeFingerprint: string;
  dim: number;
  vectors: number;
  searchablePages: number;
  /** Undefined when the pages came from the cache. */
  pagesEncodedPerSecond: number | undefined;
  centroids: number;
  subspaces: number;
  /** Segments and codebook, per page. */
  indexBytesPerPage: number;
  /** The int8 vectors, which most queries read for a few pages only. */
  exactVectorBytesPerPage: number;
  /** Of the engine at default settings: share of exact float MaxSim's first 10 that it finds in its first 10. */
  "recall@10 of exact": number;
  /** The same with k = 100. */
  "recall@100 of exact": number;
  /** Medians, milliseconds per query: encoding on this machine, and a search for 10 pages by an open index. */
  encodeMs: number;
  searchMs: number;
  indexingSeconds: number;
  engine: Measures;
  exact: Measures;
}

export interface EvalReport {
  dataset: string;
  documents: number;
  pages: number;
  queries: number;
  /** Left out because no page is judged relevant for them. */
  unjudgedQueries: number;
  failedFiles: { name: string; reason: string }[];
  maxTokens: number | undefined;
  bm25: Measures;
  recipes: RecipeReport[];
}

/** One query's answers: the first 10 at default settings, and a list of 100 for what looks deeper. */
export interface Answer {
  first10: Ranking;
  first100: Ranking;
  judgements: Judgements;
}

export function measure(answers: readonly Answer[]): Measures {
  const mean = (of: (answer: Answer) => number) => meanOf(answers.map(of));
  return {
    "nDCG@5": mean(({ first10, judgements }) => ndcgAt(5, first10, judgements)),
    "nDCG@10": mean(({ first10, judgements }) => ndcgAt(10, first10, judgements)),
    "recall@1": mean(({ first10, judgements }) => recallAt(1, first10, judgements)),
    "recall@5": mean(({ first10, judgements }) => recallAt(5, first10, judgements)),
    "recall@10": mean(({ first10, judgements }) => recallAt(10, first10, judgements)),
    "recall@100": mean(({ first100, judgements }) => recallAt(100, first100, judgements)),
    MRR: mean(({ first100, judgements }) => reciprocalRank(first100, judgements)),
    "hit@1": mean(({ first10, judgements }) => hitAt(1, first10, judgements)),
    "hit@5": mean(({ first10, judgements }) => hitAt(5, first10, judgements)),
    "hit@10": mean(({ first10, judgements }) => hitAt(10, first10, judgements)),
  };
}

/** `report` for people: one column per system, then what each recipe costs. */
export function formatReport(report: EvalReport): string {
  const { dataset, documents, pages, queries, unjudgedQueries, maxTokens, bm25, recipes, failedFiles } = report;
  const systems: [string, Measures][] = [
    ["BM25", bm25],
    ...recipes.flatMap((recipe): [string, Measures][] => [
      [`${recipe.recipe}, engine`, recipe.engine],
      [`${recipe.recipe}, exact`, recipe.exact],
    ]),
  ];
  const notes = [
    `${dataset}: ${count(documents)} documents, ${count(pages)} pages, ${count(queries)} queries`,
    unjudgedQueries > 0 ? `${count(unjudgedQueries)} queries without a relevant page were left out` : "",
    maxTokens === undefined ? "" : `texts were cut to ${count(maxTokens)} tokens`,
    ...failedFiles.map(({ name, reason }) => `left out: ${name}: ${reason}`),
  ];
  return [
    ...notes.filter((note) => note !== ""),
    "",
    ...table(systems),
    ...recipes.flatMap((recipe) => ["", ...describe(recipe)]),
  ].join("\n");
}

function table(systems: readonly [string, Measures][]): string[] {
  const [, first] = systems[0] ?? ["", undefined];
  const names = first === undefined ? [] : Object.keys(first);
  const cells = [
    ["", ...systems.map(([name]) => name)],
    ...names.map((name) => [
      name,
      ...systems.map(([, measures]) => {
        const value = Object.entries(measures).find(([key]) => key === name)?.[1];
        return value === undefined ? "" : value.toFixed(3);
      }),
    ]),
  ];
  const widths = (cells[0] ?? []).map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  return cells.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join("  "),
  );
}

function describe(recipe: RecipeReport): string[] {
  const perPage = recipe.searchablePages === 0 ? 0 : recipe.vectors / recipe.searchablePages;
  const encoded =
    recipe.pagesEncodedPerSecond === undefined
      ? "page vectors from the cache"
      : `${recipe.pagesEncodedPerSecond.toFixed(1)} pages encoded per second`;
  return [
    `${recipe.recipe} (${recipe.recipeFingerprint})`,
    `  ${count(recipe.vectors)} vectors of ${recipe.dim}, ${perPage.toFixed(1)} a page; ${encoded}`,
    `  engine against exact: recall@10 ${recipe["recall@10 of exact"].toFixed(3)}, recall@100 ${recipe["recall@100 of exact"].toFixed(3)}`,
    `  median per query: ${recipe.encodeMs.toFixed(1)} ms to encode it, ${recipe.searchMs.toFixed(1)} ms to search`,
    `  index: ${count(recipe.indexBytesPerPage)} bytes a page and ${count(recipe.exactVectorBytesPerPage)} of exact vectors; ` +
      `${count(recipe.centroids)} centroids, ${recipe.subspaces} bytes a vector; made in ${recipe.indexingSeconds.toFixed(1)} s`,
  ];
}

function count(value: number): string {
  return Math.round(value).toLocaleString("en");
}
