/**
 * A data set as the score of every query token on every page: what can be changed after encoding (weights of tokens, what
 * neighbours and titles add) is tried on this table in seconds.
 *
 * @module
 */
import { Bm25 } from "../../../encoder/eval/bm25.ts";
import { type Dataset, pageKey, readDataset } from "../../../encoder/eval/datasets.ts";
import { EncodedCorpus } from "../../../encoder/eval/encoded-corpus.ts";
import { type ScorablePage, tokenScores } from "../../../encoder/eval/exact.ts";
import { MatrixRunner } from "../../../encoder/indexing/matrix-runner.ts";
import type { ModelPage } from "../../../encoder/models/model.ts";
import { loadModel } from "../../../encoder/models/registry.ts";
import type { EncodedQuery } from "../../../shared/engine/contract.ts";
import { seededRandom } from "../../../shared/seeded-random.ts";

export interface TokenTable {
  dataset: Dataset;
  queries: readonly EncodedQuery[];
  /** Row of each query's first token in `scores`. */
  firstToken: readonly number[];
  /** `[tokens][pages]`: by the vectors of the page's own words. */
  scores: readonly Float32Array[];
  pages: readonly TablePage[];
  /** BM25 `[queries][pages]`; −∞ for a page without any word of the query. */
  keywords: readonly (readonly number[])[];
  /** `[tokens][documents]`: the same by the vectors of the documents' names; 0 where there are none. */
  nameScores: readonly Float32Array[];
  /** Share of the pages that have the token's word, by token. */
  documentFrequency: readonly number[];
}

export interface TablePage {
  key: string;
  document: number;
  /** Of its own words. */
  vectorCount: number;
  /** Of its document's name. */
  nameVectorCount: number;
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
    const nameVectorCounts: number[] = [];
    const ownPages = async function* () {
      for await (const page of corpus.pages()) {
        nameVectorCounts.push(page.nameVectorCount ?? 0);
        yield ownVectors(page);
      }
    };
    const scores = await scorePages(runner, queries, ownPages(), corpus.pageCount);
    const { keywords, documentFrequency } = await readWords(corpus, dataset, queries);
    return {
      dataset,
      queries,
      firstToken,
      scores,
      pages: corpus.documents
        .flatMap(({ name, pages }, document) =>
          pages.map(({ pageNumber, vectorCount }) => ({ key: pageKey(name, pageNumber), document, vectorCount })),
        )
        .map(({ key, document, vectorCount }, page) => {
          const nameVectorCount = nameVectorCounts[page] ?? 0;
          return { key, document, vectorCount: vectorCount - nameVectorCount, nameVectorCount };
        }),
      keywords,
      nameScores: await scorePages(runner, queries, namesOf(corpus), corpus.documents.length),
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

/** `[tokens][pages]`. */
async function scorePages(
  runner: MatrixRunner,
  queries: readonly EncodedQuery[],
  pages: AsyncIterable<ScorablePage>,
  pageCount: number,
): Promise<Float32Array[]> {
  const tokens = queries.reduce((sum, { tokenCount }) => sum + tokenCount, 0);
  const scores = Array.from({ length: tokens }, () => new Float32Array(pageCount));
  let done = 0;
  for await (const { pages: batch, best } of tokenScores(runner, queries, pages)) {
    for (const [token, row] of scores.entries()) {
      row.set(best.subarray(token * batch.length, (token + 1) * batch.length), done);
    }
    done += batch.length;
  }
  return scores;
}

/** The vectors of the page's own words. */
export function ownVectors(page: ModelPage): ScorablePage {
  const own = page.vectorCount - (page.nameVectorCount ?? 0);
  return { vectorCount: own, vectors: page.vectors.subarray(0, own * dimOf(page)) };
}

/** The vectors of every document's name, as one page. */
async function* namesOf(corpus: EncodedCorpus): AsyncGenerator<ScorablePage> {
  for (const document of corpus.documents) yield await nameOf(corpus, document);
}

async function nameOf(corpus: EncodedCorpus, document: EncodedCorpus["documents"][number]): Promise<ScorablePage> {
  for await (const page of corpus.pages([document])) {
    const { nameVectorCount = 0, vectors } = page;
    if (nameVectorCount === 0) continue;
    return { vectorCount: nameVectorCount, vectors: vectors.subarray(vectors.length - nameVectorCount * dimOf(page)) };
  }
  return { vectorCount: 0, vectors: new Float32Array(0) };
}

function dimOf({ vectors, vectorCount }: ModelPage): number {
  return vectorCount === 0 ? 0 : vectors.length / vectorCount;
}
