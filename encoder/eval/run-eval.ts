/**
 * Measures search on a data set: recipes through the real index and engine, beside exact MaxSim in floats and BM25.
 *
 * @module
 */
import type { SearchMode } from "../../shared/engine/contract.ts";
import type { KernelModule } from "../../shared/kernel/webassembly.ts";
import type { LoadOptions } from "../models/model.ts";
import { DEFAULT_RECIPE, findRecipe, loadModel } from "../models/registry.ts";
import { parseOcrLanguages } from "../ocr/languages.ts";
import { type Dataset, readDataset } from "./datasets.ts";
import { DEFAULT_MEASURES, measure, parseMeasure } from "./measures.ts";
import { RecipeRun } from "./recipe-run.ts";
import { type EvalReport, measureLanguages, type RecipeReport, type SystemAnswers } from "./report.ts";

export interface EvalOptions {
  /** Folder of the data set: see `readDataset`. */
  dataset: string;
  /** Of its judgements, where it has several; default `test`. */
  split?: string | undefined;
  /** Registry names; default: the default recipe. */
  recipes?: readonly string[] | undefined;
  /** Ways of ranking besides the recipe's own vectors; default: none. */
  modes?: readonly SearchMode[] | undefined;
  /** Names of measures; default {@link DEFAULT_MEASURES}. */
  measures?: readonly string[] | undefined;
  /** Texts are cut to this many tokens, [CLS] and [SEP] included. */
  maxTokens?: number | undefined;
  /** Languages in which pages without a text layer are read, `eng+deu`; undefined: they are not read. */
  ocrLanguage?: string | undefined;
  /** A document with a query's id is no answer to it: some sets (ArguAna, Quora) ask for what is like a document of theirs. */
  ignoreIdenticalIds?: boolean | undefined;
  threads?: number | undefined;
  /** Where models are and where they run. */
  modelOptions?: LoadOptions | undefined;
  /** Encoded pages are kept here between runs, and the index while it is measured. */
  cacheFolder: string;
  kernelModule: KernelModule;
  onProgress?: ((progress: EvalProgress) => void) | undefined;
}

export interface EvalProgress {
  recipe: string;
  stage: "encoding" | "indexing" | "exact" | "searching";
  done: number;
  /** Undefined while the number of pages is not known. */
  total: number | undefined;
}

/** What an evaluation found, as means and query by query. */
export interface Evaluation {
  report: EvalReport;
  dataset: Dataset;
  systems: SystemAnswers[];
}

/**
 * Runs the whole evaluation: hours on a large set the first time, since every page is encoded.
 *
 * @throws MaxleafError `invalid_request` for a bad data set or measure, `recipe_not_found`, `model_unavailable`.
 */
export async function runEval(options: EvalOptions): Promise<Evaluation> {
  const names = options.recipes ?? [DEFAULT_RECIPE];
  // Before anything takes long.
  names.forEach(findRecipe);
  const measures = (options.measures ?? DEFAULT_MEASURES).map(parseMeasure);
  if (options.ocrLanguage !== undefined) parseOcrLanguages(options.ocrLanguage);
  const dataset = await readDataset(options.dataset, options.split);
  const recipes: RecipeReport[] = [];
  const systems: SystemAnswers[] = [];
  let corpus: Pick<EvalReport, "documents" | "pages" | "failedFiles"> | undefined;
  for (const name of names) {
    const model = await loadModel(name, { ...options.modelOptions, threads: options.threads });
    try {
      const run = await RecipeRun.start(dataset, model, options);
      try {
        if (corpus === undefined) {
          corpus = run.describeCorpus();
          systems.push({ system: "bm25", answers: await run.keywords() });
        }
        const { engine, exact, modes, ...described } = await run.measure();
        systems.push({ system: name, answers: engine });
        for (const { mode, answers } of modes) systems.push({ system: `${name}.${mode}`, answers });
        systems.push({ system: `${name}.exact`, answers: exact });
        recipes.push({
          ...described,
          engine: measure(measures, engine),
          modes: modes.map(({ answers, ...rest }) => ({ ...rest, measures: measure(measures, answers) })),
          exact: measure(measures, exact),
        });
      } finally {
        await run.end();
      }
    } finally {
      await model.dispose();
    }
  }
  if (corpus === undefined) throw new RangeError("an evaluation needs a recipe");
  const report = {
    dataset: dataset.name,
    ...corpus,
    queries: dataset.queries.length,
    unjudgedQueries: dataset.unjudgedQueries,
    maxTokens: options.maxTokens,
    bm25: measure(measures, systems[0]?.answers ?? []),
    recipes,
    languages: measureLanguages(dataset.queries, systems, measures),
  };
  return { report, dataset, systems };
}
