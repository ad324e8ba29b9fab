/**
 * MiniLM: questions of 20 tokens on one thread, pages with 1 and 2 threads, beside the same weights through the pipeline of
 * @huggingface/transformers and through the queue of `encoder/backends/onnx`. Time on the clock, as inference has threads of its
 * own; cases take turns, so that a slow minute hits all of them.
 *
 * @module
 */
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { env, type FeatureExtractionPipeline, pipeline } from "@huggingface/transformers";
import type { GraphRunner, ItemInputs, ItemTensor } from "../../encoder/backends/contract.ts";
import { openOnnxGraph } from "../../encoder/backends/onnx/open-graph.ts";
import { preparePage, prepareQuery } from "../../encoder/models/minilm/prepare.ts";
import { CLS_ID, loadTokenizer, SEP_ID } from "../../encoder/models/minilm/tokens.ts";
import { SPECIALS_PER_WINDOW, WINDOW_TOKENS } from "../../encoder/models/minilm/trunk.ts";
import { WEIGHTS_FOLDER, weightsFiles } from "../../encoder/models/minilm/weights.ts";
import { planWindows } from "../../encoder/models/minilm/windows.ts";
import { loadMiniLmWords } from "../../encoder/models/minilm/words.ts";
import type { Model, PageWords } from "../../encoder/models/model.ts";
import { openPdf } from "../../encoder/render/pdf-document.ts";
import type { Benchmark, BenchRow } from "./benchmark.ts";
import { quantile } from "./measure.ts";

const THREADS = [1, 2];
const PAGES = 8;
const PAGE_ROUNDS = 7;
const QUERY_ROUNDS = 100;
/** 20 word pieces, none split: checked below. */
const QUESTION = "how much power does the ferry use in one night when the heating runs and the cold sea is rough";
const QUESTION_TOKENS = 20;

const SAMPLES = new URL("../../encoder/samples/pdf/", import.meta.url);
/** What transformers.js must know of the model. */
const CONFIG = { model_type: "bert", architectures: ["BertModel"], hidden_size: 384 };

/** A page, and its windows as ids (specials included) and as text: what each of the three takes. */
interface BenchPage {
  page: PageWords;
  windows: { ids: number[]; text: string }[];
}

interface Contenders {
  ours: Model;
  queue: GraphRunner;
  /** As many sessions as threads, one thread each. */
  parallel: GraphRunner;
  theirs: FeatureExtractionPipeline;
}

interface Samples {
  samplesMs: number[];
  /** Processor time of all threads in the same rounds: on a loaded machine it tells more than the clock. */
  samplesCpuMs: number[];
}

interface Timed extends Samples {
  name: string;
  run: () => Promise<unknown>;
}

async function run(): Promise<BenchRow[]> {
  const folder = await mkdtemp(join(tmpdir(), "maxleaf-bench-"));
  const all: Contenders[] = [];
  try {
    const pages = await samplePages();
    for (const threads of THREADS) all.push(await openContenders(folder, threads));
    const rows: BenchRow[] = [];
    const [single] = all;
    if (single !== undefined) rows.push(...(await timeQuestions(single)));
    for (const [i, threads] of THREADS.entries()) {
      const contenders = all[i];
      if (contenders !== undefined) rows.push(...(await timePages(pages, contenders, threads)));
    }
    return rows;
  } finally {
    for (const contenders of all) await Promise.all(Object.values(contenders).map((one) => one.dispose()));
    await rm(folder, { recursive: true });
  }
}

async function openContenders(folder: string, threads: number): Promise<Contenders> {
  const name = `minilm-${threads}`;
  await linkModel(join(folder, name));
  env.allowRemoteModels = false;
  env.localModelPath = folder;
  const theirs = await pipeline("feature-extraction", name, {
    dtype: "int8",
    subfolder: "",
    session_options: { intraOpNumThreads: threads },
  });
  const spec = {
    name: "all-MiniLM-L6-v2",
    inputs: { input_ids: { type: "int64" }, attention_mask: { type: "int64" }, token_type_ids: { type: "int64" } },
    output: { name: "last_hidden_state", dim: CONFIG.hidden_size },
  } as const;
  const files = { graph: fileURLToPath(new URL(weightsFiles.graph.name, WEIGHTS_FOLDER)) };
  return {
    ours: await loadMiniLmWords({ threads }),
    queue: await openOnnxGraph(files, spec, { threads }),
    parallel: await openOnnxGraph(files, spec, { threads: 1, sessions: threads }),
    theirs,
  };
}

/** The layout that transformers.js reads. */
async function linkModel(target: string): Promise<void> {
  await mkdir(target);
  for (const { name } of [weightsFiles.graph, weightsFiles.tokenizer, weightsFiles.tokenizerConfig]) {
    await symlink(fileURLToPath(new URL(name, WEIGHTS_FOLDER)), join(target, name));
  }
  await writeFile(join(target, "config.json"), JSON.stringify(CONFIG));
}

/** The first pages with text of the bundled documents. */
async function samplePages(): Promise<BenchPage[]> {
  const tokenizer = await loadTokenizer();
  const pages: BenchPage[] = [];
  for (const name of (await readdir(SAMPLES)).sort()) {
    const document = await openPdf({ name, bytes: await readFile(new URL(name, SAMPLES)) });
    for (let number = 1; number <= document.pageCount; number++) {
      const page = await document.renderPage(number, { draw: false });
      if (page.words.length > 0) pages.push({ page, windows: windowsOf(page, tokenizer) });
    }
    await document.close();
  }
  // From all documents: every so many.
  const step = Math.max(1, Math.floor(pages.length / PAGES));
  return pages.filter((_, i) => i % step === 0).slice(0, PAGES);
}

function windowsOf(page: PageWords, tokenizer: Awaited<ReturnType<typeof loadTokenizer>>): BenchPage["windows"] {
  const { ids, words, wordOfToken } = preparePage(page, tokenizer);
  return planWindows(wordOfToken, WINDOW_TOKENS - SPECIALS_PER_WINDOW).map(({ start, end }) => ({
    ids: [CLS_ID, ...ids.slice(start, end), SEP_ID],
    text: words.slice(wordOfToken[start], (wordOfToken[end - 1] ?? 0) + 1).join(" "),
  }));
}

async function timeQuestions({ ours, queue, theirs }: Contenders): Promise<BenchRow[]> {
  const { ids } = prepareQuery(QUESTION, await loadTokenizer());
  if (ids.length !== QUESTION_TOKENS) throw new Error(`the question has ${ids.length} tokens`);
  const item = itemOf([CLS_ID, ...ids, SEP_ID]);
  const cases = await takeTurns(QUERY_ROUNDS, [
    { name: "minilm-words", run: () => ours.encodeQuery(QUESTION) },
    { name: "encoder/backends/onnx", run: () => queue.run([item]) },
    { name: "transformers.js pipeline", run: () => theirs(QUESTION, { pooling: "none" }) },
  ]);
  return cases.map(({ name, ...samples }) => {
    const fastest = `fastest ${quantile(samples.samplesMs, 0).toFixed(2)} ms`;
    const cpu = `processor ${quantile(samples.samplesCpuMs, 0.5).toFixed(2)} ms`;
    const note = `${fastest}, ${cpu}; ${against(cases, samples)}`;
    return { name: `question, 1 thread: ${name}`, value: quantile(samples.samplesMs, 0.5), unit: "ms", note };
  });
}

async function timePages(
  pages: readonly BenchPage[],
  { ours, queue, parallel, theirs }: Contenders,
  threads: number,
): Promise<BenchRow[]> {
  const windows = pages.flatMap((page) => page.windows);
  const tokens = windows.reduce((sum, { ids }) => sum + ids.length, 0);
  const items = windows.map(({ ids }) => itemOf(ids));
  const cases = await takeTurns(PAGE_ROUNDS, [
    { name: "minilm-words", run: () => ours.encodePages(pages.map(({ page }) => page)) },
    { name: "encoder/backends/onnx", run: () => queue.run(items) },
    ...(threads === 1 ? [] : [{ name: "encoder/backends/onnx, a session a thread", run: () => parallel.run(items) }]),
    {
      name: "transformers.js pipeline, window by window",
      run: async () => {
        for (const { text } of windows) await theirs(text, { pooling: "none" });
      },
    },
    {
      name: "transformers.js pipeline, a page's windows at once",
      run: async () => {
        for (const page of pages)
          await theirs(
            page.windows.map(({ text }) => text),
            { pooling: "none" },
          );
      },
    },
  ]);
  return cases.map(({ name, ...samples }) => {
    const seconds = quantile(samples.samplesMs, 0.5) / 1_000;
    const rate = `${(pages.length / seconds).toFixed(2)} pages/s of ${Math.round(tokens / pages.length)} tokens`;
    const cpu = `processor ${((quantile(samples.samplesCpuMs, 0.5) / tokens) * 1_000).toFixed(0)} µs a token`;
    const note = `${rate}, ${cpu}; ${against(cases, samples)}`;
    return {
      name: `${threads} thread${threads === 1 ? "" : "s"}: ${name}`,
      value: tokens / seconds,
      unit: "tokens/s",
      note,
    };
  });
}

/** How much faster than the faster way of the pipeline, in the median over rounds of the ratios within a round. */
function against(cases: readonly Timed[], { samplesMs, samplesCpuMs }: Samples): string {
  const theirs = cases.filter(({ name }) => name.startsWith("transformers.js"));
  const ratio = (kind: keyof Samples, samples: readonly number[]) => {
    const ratios = samples.map((ms, round) => Math.min(...theirs.map((their) => their[kind][round] ?? NaN)) / ms);
    return quantile(ratios, 0.5).toFixed(2);
  };
  return `${ratio("samplesMs", samplesMs)}× the pipeline's best (processor: ${ratio("samplesCpuMs", samplesCpuMs)}×)`;
}

async function takeTurns(rounds: number, cases: readonly Omit<Timed, keyof Samples>[]): Promise<Timed[]> {
  const timed = cases.map((one): Timed => ({ ...one, samplesMs: [], samplesCpuMs: [] }));
  for (const { run: warmUp } of timed) await warmUp();
  for (let round = 0; round < rounds; round++) {
    for (const { run: once, samplesMs, samplesCpuMs } of timed) {
      const startedMs = performance.now();
      const before = process.cpuUsage();
      await once();
      const { user, system } = process.cpuUsage(before);
      samplesMs.push(performance.now() - startedMs);
      samplesCpuMs.push((user + system) / 1_000);
    }
  }
  return timed;
}

function itemOf(ids: readonly number[]): ItemInputs {
  const tensor = (data: BigInt64Array): ItemTensor => {
    return { type: "int64", dims: [ids.length], data, pad: { value: 0, side: "right" } };
  };
  return {
    input_ids: tensor(BigInt64Array.from(ids, BigInt)),
    attention_mask: tensor(new BigInt64Array(ids.length).fill(1n)),
    token_type_ids: tensor(new BigInt64Array(ids.length)),
  };
}

const benchmark: Benchmark = {
  name: "encode",
  setting: `all-MiniLM-L6-v2 int8; a question of ${QUESTION_TOKENS} word pieces, median of ${QUERY_ROUNDS}; ${PAGES} pages of the bundled documents in windows of ${WINDOW_TOKENS} tokens, median of ${PAGE_ROUNDS} rounds; time on the clock`,
  run,
};

export default benchmark;
