/**
 * Data sets as the vectors of their pages and queries, whole in memory: what compression is measured on.
 *
 * @module
 */
import { readFile } from "node:fs/promises";
import path from "node:path";
import { pageKey, readDataset } from "../../encoder/eval/datasets.ts";
import { EncodedCorpus } from "../../encoder/eval/encoded-corpus.ts";
import type { Judgements } from "../../encoder/eval/metrics.ts";
import type { Matrix } from "../../encoder/indexing/matrix-runner.ts";
import { loadModel } from "../../encoder/models/registry.ts";
import { readNpz } from "./numpy-files.ts";

/** Consecutive rows of a matrix that belong together: the vectors of a page, or of a query. */
export interface Rows {
  first: number;
  count: number;
}

export interface VectorSet {
  name: string;
  vectors: Matrix;
  /** Pages without vectors are left out: nothing finds them. */
  pages: (Rows & { key: string })[];
  tokens: Matrix;
  /** Without judgements only recall against exact scores can be measured. */
  queries: (Rows & { judgements: Judgements | undefined })[];
}

/** A data set of texts or PDFs, encoded by `recipe`; encoded pages are kept in `cacheFolder`. */
export async function encodeVectorSet(options: {
  folder: string;
  recipe: string;
  cacheFolder: string;
  maxTokens: number | undefined;
}): Promise<VectorSet> {
  const dataset = await readDataset(options.folder);
  const model = await loadModel(options.recipe);
  const { dim } = model.recipe;
  const { cacheFolder, maxTokens } = options;
  const corpus = await EncodedCorpus.open({ corpus: dataset.corpus, model, cacheFolder, maxTokens });
  try {
    const pages = new RowCollector(dim);
    const keys = corpus.documents.flatMap((document) =>
      document.pages.filter((page) => page.vectorCount > 0).map(({ pageNumber }) => pageKey(document.name, pageNumber)),
    );
    for await (const { vectorCount, vectors } of corpus.pages()) if (vectorCount > 0) pages.add(vectors);
    const queries = new RowCollector(dim);
    for (const { text } of dataset.queries) queries.add((await model.encodeQuery(text)).vectors);
    return {
      name: dataset.name,
      vectors: pages.matrix(),
      pages: pages.rows.map((rows, page) => ({ ...rows, key: keys[page] ?? "" })),
      tokens: queries.matrix(),
      queries: queries.rows.map((rows, query) => ({ ...rows, judgements: dataset.queries[query]?.judgements })),
    };
  } finally {
    await corpus.close();
    await model.dispose();
  }
}

/** Vectors by another encoder: archives with an array `[n, dim]` for every page, and one for every query if there are any. */
export async function readVectorSet(pagesFile: string, queriesFile: string | undefined): Promise<VectorSet> {
  const pages = readNpz(await readFile(pagesFile));
  const queries = queriesFile === undefined ? new Map<string, never>() : readNpz(await readFile(queriesFile));
  const dim = [...pages.values()][0]?.shape[1] ?? 1;
  const collected = { pages: new RowCollector(dim), queries: new RowCollector(dim) };
  for (const { values } of pages.values()) collected.pages.add(values);
  for (const { values } of queries.values()) collected.queries.add(values);
  const keys = [...pages.keys()];
  return {
    name: path.basename(path.dirname(path.resolve(pagesFile))),
    vectors: collected.pages.matrix(),
    pages: collected.pages.rows.map((rows, page) => ({ ...rows, key: keys[page] ?? "" })),
    tokens: collected.queries.matrix(),
    queries: collected.queries.rows.map((rows) => ({ ...rows, judgements: undefined })),
  };
}

/** Stacks groups of rows. */
class RowCollector {
  readonly rows: Rows[] = [];
  readonly #dim: number;
  readonly #parts: Float32Array[] = [];

  constructor(dim: number) {
    this.#dim = dim;
  }

  add(values: Float32Array): void {
    const last = this.rows.at(-1);
    this.rows.push({ first: last === undefined ? 0 : last.first + last.count, count: values.length / this.#dim });
    this.#parts.push(values);
  }

  matrix(): Matrix {
    const values = new Float32Array(this.#parts.reduce((sum, part) => sum + part.length, 0));
    let filled = 0;
    for (const part of this.#parts) {
      values.set(part, filled);
      filled += part.length;
    }
    return { values, count: values.length / this.#dim, dim: this.#dim };
  }
}
