/**
 * One recipe on one data set: encoded, indexed, searched, and scored exactly.
 *
 * @module
 */
import { mkdtemp, rm } from "node:fs/promises";
import path from "node:path";
import type { EncodedQuery, SearchableIndex, SearchMode } from "../../shared/engine/contract.ts";
import { vectorMode } from "../../shared/engine/lexical/mode.ts";
import { openIndex } from "../../shared/engine/open-index.ts";
import { type ErrorCode, MaxleafError } from "../../shared/errors.ts";
import { documentIdOf } from "../../shared/names.ts";
import type { ObjectStore } from "../../shared/store/object-store.ts";
import { IndexWriter } from "../indexing/index-writer.ts";
import { MatrixRunner } from "../indexing/matrix-runner.ts";
import type { Model } from "../models/model.ts";
import { FolderStore } from "../storage/folder-store.ts";
import { Bm25 } from "./bm25.ts";
import { type Dataset, pageKey } from "./datasets.ts";
import { EncodedCorpus } from "./encoded-corpus.ts";
import { exactScores } from "./exact.ts";
import { type Answer, RANKING_DEPTH } from "./measures.ts";
import { meanOf, overlapAt } from "./metrics.ts";
import type { RecipeReport } from "./report.ts";
import type { EvalOptions, EvalProgress } from "./run-eval.ts";
import type { ScoredRanking } from "./run-file.ts";

/** What people look at: the first page of results, at default settings. */
const FIRST = 10;
const INDEX_NAME = "evaluation";
/** Kernel memory: an evaluation may hold more than the half isolate that the edge allows. */
const KERNEL_BYTES = 1024 * 1024 * 1024;

/** What a recipe says of a question that it cannot encode. */
const REFUSALS: ReadonlySet<ErrorCode> = new Set<ErrorCode>(["empty_query", "query_too_long"]);

const NOTHING: ScoredRanking = { ranking: [], scores: [] };

type ScoredAnswer = ScoredRanking & Answer;

/** A recipe's report with answers in place of measures. */
type MeasuredRecipe = Omit<RecipeReport, "engine" | "exact" | "modes"> & {
  engine: ScoredAnswer[];
  exact: ScoredAnswer[];
  modes: { mode: SearchMode; searchMs: number; answers: ScoredAnswer[] }[];
};

export class RecipeRun {
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

  /** Encodes the pages, or takes them from the cache. */
  static async start(dataset: Dataset, model: Model, options: EvalOptions): Promise<RecipeRun> {
    const { cacheFolder, maxTokens, ocrLanguage, threads, onProgress } = options;
    const corpus = await EncodedCorpus.open({
      corpus: dataset.corpus,
      model,
      cacheFolder,
      maxTokens,
      ocrLanguage,
      onPages: (done) =>
        onProgress?.({ recipe: model.recipe.name, stage: "encoding", done, total: pagesOf(dataset.corpus) }),
    });
    return new RecipeRun(dataset, model, options, corpus, await MatrixRunner.create({ threads }));
  }

  async end(): Promise<void> {
    await this.#corpus.close();
    await this.#runner.dispose();
  }

  describeCorpus() {
    const { documents, pageCount, failedFiles } = this.#corpus;
    return { documents: documents.length, pages: pageCount, failedFiles: [...failedFiles] };
  }

  /** BM25 over the same pages. */
  async keywords(): Promise<ScoredAnswer[]> {
    const index = new Bm25();
    for await (const page of this.#corpus.pages()) index.add(page.text);
    const keys = this.#corpus.pageKeys;
    return this.#answers(this.#dataset.queries.map(({ text }) => bestOf(index.score(text), keys)));
  }

  async measure(): Promise<MeasuredRecipe> {
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
        const { found, medianMs } = await this.#search(index, queries, vectorMode(this.#model.recipe));
        const modes: MeasuredRecipe["modes"] = [];
        for (const mode of this.#otherModes()) {
          const byMode = await this.#search(index, queries, mode);
          modes.push({ mode, searchMs: byMode.medianMs, answers: this.#answers(byMode.found) });
        }
        const exact = await this.#exactRankings(queries);
        const recallAt = (k: number) =>
          meanOf(found.map(({ ranking }, at) => overlapAt(k, ranking, exact[at]?.ranking ?? [])));
        return {
          ...this.#describe(index),
          refusedQueries: queries.filter((query) => query === undefined).length,
          encodeMs,
          searchMs: medianMs,
          indexingSeconds,
          "recall@10 of exact": recallAt(FIRST),
          "recall@100 of exact": recallAt(RANKING_DEPTH),
          engine: this.#answers(found),
          modes,
          exact: this.#answers(exact),
        };
      } finally {
        index.close();
      }
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  /** Undefined for a question that the recipe refuses: it counts as one without an answer. */
  async #encodeQueries(): Promise<{ queries: (EncodedQuery | undefined)[]; encodeMs: number }> {
    const queries: (EncodedQuery | undefined)[] = [];
    const times: number[] = [];
    for (const { text } of this.#dataset.queries) {
      const startMs = performance.now();
      try {
        queries.push(await this.#model.encodeQuery(text));
      } catch (error) {
        if (!(error instanceof MaxleafError) || !REFUSALS.has(error.code)) throw error;
        queries.push(undefined);
      }
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

  /** A recipe has vectors of one kind: asking for the other kind is asking for these. */
  #otherModes(): SearchMode[] {
    const others = (this.#options.modes ?? []).filter((mode) => mode !== "late" && mode !== "dense");
    return [...new Set(others)];
  }

  /**
   * Every query twice: for the 10 pages that people look at, timed, and for what follows them. One that the recipe refuses has no answer
   * but by words, which need no vectors.
   */
  async #search(index: SearchableIndex, queries: readonly (EncodedQuery | undefined)[], mode: SearchMode) {
    const found: ScoredRanking[] = [];
    const times: number[] = [];
    // One more, where a document may have to be left out.
    const more = this.#options.ignoreIdenticalIds === true ? 1 : 0;
    const search = async (query: EncodedQuery | undefined, text: string, k: number): Promise<ScoredRanking> => {
      const { hits } = await index.search({ query, text, mode, k: k + more, bare: true });
      const ranking = hits.map((hit) => pageKey(hit.documentName, hit.pageNumber));
      return { ranking, scores: hits.map(({ score }) => score) };
    };
    for (const [done, query] of queries.entries()) {
      if (query === undefined && mode !== "lexical") {
        found.push(NOTHING);
        continue;
      }
      const text = this.#dataset.queries[done]?.text ?? "";
      const startMs = performance.now();
      const first = await search(query, text, FIRST);
      times.push(performance.now() - startMs);
      found.push(followedBy(first, await search(query, text, RANKING_DEPTH)));
      this.#progress("searching", done + 1, queries.length);
    }
    return { found, medianMs: median(times) };
  }

  async #exactRankings(queries: readonly (EncodedQuery | undefined)[]): Promise<ScoredRanking[]> {
    const { pageCount, pageKeys } = this.#corpus;
    const accepted = queries.filter((query) => query !== undefined);
    if (accepted.length === 0) return queries.map(() => NOTHING);
    const { lengthPrior } = this.#model.recipe;
    const onPages = (done: number) => this.#progress("exact", done, pageCount);
    const scores = await exactScores(this.#runner, accepted, this.#corpus.pages(), { lengthPrior, onPages });
    const rankings = scores.map((ofQuery) => bestOf(ofQuery, pageKeys)).values();
    return queries.map((query) => (query === undefined ? NOTHING : (rankings.next().value ?? NOTHING)));
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

  /** One answer per query of the set, without what must not be found. */
  #answers(rankings: readonly ScoredRanking[]): ScoredAnswer[] {
    return this.#dataset.queries.map(({ id, judgements }, at) => {
      const { ranking = [], scores = [] } = rankings[at] ?? {};
      const excluded = this.#options.ignoreIdenticalIds === true ? pageKey(id, 1) : undefined;
      const kept = Array.from(ranking.keys()).filter((rank) => ranking[rank] !== excluded);
      const first = kept.slice(0, RANKING_DEPTH);
      return {
        ranking: first.flatMap((rank) => ranking[rank] ?? []),
        scores: first.map((rank) => scores[rank] ?? 0),
        judgements,
      };
    });
  }

  #progress(stage: EvalProgress["stage"], done: number, total: number): void {
    this.#options.onProgress?.({ recipe: this.#model.recipe.name, stage, done, total });
  }
}

function pagesOf(corpus: Dataset["corpus"]): number | undefined {
  if (corpus.kind === "texts") return corpus.texts.length;
  return corpus.kind === "pictures" ? corpus.pictures.length : undefined;
}

/** `first`, then what only `deep` found. */
function followedBy(first: ScoredRanking, deep: ScoredRanking): ScoredRanking {
  const seen = new Set(first.ranking);
  const rest = Array.from(deep.ranking.keys()).filter((rank) => !seen.has(deep.ranking[rank] ?? ""));
  return {
    ranking: [...first.ranking, ...rest.flatMap((rank) => deep.ranking[rank] ?? [])],
    scores: [...first.scores, ...rest.map((rank) => deep.scores[rank] ?? 0)],
  };
}

/** The best scores and one more; of equal ones, the earlier page first. Pages that cannot be found (−∞) are left out. */
function bestOf(scores: readonly number[], keys: readonly string[]): ScoredRanking {
  const best = Array.from(scores.keys())
    .filter((page) => scores[page] !== -Infinity)
    .toSorted((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0) || a - b)
    .slice(0, RANKING_DEPTH + 1);
  return { ranking: best.flatMap((page) => keys[page] ?? []), scores: best.map((page) => scores[page] ?? 0) };
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
