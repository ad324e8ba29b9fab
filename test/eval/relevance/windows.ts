/**
 * `node test/eval/relevance/windows.ts --dataset FOLDER --cache FOLDER [--prefix-name] [--overlap TOKENS] [--across-pages]
 * [--max-tokens N]`
 *
 * Encodes a set by `minilm-words` with windows that see more (`context-windows.ts`), scores it exactly and compares it with the
 * windows as they are, whose pages are taken from the cache of `maxleaf eval --no-ocr` if they are there. Minutes to hours.
 *
 * @module
 */
import path from "node:path";
import { parseArgs } from "node:util";
import { pairedDifference } from "../../../encoder/eval/bootstrap.ts";
import { readDataset } from "../../../encoder/eval/datasets.ts";
import { EncodedCorpus } from "../../../encoder/eval/encoded-corpus.ts";
import { exactScores, type ScorablePage } from "../../../encoder/eval/exact.ts";
import { parseMeasure, RANKING_DEPTH } from "../../../encoder/eval/measures.ts";
import { meanOf } from "../../../encoder/eval/metrics.ts";
import { MatrixRunner } from "../../../encoder/indexing/matrix-runner.ts";
import { loadTokenizer } from "../../../encoder/models/minilm/tokens.ts";
import type { PageWord } from "../../../encoder/models/model.ts";
import { DEFAULT_RECIPE, loadModel } from "../../../encoder/models/registry.ts";
import type { EncodedQuery } from "../../../shared/engine/contract.ts";
import { contextWindows, type WindowContext } from "./context-windows.ts";

const { values: options } = parseArgs({
  options: {
    dataset: { type: "string" },
    cache: { type: "string", default: "build/eval" },
    "prefix-name": { type: "boolean", default: false },
    overlap: { type: "string", default: "0" },
    "across-pages": { type: "boolean", default: false },
    "max-tokens": { type: "string" },
  },
});
if (options.dataset === undefined) throw new Error("--dataset is needed");
const dataset = await readDataset(options.dataset);
const model = await loadModel(DEFAULT_RECIPE, { threads: 1 });
const runner = await MatrixRunner.create({ threads: 1 });
const tokenizer = await loadTokenizer();
const tokensOf = (word: string): number => tokenizer.splitWord(word).length;
const { dim } = model.recipe;

const maxTokens = options["max-tokens"] === undefined ? undefined : Number(options["max-tokens"]);
const corpus = await EncodedCorpus.open({ corpus: dataset.corpus, model, cacheFolder: options.cache, maxTokens });
const keys = corpus.pageKeys;
const documents: { name: string; pages: PageWord[][] }[] = [];
for (const document of corpus.documents) {
  const pages: PageWord[][] = [];
  for await (const { text } of corpus.pages([document])) {
    const words = text.split(" ").map((word): PageWord => ({ text: word, box: [0, 0, 1, 1] }));
    // A word that fills a window by itself is no word.
    pages.push(words.filter((word) => tokensOf(word.text) <= 64));
  }
  documents.push({ name: document.name, pages });
}

/** The vectors of every page, whose windows have `context`. */
async function* encode(contextOf: (documentName: string) => WindowContext): AsyncGenerator<ScorablePage> {
  for (const { name, pages } of documents) {
    for (const at of pages.keys()) {
      const windows = contextWindows(pages, at, contextOf(name), tokensOf);
      const encoded = await model.encodePages(
        windows.map(({ words }) => ({ pageNumber: 1, width: 1, height: 1, words })),
      );
      const own = encoded.map(({ vectors }, window) => {
        const { skip, count } = windows[window] ?? { skip: 0, count: 0 };
        return vectors.subarray(skip * dim, (skip + count) * dim);
      });
      const vectorCount = own.reduce((sum, vectors) => sum + vectors.length / dim, 0);
      const vectors = new Float32Array(vectorCount * dim);
      let filled = 0;
      for (const part of own) {
        vectors.set(part, filled);
        filled += part.length;
      }
      yield { vectorCount, vectors };
    }
  }
}

const queries: EncodedQuery[] = [];
for (const { text } of dataset.queries) queries.push(await model.encodeQuery(text));

async function rank(pages: AsyncIterable<ScorablePage>): Promise<string[][]> {
  const scores = await exactScores(runner, queries, pages);
  return scores.map((ofQuery) =>
    Array.from(ofQuery.keys())
      .toSorted((a, b) => (ofQuery[b] ?? 0) - (ofQuery[a] ?? 0) || a - b)
      .slice(0, RANKING_DEPTH)
      .flatMap((page) => keys[page] ?? []),
  );
}

const plain = await rank(corpus.pages());
await corpus.close();
const changed = await rank(
  encode((name) => ({
    prefix: options["prefix-name"] ? (path.parse(name).name.match(/[\p{L}\p{N}]+/gu) ?? []) : [],
    overlapTokens: Number(options.overlap),
    acrossPages: options["across-pages"],
  })),
);
console.log(`${dataset.name}: ${keys.length} pages, ${queries.length} questions, ${JSON.stringify(options)}`);
for (const measure of ["nDCG@5", "nDCG@10", "MRR", "hit@10"].map(parseMeasure)) {
  const [before, after] = [plain, changed].map((rankings) =>
    dataset.queries.map(({ judgements }, at) => measure.of(rankings[at] ?? [], judgements)),
  );
  const { mean, low, high } = pairedDifference(before ?? [], after ?? []);
  console.log(
    `  ${measure.name}: ${meanOf(before ?? []).toFixed(4)} as it is, ${meanOf(after ?? []).toFixed(4)} changed; ` +
      `difference ${mean.toFixed(4)} (95 % interval ${low.toFixed(4)} to ${high.toFixed(4)})`,
  );
}
await model.dispose();
await runner.dispose();
