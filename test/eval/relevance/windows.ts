/**
 * `node test/eval/relevance/windows.ts --dataset FOLDER --cache FOLDER [--prefix-name] [--prefix-title] [--title-vectors]
 * [--whole-rows] [--repeat-header] [--overlap TOKENS] [--across-pages] [--first N] [--max-tokens N]`
 *
 * Encodes a set by `minilm-words` with other windows (`context-windows.ts`), scores it exactly and compares it with the windows as
 * they are, whose pages are taken from the cache of `maxleaf eval --no-ocr` if they are there. Minutes to hours.
 *
 * - `--prefix-title`: every window sees the section and the heading above it.
 * - `--title-vectors`: their words are vectors of the page too, of its windows with `--prefix-title`; else of the page as it is, to
 *   which what stands above its first word is added, encoded alone.
 * - `--whole-rows`: a window ends where a row of words does.
 * - `--repeat-header`: a window that begins inside a table sees the rows that name its columns; reported beside what the other
 *   options do without it.
 *
 * - `--first`: of every question only the first N pages, as they are, are ranked anew; pages that are among none of them are not
 *   encoded, which saves most of the time where pages are many and questions few.
 *
 * Scores are plain MaxSim over the vectors of a page's own words: neither its document's name nor its length counts.
 *
 * Titles and headers need a data set of PDFs. Half of the questions, by a fixed seed, choose; the other half judges.
 *
 * @module
 */
import path from "node:path";
import { parseArgs } from "node:util";
import { pairedDifference } from "../../../encoder/eval/bootstrap.ts";
import { pageKey, readDataset } from "../../../encoder/eval/datasets.ts";
import { EncodedCorpus } from "../../../encoder/eval/encoded-corpus.ts";
import { exactScores, type ScorablePage } from "../../../encoder/eval/exact.ts";
import { parseMeasure, RANKING_DEPTH } from "../../../encoder/eval/measures.ts";
import { meanOf } from "../../../encoder/eval/metrics.ts";
import { MatrixRunner } from "../../../encoder/indexing/matrix-runner.ts";
import { loadTokenizer } from "../../../encoder/models/minilm/tokens.ts";
import type { ModelPage } from "../../../encoder/models/model.ts";
import { DEFAULT_RECIPE, loadModel } from "../../../encoder/models/registry.ts";
import type { EncodedQuery } from "../../../shared/engine/contract.ts";
import { contextWindows } from "./context-windows.ts";
import { readLayout } from "./layout/document-layout.ts";
import { ownVectors, shuffled } from "./token-table.ts";
import { encodeWindows, encodingOnce, joinRows } from "./window-vectors.ts";

const { values: options } = parseArgs({
  options: {
    dataset: { type: "string" },
    cache: { type: "string", default: "build/eval" },
    "prefix-name": { type: "boolean", default: false },
    "prefix-title": { type: "boolean", default: false },
    "title-vectors": { type: "boolean", default: false },
    "whole-rows": { type: "boolean", default: false },
    "repeat-header": { type: "boolean", default: false },
    overlap: { type: "string", default: "0" },
    "across-pages": { type: "boolean", default: false },
    first: { type: "string", default: "Infinity" },
    "max-tokens": { type: "string" },
  },
});
if (options.dataset === undefined) throw new Error("--dataset is needed");
const whole = await readDataset(options.dataset);
const dataset = { ...whole, queries: shuffled(whole.queries) };
const files = new Map(dataset.corpus.kind === "pdfs" ? dataset.corpus.files.map((file) => [file.name, file.path]) : []);
const model = await loadModel(DEFAULT_RECIPE, { threads: 1 });
const runner = await MatrixRunner.create({ threads: 1 });
const tokenizer = await loadTokenizer();
const tokensOf = (word: string): number => tokenizer.splitWord(word).length;
const { dim } = model.recipe;

const maxTokens = options["max-tokens"] === undefined ? undefined : Number(options["max-tokens"]);
const corpus = await EncodedCorpus.open({ corpus: dataset.corpus, model, cacheFolder: options.cache, maxTokens });
type CorpusDocument = (typeof corpus.documents)[number];

const encodesAnew =
  options["prefix-name"] ||
  options["prefix-title"] ||
  options["whole-rows"] ||
  options["repeat-header"] ||
  options["across-pages"] ||
  Number(options.overlap) > 0;

const queries: EncodedQuery[] = [];
for (const { text } of dataset.queries) queries.push(await model.encodeQuery(text));
const keys = corpus.pageKeys;

/** Pages of every question by score, `[queries][pages]`, the best first. */
function rank(scores: readonly (readonly number[])[], depth: number): string[][] {
  return scores.map((ofQuery) =>
    Array.from(ofQuery.keys())
      .toSorted((a, b) => (ofQuery[b] ?? 0) - (ofQuery[a] ?? 0) || a - b)
      .slice(0, depth)
      .flatMap((page) => keys[page] ?? []),
  );
}

async function* ownPages(): AsyncGenerator<ScorablePage> {
  for await (const page of corpus.pages()) yield ownVectors(page);
}

const asItIs = await exactScores(runner, queries, ownPages());
const candidates = rank(asItIs, Number(options.first)).map((pages) => new Set(pages));
const getsChanged = new Set(candidates.flatMap((pages) => [...pages]));

/** The pages of a document, in order, in every way that is to be compared with that. */
async function variantsOf(document: CorpusDocument): Promise<Record<string, ScorablePage[]>> {
  const plain: ModelPage[] = [];
  for await (const page of corpus.pages([document])) plain.push(page);
  const layout = await readLayout(plain, files.get(document.name), tokensOf);
  if (!encodesAnew) {
    const titled = plain.map(async (original, page) => {
      if (!getsChanged.has(pageKey(document.name, original.pageNumber))) return ownVectors(original);
      const { title } = layout.contextAt(page, 0);
      const [encoded] = await encodeWindows(model, [{ words: title.map((text) => ({ text, box: [0, 0, 1, 1] })) }]);
      return joinRows([ownVectors(original).vectors, encoded ?? new Float32Array()], dim);
    });
    return { "title as vectors": await Promise.all(titled) };
  }
  const encode = encodingOnce(model);
  const name = options["prefix-name"] ? (path.parse(document.name).name.match(/[\p{L}\p{N}]+/gu) ?? []) : [];
  const inWindows = async (repeatHeader: boolean, prefixVectors: boolean) => {
    const pages: ScorablePage[] = [];
    for (const [page, original] of plain.entries()) {
      if (!getsChanged.has(pageKey(document.name, original.pageNumber))) {
        pages.push(ownVectors(original));
        continue;
      }
      const prefixOf = (start: number): string[] => {
        const { title, header } = layout.contextAt(page, start);
        return [...name, ...(options["prefix-title"] ? title : []), ...(repeatHeader ? header : [])];
      };
      const context = {
        prefixOf,
        overlapTokens: Number(options.overlap),
        acrossPages: options["across-pages"],
        rowStarts: options["whole-rows"] ? layout.rowStarts[page] : undefined,
      };
      const windows = contextWindows(layout.words, page, context, tokensOf);
      const encoded = await encode(windows);
      const kept = windows.flatMap(({ skip, count, prefixTokens }, at) => {
        const rows = (from: number, to: number) => (encoded[at] ?? new Float32Array()).subarray(from * dim, to * dim);
        return [rows(skip, skip + count), rows(0, prefixVectors ? prefixTokens : 0)];
      });
      pages.push(joinRows(kept, dim));
    }
    return pages;
  };
  return {
    changed: await inWindows(false, false),
    ...(options["title-vectors"] ? { "changed, prefix as vectors": await inWindows(false, true) } : {}),
    ...(options["repeat-header"] ? { "changed, header repeated": await inWindows(true, false) } : {}),
  };
}

/** `[queries][pages]` of every variant. */
const scores = new Map<string, number[][]>();
for (const document of corpus.documents) {
  for (const [name, pages] of Object.entries(await variantsOf(document))) {
    const ofDocument = await exactScores(runner, queries, ReadableStream.from(pages));
    const before = scores.get(name) ?? queries.map((): number[] => []);
    scores.set(
      name,
      before.map((list, query) => [...list, ...(ofDocument[query] ?? [])]),
    );
  }
  console.error(`${document.name} is done`);
}
await corpus.close();

const half = queries.length >> 1;
const parts: [string, number, number][] = [
  ["choosing half", 0, half],
  ["judging half", half, queries.length],
  ["all", 0, queries.length],
];
console.log(`${dataset.name}: ${keys.length} pages, ${queries.length} questions, ${JSON.stringify(options)}`);
console.log(`${getsChanged.size} pages are changed`);
const plain = rank(asItIs, RANKING_DEPTH);
for (const [variant, ofVariant] of scores) {
  const ofCandidates = ofVariant.map((list, query) =>
    list.map((score, page) => (candidates[query]?.has(keys[page] ?? "") === true ? score : -Infinity)),
  );
  const changed = rank(ofCandidates, RANKING_DEPTH);
  for (const measure of ["nDCG@5", "nDCG@10", "MRR", "hit@10"].map(parseMeasure)) {
    const figures = (list: string[][]) =>
      dataset.queries.map(({ judgements }, at) => measure.of(list[at] ?? [], judgements));
    const [before, after] = [figures(plain), figures(changed)];
    for (const [part, first, end] of parts) {
      const [one, other] = [before.slice(first, end), after.slice(first, end)];
      const { mean, low, high } = pairedDifference(one, other);
      console.log(
        `  ${variant}, ${measure.name}, ${part}: ${meanOf(one).toFixed(4)} as it is, ${meanOf(other).toFixed(4)} changed; ` +
          `difference ${mean.toFixed(4)} (95 % interval ${low.toFixed(4)} to ${high.toFixed(4)})`,
      );
    }
  }
}
await model.dispose();
await runner.dispose();
