/**
 * Opens the ONNX graph of a recipe.
 *
 * @module
 */
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { MaxleafError } from "../../../shared/errors.ts";
import type { SessionOptions } from "../../models/onnx-session.ts";
import type { GraphRunner } from "../contract.ts";
import type { BatchLimits } from "./batches.ts";
import { checkGraph, type GraphSpec } from "./graph-spec.ts";
import type { GraphStart } from "./graph-messages.ts";
import { GraphThread } from "./graph-thread.ts";
import { OnnxGraphRunner, type QueueLimits } from "./runner.ts";

export interface GraphFiles {
  /** Path of the `.onnx` file. */
  graph: string;
  /** Paths of external data files (`model.onnx_data`), which the graph names and expects in its own folder. */
  data?: readonly string[] | undefined;
}

export interface OpenGraphOptions extends Pick<SessionOptions, "threads" | "executionProvider"> {
  /**
   * Copies of the graph, each with `threads` threads and weights of its own, that run at the same time; default 1. On a CPU two
   * copies with one thread each get through more pages than one with two, since they never wait for each other.
   */
  sessions?: number | undefined;
  /**
   * Positions of one run, padding included. Default: {@link DEFAULT_RUN_TOKENS}. Smaller needs less memory: attention takes
   * the square of a text's length, times heads, times texts in the run.
   */
  maxTokensPerRun?: number | undefined;
  /** Items waiting before `overloaded`. Default: {@link DEFAULT_QUEUED_ITEMS}. */
  maxQueuedItems?: number | undefined;
}

/**
 * On a CPU a batch gains little (all-MiniLM-L6-v2, 256-token texts, 2 cores: 3,670 tokens/s one by one, 3,730 in fours, 3,230 in
 * eights), so a run is as long as one long text; a GPU idles with less than this many.
 */
export const DEFAULT_RUN_TOKENS = { cpu: 512, cuda: 16_384 } as const;
/** Items of one run: texts of a few tokens each gain nothing beyond it. */
const MAX_RUN_ITEMS = 64;
/** Input tensors of one run; a page of 13 tiles of 512 × 512 is 41 MB. */
const MAX_RUN_BYTES = 256 * 1024 * 1024;

/** All windows of 32 pages of a contract, with room. */
export const DEFAULT_QUEUED_ITEMS = 4_096;
/** Input tensors of waiting items, which their callers hold: 50 pages of 13 tiles. */
const MAX_QUEUED_BYTES = 2 * 1024 * 1024 * 1024;

/** In the bytes of a graph that quantises activations while it runs (op `DynamicQuantizeLinear` and its fusions). */
const DYNAMIC_QUANTIZATION = "DynamicQuantize";
const READ_BYTES = 4 * 1024 * 1024;

/**
 * Opens a graph in a thread of its own (or several) and checks its inputs and outputs against `spec`.
 *
 * An int8 graph that chooses the scale of its activations while it runs makes one scale for all of a run, so a page's
 * vectors would depend on its company: such graphs run one item at a time.
 *
 * Errors: `model_unavailable` naming the missing file, the input or output that is not as expected, or what the runtime says;
 * also when `cuda` was asked for and is not there. That CUDA really runs the graph is checked at the first run.
 */
export async function openOnnxGraph(
  files: GraphFiles,
  spec: GraphSpec,
  { threads, executionProvider = "cpu", sessions = 1, maxTokensPerRun, maxQueuedItems }: OpenGraphOptions = {},
): Promise<GraphRunner> {
  for (const path of [files.graph, ...(files.data ?? [])]) await requireFile(spec, path);
  const start = { name: spec.name, graph: files.graph, options: { threads, executionProvider } };
  const { hosts, description } = await openThreads(start, sessions);
  try {
    const graph = checkGraph(spec, description);
    const alone = graph.oneItemOnly || (await contains(files.graph, DYNAMIC_QUANTIZATION));
    const runLimits: BatchLimits = {
      items: alone ? 1 : MAX_RUN_ITEMS,
      tokens: maxTokensPerRun ?? DEFAULT_RUN_TOKENS[executionProvider],
      bytes: MAX_RUN_BYTES,
    };
    const queueLimits: QueueLimits = { items: maxQueuedItems ?? DEFAULT_QUEUED_ITEMS, bytes: MAX_QUEUED_BYTES };
    return new OnnxGraphRunner({ spec, graph, hosts, runLimits, queueLimits });
  } catch (error) {
    await disposeAll(hosts);
    throw error;
  }
}

/** One after another: what the first says of a file that is no graph is enough. */
async function openThreads(start: GraphStart, count: number) {
  const { thread, description } = await GraphThread.open(start);
  const hosts = [thread];
  try {
    while (hosts.length < count) hosts.push((await GraphThread.open(start)).thread);
  } catch (error) {
    await disposeAll(hosts);
    throw error;
  }
  return { hosts, description };
}

async function disposeAll(threads: readonly GraphThread[]): Promise<void> {
  await Promise.all(threads.map((thread) => thread.dispose()));
}

async function requireFile(spec: GraphSpec, path: string): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isFile() === true) return;
  throw new MaxleafError("model_unavailable", `${spec.name} lacks its file ${path}`);
}

/** Whether the ASCII `text` is in a file, which may be larger than the memory. */
async function contains(path: string, text: string): Promise<boolean> {
  let tail = Buffer.alloc(0);
  for await (const chunk of createReadStream(path, { highWaterMark: READ_BYTES })) {
    const bytes = Buffer.concat([tail, chunk]);
    if (bytes.includes(text)) return true;
    tail = bytes.subarray(Math.max(0, bytes.length - text.length + 1));
  }
  return false;
}
