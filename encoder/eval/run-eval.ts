/**
 * Measures search on a data set: recipes through the real index and engine, beside exact MaxSim in floats and BM25.
 *
 * @module
 */
import { mkdtemp, rm } from "node:fs/promises";
import path from "node:path";
import type { EncodedQuery, SearchableIndex } from "../../shared/engine/contract.ts";
import { openIndex } from "../../shared/engine/open-index.ts";
import type { KernelModule } from "../../shared/kernel/webassembly.ts";
import { documentIdOf } from "../../shared/names.ts";
import type { ObjectStore } from "../../shared/store/object-store.ts";
import { IndexWriter } from "../indexing/index-writer.ts";
import { MatrixRunner } from "../indexing/matrix-runner.ts";
import type { Model } from "../models/model.ts";
import { DEFAULT_RECIPE, findRecipe, loadModel } from "../models/registry.ts";
import { FolderStore } from "../storage/folder-store.ts";
import { Bm25 } from "./bm25.ts";
import { type Dataset, pageKey, readDataset } from "./datasets.ts";
import { EncodedCorpus } from "./encoded-corpus.ts";
import { exactScores } from "./exact.ts";
import { meanOf, overlapAt, type Ranking } from "./metrics.ts";
import { type Answer, type EvalReport, measure, type Measures, type RecipeReport } from "./report.ts";

const FIRST = 10;
const DEEP = 100;
const INDEX_NAME = "evaluation";
/** Kernel memory: an evaluation may hold more than the half isolate that the edge allows. */
const KERNEL_BYTES = 1024 * 1024 * 1024;

export interface EvalOptions {
  /** Folder of the data set: see `readDataset`. */
  dataset: string;
  /** Registry names; default: the default recipe. */
  recipes?: readonly string[] | undefined;
  /** Texts are cut to this many tokens, [CLS] and [SEP] included. */
  maxTokens?: number | undefined;
  threads?: number | undefined;
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

/**
 * Runs the whole evaluation: hours on a large set the first time, since every page is encoded.
 *
 * @throws MaxleafError `invalid_request` for a bad data set, `recipe_not_found`, `model_unavailable`.
 */
export async function runEval(options: EvalOptions): Promise<EvalReport> {
  const names = options.recipes ?? [DEFAULT_RECIPE];
  // Before anything takes long.
  names.forEach(findRecipe);
  const dataset = await readDataset(options.dataset);
  const recipes: RecipeReport[] = [];
  let keywords: { measures: Measures; corpus: Pick<EvalReport, "documents" | "pages" | "failedFiles"> } | undefined;
  for (const name of names) {
    const model = await loadModel(name, { threads: options.threads });
    try {
      const run = await RecipeRun.start(dataset, model, options);
      try {
        keywords ??= await run.keywords();
        recipes.push(await run.measure());
      } finally {
        await run.end();
      }
    } finally {
      await model.dispose();
    }
  }
  if (keywords === undefined) throw new RangeError("an evaluation needs a recipe");
  return {
    dataset: dataset.name,
    ...keywords.corpus,
    queries: dataset.queries.length,
    unjudgedQueries: dataset.unjudgedQueries,
    maxTokens: options.maxTokens,
    bm25: keywords.measures,
    recipes,
  };
}

/** One recipe on one data set. */
class RecipeRun {
  readonly #dataset: Dataset;
  readonly #model: Model;
  readonly #options: EvalOptions;
  readonly #corpus: EncodedCorpus;
  readonly #runner: MatrixRunner;

  private constructor(
    dataset: Dataset,
    model: Model,
    options: EvalOptions,
    corpus: EncodedCorpus,
    runner: MatrixRunner,
  ) {
    this.#dataset = dataset;
    this.#model = model;
    this.#options = options;
    this.#corpus = corpus;
    this.#runner = runner;
  }

  static async start(dataset: Dataset, model: Model, options: EvalOptions): Promise<RecipeRun> {
    const { cacheFolder, maxTokens, threads, onProgress } = options;
    const total = dataset.corpus.kind === "texts" ? dataset.corpus.texts.length : undefined;
    const corpus = await EncodedCorpus.open({
      corpus: dataset.corpus,
      model,
      cacheFolder,
      maxTokens,
      onPages: (done) => onProgress?.({ recipe: model.recipe.name, stage: "encoding", done, total }),
    });
    return new RecipeRun(dataset, model, options, corpus, await MatrixRunner.create({ threads }));
  }

  async end(): Promise<void> {
    await this.#corpus.close();
    await this.#runner.dispose();
  }

  /** BM25 over the same pages. */
  async keywords() {
    const index = new Bm25();
    for await (const page of this.#corpus.pages()) index.add(page.text);
    const keys = this.#corpus.pageKeys;
    const rankings = this.#dataset.queries.map(({ text }) => bestKeys(index.score(text), keys));
    const { documents, pageCount, failedFiles } = this.#corpus;
    const corpus = { documents: documents.length, pages: pageCount, failedFiles: [...failedFiles] };
    return { measures: this.#measure(rankings, rankings), corpus };
  }

  async measure(): Promise<RecipeReport> {
    const { queries, encodeMs } = await this.#encodeQueries();
    const folder = await mkdtemp(path.join(this.#options.cacheFolder, "index-"));
    try {
      const store = new FolderStore(folder);
      const startMs = performance.now();
      await this.#buildIndex(store);
      const indexingSeconds = (performance.now() - startMs) / 1_000;
      const { kernelModule } = this.#options;
      const index = await openIndex({ store, index: INDEX_NAME, kernelModule, kernelBytes: KERNEL_BYTES });
      try {
        const search = await this.#search(index, queries);
        const exact = await this.#exactRankings(queries);
        return {
          ...this.#describe(index),
          encodeMs,
          searchMs: search.medianMs,
          indexingSeconds,
          "recall@10 of exact": meanOf(search.first10.map((found, at) => overlapAt(FIRST, found, exact[at] ?? []))),
          "recall@100 of exact": meanOf(search.first100.map((found, at) => overlapAt(DEEP, found, exact[at] ?? []))),
          engine: this.#measure(search.first10, search.first100),
          exact: this.#measure(exact, exact),
        };
      } finally {
        index.close();
      }
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  async #encodeQueries(): Promise<{ queries: EncodedQuery[]; encodeMs: number }> {
    const queries: EncodedQuery[] = [];
    const times: number[] = [];
    for (const { text } of this.#dataset.queries) {
      const startMs = performance.now();
      queries.push(await this.#model.encodeQuery(text));
      times.push(performance.now() - startMs);
    }
    return { queries, encodeMs: median(times) };
  }

  async #buildIndex(store: ObjectStore): Promise<void> {
    const { threads, cacheFolder } = this.#options;
    const writer = await IndexWriter.open({
      store,
      index: INDEX_NAME,
      recipe: this.#model.recipe,
      threads,
      spoolFolder: cacheFolder,
      onProgress: ({ stage, share }) =>
        this.#progress("indexing", stage === "training" ? share / 2 : (1 + share) / 2, 1),
    });
    try {
      for (const document of this.#corpus.documents) {
        const entry = {
          id: await documentIdOf(document.name),
          name: document.name,
          revision: "0".repeat(16),
          contentType: "text/plain",
          sourceBytes: 0,
          pageCount: document.pages.length,
          addedAtMs: 0,
          metadata: {},
        };
        await writer.addDocument(entry, this.#corpus.pages([document]));
      }
      await writer.commit();
    } finally {
      await writer.close();
    }
  }

  /** Every query twice: for the 10 pages that people look at, timed, and for 100. */
  async #search(index: SearchableIndex, queries: readonly EncodedQuery[]) {
    const first10: Ranking[] = [];
    const first100: Ranking[] = [];
    const times: number[] = [];
    const keysOf = async (query: EncodedQuery, k: number) => {
      const { hits } = await index.search({ query, k, bare: true });
      return hits.map((hit) => pageKey(hit.documentName, hit.pageNumber));
    };
    for (const [done, query] of queries.entries()) {
      const startMs = performance.now();
      first10.push(await keysOf(query, FIRST));
      times.push(performance.now() - startMs);
      first100.push(await keysOf(query, DEEP));
      this.#progress("searching", done + 1, queries.length);
    }
    return { first10, first100, medianMs: median(times) };
  }

  async #exactRankings(queries: readonly EncodedQuery[]): Promise<Ranking[]> {
    const { pageCount, pageKeys } = this.#corpus;
    const scores = await exactScores(this.#runner, queries, this.#corpus.pages(), (done) =>
      this.#progress("exact", done, pageCount),
    );
    return scores.map((ofQuery) => bestKeys(ofQuery, pageKeys));
  }

  #describe({ manifest }: SearchableIndex) {
    const { pageCount, vectorCount, wasCached, encodeSeconds } = this.#corpus;
    const total = (field: "bytes" | "vectorsBytes" | "searchablePageCount") =>
      manifest.segments.reduce((sum, segment) => sum + segment[field], 0);
    return {
      recipe: this.#model.recipe.name,
      recipeFingerprint: this.#model.recipeFingerprint,
      dim: this.#model.recipe.dim,
      vectors: vectorCount,
      searchablePages: total("searchablePageCount"),
      pagesEncodedPerSecond: wasCached ? undefined : pageCount / encodeSeconds,
      centroids: manifest.codebook?.centroidCount ?? 0,
      subspaces: manifest.codebook?.subspaces ?? 0,
      indexBytesPerPage: (total("bytes") + (manifest.codebook?.bytes ?? 0)) / pageCount,
      exactVectorBytesPerPage: total("vectorsBytes") / pageCount,
    };
  }

  #measure(first10: readonly Ranking[], first100: readonly Ranking[]): Measures {
    const answers = this.#dataset.queries.map(({ judgements }, at): Answer => {
      return { first10: (first10[at] ?? []).slice(0, FIRST), first100: first100[at] ?? [], judgements };
    });
    return measure(answers);
  }

  #progress(stage: EvalProgress["stage"], done: number, total: number): void {
    this.#options.onProgress?.({ recipe: this.#model.recipe.name, stage, done, total });
  }
}

/** Keys of the best 100 scores; of equal ones, the earlier page first. Pages that cannot be found (−∞) are left out. */
function bestKeys(scores: readonly number[], keys: readonly string[]): Ranking {
  return Array.from(scores.keys())
    .filter((page) => scores[page] !== -Infinity)
    .toSorted((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0) || a - b)
    .slice(0, DEEP)
    .flatMap((page) => keys[page] ?? []);
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
