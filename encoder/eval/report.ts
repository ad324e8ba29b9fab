/**
 * What an evaluation found, and how it is printed.
 *
 * @module
 */
import type { SearchMode } from "../../shared/engine/contract.ts";
import { type Answer, type Measure, measure, type Measures } from "./measures.ts";
import type { ScoredRanking } from "./run-file.ts";

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
  /** Questions that the recipe cannot encode; they count as without an answer. */
  refusedQueries: number;
  /** Medians, milliseconds per query: encoding on this machine, and a search for 10 pages by an open index. */
  encodeMs: number;
  searchMs: number;
  indexingSeconds: number;
  engine: Measures;
  /** The engine by other modes, with the median milliseconds of a search for 10 pages. */
  modes: { mode: SearchMode; searchMs: number; measures: Measures }[];
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
  /** Each language that queries have, when there are several. */
  languages: LanguageReport[];
}

export interface LanguageReport {
  language: string;
  queries: number;
  /** By {@link SystemAnswers.system}. */
  systems: Record<string, Measures>;
}

/** What one system answered, one entry per query of the set. */
export interface SystemAnswers {
  /** `bm25`; a recipe's name for the engine, `minilm-words.hybrid` by another mode, `minilm-words.exact` for exact scores. */
  system: string;
  answers: readonly (ScoredRanking & Answer)[];
}

/** Means of every language; nothing when there is one or none. Queries that do not say are left out. */
export function measureLanguages(
  queries: readonly { language?: string | undefined }[],
  systems: readonly SystemAnswers[],
  measures: readonly Measure[],
): LanguageReport[] {
  const byLanguage = Map.groupBy(queries.keys(), (at) => queries[at]?.language);
  byLanguage.delete(undefined);
  if (byLanguage.size < 2) return [];
  return [...byLanguage].map(([language = "", positions]) => ({
    language,
    queries: positions.length,
    systems: Object.fromEntries(
      systems.map(({ system, answers }) => [
        system,
        measure(
          measures,
          positions.flatMap((at) => answers[at] ?? []),
        ),
      ]),
    ),
  }));
}

/** `report` for people: one column per system, then what each recipe costs. */
export function formatReport(report: EvalReport): string {
  const { dataset, documents, pages, queries, unjudgedQueries, maxTokens, bm25, recipes, languages, failedFiles } =
    report;
  const systems: [string, Measures][] = [
    ["BM25", bm25],
    ...recipes.flatMap((recipe): [string, Measures][] => [
      [`${recipe.recipe}, engine`, recipe.engine],
      ...recipe.modes.map(({ mode, measures }): [string, Measures] => [`${recipe.recipe}, ${mode}`, measures]),
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
    ...languages.flatMap(({ language, queries: asked, systems: ofLanguage }) => [
      "",
      `${language}, ${count(asked)} queries`,
      ...table(Object.entries(ofLanguage)),
    ]),
    ...recipes.flatMap((recipe) => ["", ...describe(recipe)]),
  ].join("\n");
}

function table(systems: readonly [string, Measures][]): string[] {
  const [, first] = systems[0] ?? ["", undefined];
  const names = first === undefined ? [] : Object.keys(first);
  const cells = [
    ["", ...systems.map(([name]) => name)],
    ...names.map((name) => [name, ...systems.map(([, measures]) => measures[name]?.toFixed(3) ?? "")]),
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
  const refused =
    recipe.refusedQueries === 0 ? [] : [`  ${count(recipe.refusedQueries)} questions refused by the recipe`];
  return [
    `${recipe.recipe} (${recipe.recipeFingerprint})`,
    ...refused,
    `  ${count(recipe.vectors)} vectors of ${recipe.dim}, ${perPage.toFixed(1)} a page; ${encoded}`,
    `  engine against exact: recall@10 ${recipe["recall@10 of exact"].toFixed(3)}, recall@100 ${recipe["recall@100 of exact"].toFixed(3)}`,
    `  median per query: ${recipe.encodeMs.toFixed(1)} ms to encode it, ${recipe.searchMs.toFixed(1)} ms to search` +
      recipe.modes.map(({ mode, searchMs }) => `, ${searchMs.toFixed(1)} ms by ${mode}`).join(""),
    `  index: ${count(recipe.indexBytesPerPage)} bytes a page and ${count(recipe.exactVectorBytesPerPage)} of exact vectors; ` +
      `${count(recipe.centroids)} centroids, ${recipe.subspaces} bytes a vector; made in ${recipe.indexingSeconds.toFixed(1)} s`,
  ];
}

function count(value: number): string {
  return Math.round(value).toLocaleString("en");
}
