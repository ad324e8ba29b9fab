/**
 * `node measure-search.ts FILE`: does the task in the JSON file: opens an index in a process of its own, searches it cold and warm, and prints what that took as a
 * line of JSON. The parent may put the process under a memory limit.
 *
 * @module
 */
import { readFile } from "node:fs/promises";
import { z } from "zod";
import { FolderStore } from "../../../encoder/storage/folder-store.ts";
import type { SearchRequest, SearchResult } from "../../../shared/engine/contract.ts";
import { openIndex } from "../../../shared/engine/open-index.ts";
import { seededRandom } from "../../../shared/seeded-random.ts";
import { loadKernel } from "../benchmark.ts";
import { quantile } from "../measure.ts";
import { fromBase64 } from "../peers/build.ts";
import { encodedQuery } from "../peers/vector-set.ts";
import { pageOfHit } from "./build-index.ts";
import { CACHE, drawLatencyMs, OBJECT_STORE, type StoreLatency, type Waves } from "./latency-model.ts";
import { WaveStore } from "./wave-store.ts";

const DRAWS = 200;

const taskSchema = z.strictObject({
  storeFolder: z.string(),
  index: z.string(),
  path: z.enum(["resident", "pruned"]),
  /** Limit of kernel memory when not the engine's own. */
  kernelBytes: z.number().optional(),
  warmPasses: z.number(),
  request: z.strictObject({
    k: z.number(),
    candidates: z.number().optional(),
    exact: z.number().optional(),
    nprobe: z.number().optional(),
  }),
  queries: z.array(z.strictObject({ tokenCount: z.number(), values: z.string() })),
});
export type SearchTask = z.infer<typeof taskSchema>;

const spreadSchema = z.strictObject({ median: z.number(), p99: z.number(), max: z.number() });

export const measuredSchema = z.strictObject({
  open: z.strictObject({ ms: z.number(), cpuMs: z.number(), gets: z.number(), bytes: z.number(), waves: z.number() }),
  /** Every query for the first time; page records of earlier ones may be kept. */
  cold: z.strictObject({
    cpuMs: spreadSchema,
    gets: spreadSchema,
    bytes: spreadSchema,
    hops: spreadSchema,
    waves: spreadSchema,
    /** Reads and processor time together, by the latency model. */
    bucketMs: spreadSchema,
    cacheMs: spreadSchema,
  }),
  warmCpuMs: spreadSchema,
  /** What the first query said of itself. */
  settings: z.strictObject({
    path: z.string(),
    source: z.string(),
    nprobe: z.number().optional(),
    candidates: z.number(),
    exactPages: z.number(),
  }),
  /** Mean of each stage over warm searches, milliseconds on the clock. */
  stages: z.record(z.string(), z.number()),
  /** Bytes that the index counts as held after all searches: kernel memory, heap state and records. */
  heldBytes: z.number(),
  rss: z.strictObject({ beforeOpen: z.number(), afterOpen: z.number(), peak: z.number() }),
  /** Per query the pages found. */
  found: z.array(z.array(z.number())),
});
export type MeasuredSearch = z.infer<typeof measuredSchema>;

const STAGES = ["tablesMs", "candidatesMs", "rerankMs", "exactMs", "hitsMs", "totalMs"] as const;

async function measure(task: SearchTask): Promise<MeasuredSearch> {
  const store = new WaveStore(new FolderStore(task.storeFolder));
  const kernelModule = await loadKernel();
  const rssBeforeOpen = process.memoryUsage.rss();
  const opening = await timed(() =>
    openIndex({
      store,
      index: task.index,
      kernelModule,
      path: task.path,
      ...(task.kernelBytes === undefined ? {} : { kernelBytes: task.kernelBytes }),
    }),
  );
  const opened = opening.value;
  const openReads = store.take();
  const rssAfterOpen = process.memoryUsage.rss();
  const requests = task.queries.map(({ tokenCount, values }): SearchRequest => {
    const query = encodedQuery({ tokenCount, vectors: fromBase64(values) }, opened.manifest.recipeFingerprint);
    return { query, path: task.path, ...task.request };
  });

  const cold: { cpuMs: number; waves: Waves; value: SearchResult }[] = [];
  for (const request of requests) {
    const searched = await timed(() => opened.search(request));
    cold.push({ ...searched, waves: store.take() });
  }
  const warm: { cpuMs: number; value: SearchResult }[][] = [];
  for (let pass = 0; pass < task.warmPasses; pass++) {
    const searched = [];
    for (const request of requests) searched.push(await timed(() => opened.search(request)));
    warm.push(searched);
  }
  const performanceOf = (field: "reads" | "bytesRead" | "serialHops" | "serialReadWaves") =>
    spread(cold.map(({ value }) => value.performance[field]));
  const first = cold[0]?.value.performance;
  if (first === undefined) throw new Error("no query was given");
  const all = warm.flat();
  return {
    open: {
      ms: opening.wallMs,
      cpuMs: opening.cpuMs,
      gets: openReads.flat().length,
      bytes: openReads.flat().reduce((sum, bytes) => sum + bytes, 0),
      waves: openReads.length,
    },
    cold: {
      cpuMs: spread(cold.map(({ cpuMs }) => cpuMs)),
      gets: performanceOf("reads"),
      bytes: performanceOf("bytesRead"),
      hops: performanceOf("serialHops"),
      waves: performanceOf("serialReadWaves"),
      bucketMs: modelled(cold, OBJECT_STORE),
      cacheMs: modelled(cold, CACHE),
    },
    warmCpuMs: spread(requests.map((_, query) => Math.min(...warm.map((pass) => pass[query]?.cpuMs ?? Infinity)))),
    settings: {
      path: first.path,
      source: first.candidateSource,
      ...(first.nprobe === undefined ? {} : { nprobe: first.nprobe }),
      candidates: first.candidates,
      exactPages: first.exactPages,
    },
    stages: Object.fromEntries(
      STAGES.map((stage) => [
        stage,
        all.reduce((sum, { value }) => sum + value.performance[stage], 0) / Math.max(1, all.length),
      ]),
    ),
    heldBytes: opened.memoryBytes,
    rss: { beforeOpen: rssBeforeOpen, afterOpen: rssAfterOpen, peak: await peakRssBytes() },
    found: cold.map(({ value }) => value.hits.map(pageOfHit)),
  };
}

/** Processor time of the whole process: the threads that read files and compile count too. */
async function timed<T>(work: () => Promise<T>): Promise<{ value: T; cpuMs: number; wallMs: number }> {
  const cpuBefore = process.cpuUsage();
  const startedMs = performance.now();
  const value = await work();
  const wallMs = performance.now() - startedMs;
  const { user, system } = process.cpuUsage(cpuBefore);
  return { value, cpuMs: (user + system) / 1000, wallMs };
}

function modelled(cold: readonly { cpuMs: number; waves: Waves }[], store: StoreLatency) {
  const random = seededRandom(1);
  return spread(
    cold.flatMap(({ cpuMs, waves }) =>
      Array.from({ length: DRAWS }, () => cpuMs + drawLatencyMs(waves, store, random)),
    ),
  );
}

function spread(values: readonly number[]): z.infer<typeof spreadSchema> {
  return { median: quantile(values, 0.5), p99: quantile(values, 0.99), max: Math.max(...values) };
}

async function peakRssBytes(): Promise<number> {
  const status = await readFile("/proc/self/status", "utf8").catch(() => "");
  const kibibytes = /VmHWM:\s+(\d+)/.exec(status)?.[1];
  return kibibytes === undefined ? process.memoryUsage.rss() : 1024 * Number(kibibytes);
}

const [taskFile] = process.argv.slice(2);
if (taskFile === undefined) throw new Error("a task file is needed");
const task = taskSchema.parse(JSON.parse(await readFile(taskFile, "utf8")));
console.log(JSON.stringify(await measure(task)));
