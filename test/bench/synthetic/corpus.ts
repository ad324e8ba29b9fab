/**
 * A synthetic corpus in a folder: built once, measured as often as wanted.
 *
 * @module
 */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { z } from "zod";
import { minilmWordsRecipe } from "../../../encoder/models/minilm/words.ts";
import { FolderStore } from "../../../encoder/storage/folder-store.ts";
import { makeBags } from "../../../shared/format/bags.ts";
import { evenly, fromBase64, toBase64 } from "../peers/vector-set.ts";
import { buildSyntheticIndex } from "./build-index.ts";
import { type Answers, ExactAnswers } from "./exact-answers.ts";
import { PageMaker } from "./page-maker.ts";
import { measuredSchema, type MeasuredSearch, type SearchTask } from "./search-task.ts";
import { codePool, type CodedPool, type SourcePages } from "./pool.ts";

/** Of the recipe that is the default one. */
export const DEFAULT_LENGTH_PRIOR = minilmWordsRecipe.lengthPrior ?? 0;
export const INDEX_NAME = "synthetic";
const SEED = 20_261_125;
const PAGES_PER_MESSAGE = 100_000;
const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const run = promisify(execFile);

const answersSchema = z.array(z.array(z.strictObject({ page: z.number(), score: z.number() })));
const corpusSchema = z.strictObject({
  source: z.string(),
  pages: z.number(),
  vectors: z.number(),
  centroids: z.number(),
  subspaces: z.number(),
  segments: z.number(),
  /** Distinct centroids of a page, in the mean. */
  bagEntriesPerPage: z.number(),
  /** The same of the real pages under the same codebook. */
  realBagEntriesPerPage: z.number(),
  realVectorsPerPage: z.number(),
  segmentBytes: z.number(),
  vectorsBytes: z.number(),
  codebookBytes: z.number(),
  /** Head and parts; 0 without. */
  invertedBytes: z.number(),
  buildSeconds: z.number(),
  queries: z.array(z.strictObject({ tokenCount: z.number(), values: z.string() })),
  /** Per query the best pages by exact vectors, best first. In the file those without a length prior. */
  truth: answersSchema,
});
export type Corpus = z.infer<typeof corpusSchema>;

export interface CorpusOptions {
  source: SourcePages;
  pageCount: number;
  queryCount: number;
  /** The exact answers are those with it; 0 is none. */
  lengthPrior: number;
  /** Everything goes below it. */
  work: string;
  rebuild: boolean;
}

const log = (message: string): void => console.error(`${new Date().toISOString().slice(11, 19)} ${message}`);

/** The vector sets in `folders`; of the bundled samples when there are none. */
export async function sourceFolders(folders: readonly string[], work: string): Promise<readonly string[]> {
  if (folders.length > 0) return folders;
  const samples = path.join(work, "samples");
  if (existsSync(path.join(samples, "query_lens.npy"))) return [samples];
  log("encoding the bundled samples");
  const dataset = here("../../../encoder/samples");
  const script = here("../peers/export-vectors.ts");
  await run(process.execPath, [script, "--dataset", dataset, "--out", samples, "--cache", path.join(work, "encoded")]);
  return [samples];
}

export function corpusFolder(work: string, source: SourcePages, pageCount: number): string {
  return path.join(work, `${source.name}-${pageCount}`);
}

/** The corpus as it was built before, or built now. */
export async function prepareCorpus(options: CorpusOptions): Promise<Corpus> {
  const { source, pageCount, queryCount, lengthPrior, work, rebuild } = options;
  const folder = corpusFolder(work, source, pageCount);
  const kept = rebuild ? undefined : await readCorpus(folder);
  if (kept !== undefined) return { ...kept, truth: await answersTo(kept, options) };
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const realPages = source.pageOffsets.length - 1;
  log(`${pageCount} pages from ${realPages} real ones of ${source.name}: codebook and codes`);
  const pool = await poolOf(options);
  const queries = evenly(source.queries, queryCount);
  const startedMs = performance.now();
  const store = new FolderStore(path.join(folder, "store"), { create: true });
  const answers = await ExactAnswers.create(queries, pool.codebook.dim, [0, lengthPrior]);
  const manifest = await buildSyntheticIndex({
    store,
    index: INDEX_NAME,
    pool,
    pageCount,
    seed: SEED,
    answers,
    withInvertedFile: true,
    onProgress: log,
  });
  const { segments, codebook, inverted } = manifest;
  const total = (field: "bytes" | "vectorsBytes" | "vectorCount" | "bagEntries" | "pageCount") =>
    segments.reduce((sum, segment) => sum + segment[field], 0);
  const corpus: Corpus = {
    source: source.name,
    pages: total("pageCount"),
    vectors: total("vectorCount"),
    centroids: codebook?.centroidCount ?? 0,
    subspaces: codebook?.subspaces ?? 0,
    segments: segments.length,
    bagEntriesPerPage: total("bagEntries") / total("pageCount"),
    realBagEntriesPerPage: realBagEntries(pool) / realPages,
    realVectorsPerPage: realVectorsPerPage(source),
    segmentBytes: total("bytes"),
    vectorsBytes: total("vectorsBytes"),
    codebookBytes: codebook?.bytes ?? 0,
    invertedBytes: inverted === undefined ? 0 : inverted.parts.reduce((sum, bytes) => sum + bytes, inverted.bytes),
    buildSeconds: (performance.now() - startedMs) / 1000,
    queries: queries.map(({ tokenCount, vectors }) => ({ tokenCount, values: toBase64(vectors) })),
    truth: answers.best(0),
  };
  await writeFile(answersFile(folder, lengthPrior), JSON.stringify(answers.best(1)));
  await writeFile(path.join(folder, "corpus.json"), JSON.stringify(corpus));
  return { ...corpus, truth: answers.best(1) };
}

function realVectorsPerPage({ pageOffsets }: SourcePages): number {
  return (pageOffsets.at(-1) ?? 0) / (pageOffsets.length - 1);
}

async function poolOf({ source, pageCount, work }: CorpusOptions): Promise<CodedPool> {
  return await codePool(source, Math.round(pageCount * realVectorsPerPage(source)), path.join(work, "pools"));
}

function answersFile(folder: string, lengthPrior: number): string {
  return path.join(folder, `truth-${lengthPrior}.json`);
}

/** The exact answers to the queries of a corpus built before: kept too, or of its pages, which are made once more. */
async function answersTo(corpus: Corpus, options: CorpusOptions): Promise<Answers> {
  const { source, pageCount, lengthPrior, work } = options;
  if (lengthPrior === 0) return corpus.truth;
  const file = answersFile(corpusFolder(work, source, pageCount), lengthPrior);
  if (existsSync(file)) return answersSchema.parse(JSON.parse(await readFile(file, "utf8")));
  log(`exact answers with a length prior of ${lengthPrior}`);
  const pool = await poolOf(options);
  const queries = corpus.queries.map(({ tokenCount, values }) => ({ tokenCount, vectors: fromBase64(values) }));
  const answers = await ExactAnswers.create(queries, pool.codebook.dim, [0, lengthPrior]);
  const maker = new PageMaker(pool, SEED);
  for (let page = 0; page < corpus.pages; page++) {
    answers.add(page, maker.page(page).exact);
    if ((page + 1) % PAGES_PER_MESSAGE === 0) log(`${page + 1} of ${corpus.pages} pages scored`);
  }
  if (JSON.stringify(answers.best(0)) !== JSON.stringify(corpus.truth)) {
    throw new Error("pages are no longer made as those of the corpus were: --rebuild it");
  }
  await writeFile(file, JSON.stringify(answers.best(1)));
  return answers.best(1);
}

function realBagEntries({ centroidIds, pageOffsets }: CodedPool): number {
  const pages = Array.from({ length: pageOffsets.length - 1 }, (_, page) =>
    centroidIds.subarray(pageOffsets[page], pageOffsets[page + 1]),
  );
  return makeBags(pages).ids.length;
}

async function readCorpus(folder: string): Promise<Corpus | undefined> {
  try {
    return corpusSchema.parse(JSON.parse(await readFile(path.join(folder, "corpus.json"), "utf8")));
  } catch {
    return undefined;
  }
}

export interface MeasureOptions {
  folder: string;
  corpus: Corpus;
  task: Pick<SearchTask, "path" | "warmPasses" | "request" | "lengthPrior"> & {
    kernelBytes?: number;
    cacheBytes?: number;
  };
  /** Options of Node for the process. */
  nodeOptions?: readonly string[];
  /** A command that runs the command given to it as arguments, under a limit say. */
  wrapper?: readonly string[];
}

/** Measures searches of the corpus in a process of its own, on one core where the system can pin it. */
export async function measureCorpus(options: MeasureOptions): Promise<MeasuredSearch> {
  const { folder, corpus, task, nodeOptions = [], wrapper = [] } = options;
  const taskFile = path.join(folder, `task-${task.path}.json`);
  const full: SearchTask = {
    storeFolder: path.join(folder, "store"),
    index: INDEX_NAME,
    queries: corpus.queries,
    ...task,
  };
  await writeFile(taskFile, JSON.stringify(full));
  const pinned = existsSync("/usr/bin/taskset") ? ["/usr/bin/taskset", "-c", "1"] : [];
  const script = here("measure-search.ts");
  const [command, ...rest] = [...wrapper, ...pinned, process.execPath, ...nodeOptions, script, taskFile];
  const { stdout } = await run(command, rest, { maxBuffer: 64 * 1024 * 1024 });
  return measuredSchema.parse(JSON.parse(stdout));
}

/** Share of the exact best `depth` pages that were found, over the queries that have an exact answer. */
export function recallAt(depth: number, corpus: Corpus, found: MeasuredSearch["found"]): number {
  const shares = corpus.truth.map((pages, query) => {
    const ids = new Set(found[query]?.slice(0, depth));
    const wanted = pages.slice(0, depth);
    return wanted.filter(({ page }) => ids.has(page)).length / Math.max(1, wanted.length);
  });
  return shares.reduce((sum, share) => sum + share, 0) / Math.max(1, shares.length);
}
