/**
 * A data set as the score of every query token on every page: what can be changed after encoding (weights of tokens, what
 * neighbours and titles add) is tried on this table in seconds.
 *
 * @module
 */
import path from "node:path";
import { Bm25 } from "../../../encoder/eval/bm25.ts";
import { type Dataset, pageKey, readDataset } from "../../../encoder/eval/datasets.ts";
import { EncodedCorpus } from "../../../encoder/eval/encoded-corpus.ts";
import { tokenScores } from "../../../encoder/eval/exact.ts";
import { MatrixRunner } from "../../../encoder/indexing/matrix-runner.ts";
import type { Model } from "../../../encoder/models/model.ts";
import { loadModel } from "../../../encoder/models/registry.ts";
import type { EncodedQuery } from "../../../shared/engine/contract.ts";
import { seededRandom } from "../../../shared/seeded-random.ts";

export interface TokenTable {
  dataset: Dataset;
  queries: readonly EncodedQuery[];
  /** Row of each query's first token in `scores`. */
  firstToken: readonly number[];
  /** `[tokens][pages]`. */
  scores: readonly Float32Array[];
  pages: readonly TablePage[];
  /** BM25 `[queries][pages]`; −∞ for a page without any word of the query. */
  keywords: readonly (readonly number[])[];
  /** `[tokens][documents]`: the same of the words of the documents' names. */
  nameScores: readonly Float32Array[];
  /** Share of the pages that have the token's word, by token. */
  documentFrequency: readonly number[];
}

export interface TablePage {
  key: string;
  document: number;
  vectorCount: number;
}

/** Encodes `folder`, or takes the pages from the cache, and scores every token on every page exactly. */
export async function readTokenTable(options: {
  folder: string;
  recipe: string;
  cacheFolder: string;
  maxTokens: number | undefined;
  /** Takes so many of the questions, by chance; default all. */
  questions: number | undefined;
}): Promise<TokenTable> {
  const whole = await readDataset(options.folder);
  const dataset = { ...whole, queries: shuffled(whole.queries).slice(0, options.questions) };
  const model = await loadModel(options.recipe, { threads: 1 });
  const runner = await MatrixRunner.create({ threads: 1 });
  const { cacheFolder, maxTokens } = options;
  const corpus = await EncodedCorpus.open({ corpus: dataset.corpus, model, cacheFolder, maxTokens });
  try {
    const queries: EncodedQuery[] = [];
    for (const { text } of dataset.queries) queries.push(await model.encodeQuery(text));
    const firstToken: number[] = [];
    let tokens = 0;
    for (const { tokenCount } of queries) {
      firstToken.push(tokens);
      tokens += tokenCount;
    }
    const scores = Array.from({ length: tokens }, () => new Float32Array(corpus.pageCount));
    let done = 0;
    for await (const { pages, best } of tokenScores(runner, queries, corpus.pages())) {
      for (const [token, row] of scores.entries()) {
        row.set(best.subarray(token * pages.length, (token + 1) * pages.length), done);
      }
      done += pages.length;
    }
    const { keywords, documentFrequency } = await readWords(corpus, dataset, queries);
    return {
      dataset,
      queries,
      firstToken,
      scores,
      pages: corpus.documents.flatMap(({ name, pages }, document) =>
        pages.map(({ pageNumber, vectorCount }) => ({ key: pageKey(name, pageNumber), document, vectorCount })),
      ),
      keywords,
      nameScores: await scoreNames(corpus, model, runner, queries),
      documentFrequency,
    };
  } finally {
    await corpus.close();
    await model.dispose();
    await runner.dispose();
  }
}

const SHUFFLE_SEED = 2_026;

/** The same order every time. */
export function shuffled<T>(items: readonly T[]): T[] {
  const random = seededRandom(SHUFFLE_SEED);
  return items
    .map((item) => ({ item, at: random.next() }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ item }) => item);
}

const WORDS = /[\p{L}\p{N}]+/gu;

async function readWords(corpus: EncodedCorpus, dataset: Dataset, queries: readonly EncodedQuery[]) {
  const bm25 = new Bm25();
  const pagesWith = new Map<string, number>();
  for await (const { text } of corpus.pages()) {
    bm25.add(text);
    for (const word of new Set(text.toLowerCase().match(WORDS))) pagesWith.set(word, (pagesWith.get(word) ?? 0) + 1);
  }
  const documentFrequency = queries.flatMap(({ tokens }, at) =>
    tokens.map(({ start, end }) => {
      const word = wordAround(dataset.queries[at]?.text ?? "", start, end);
      return (pagesWith.get(word) ?? 0) / Math.max(1, corpus.pageCount);
    }),
  );
  return { keywords: dataset.queries.map(({ text }) => bm25.score(text)), documentFrequency };
}

/** The word of which `text[start, end)` is a piece. Punctuation is its own. */
export function wordAround(text: string, start: number, end: number): string {
  for (const match of text.matchAll(WORDS)) {
    if (match.index <= start && end <= match.index + match[0].length) return match[0].toLowerCase();
  }
  return text.slice(start, end);
}

/** The words of every document's name, without its extension, as one page. */
async function scoreNames(
  corpus: EncodedCorpus,
  model: Model,
  runner: MatrixRunner,
  queries: readonly EncodedQuery[],
): Promise<Float32Array[]> {
  const tokens = queries.reduce((sum, { tokenCount }) => sum + tokenCount, 0);
  const scores = Array.from({ length: tokens }, () => new Float32Array(corpus.documents.length));
  const names = corpus.documents.map(({ name }) => path.parse(name).name.match(WORDS) ?? []);
  const pages = await model.encodePages(
    names.map((words) => ({
      pageNumber: 1,
      width: 1,
      height: 1,
      words: words.map((text) => ({ text, box: [0, 0, 1, 1] as const })),
    })),
  );
  async function* all() {
    yield* pages;
  }
  let done = 0;
  for await (const { pages: batch, best } of tokenScores(runner, queries, all())) {
    for (const [token, row] of scores.entries()) {
      row.set(best.subarray(token * batch.length, (token + 1) * batch.length), done);
    }
    done += batch.length;
  }
  return scores;
}
