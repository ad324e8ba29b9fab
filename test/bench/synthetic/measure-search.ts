/**
 * `node measure-search.ts FILE`: does the task in the JSON file: opens an index in a process of its own, searches it cold and warm, and prints what that took as a
 * line of JSON. The parent may put the process under a memory limit.
 *
 * @module
 */
import { readFile } from "node:fs/promises";
import { FolderStore } from "../../../encoder/storage/folder-store.ts";
import type { SearchRequest, SearchResult } from "../../../shared/engine/contract.ts";
import { openIndex } from "../../../shared/engine/open-index.ts";
import { readManifest } from "../../../shared/format/manifest-store.ts";
import type { Manifest } from "../../../shared/format/manifest.ts";
import { seededRandom } from "../../../shared/seeded-random.ts";
import { loadKernel } from "../benchmark.ts";
import { quantile } from "../measure.ts";
import { encodedQuery, fromBase64 } from "../peers/vector-set.ts";
import { pageOfHit } from "./documents.ts";
import { CACHE, drawLatencyMs, OBJECT_STORE, type StoreLatency, type Waves } from "./latency-model.ts";
import { type MeasuredSearch, type SearchTask, type Spread, taskSchema } from "./search-task.ts";
import { WaveStore } from "./wave-store.ts";

const DRAWS = 200;

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
      readManifest: async () => await manifestOf(task, store),
      ...(task.kernelBytes === undefined ? {} : { kernelBytes: task.kernelBytes }),
      ...(task.cacheBytes === undefined ? {} : { cacheBytes: task.cacheBytes }),
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
  // One query after another, each asked once more first: what it reads is in memory, however little memory there is.
  const warm: { cpuMs: number; value: SearchResult }[][] = [];
  for (const request of requests) {
    await opened.search(request);
    const searched = [];
    for (let pass = 0; pass < task.warmPasses; pass++) searched.push(await timed(() => opened.search(request)));
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
    warmCpuMs: spread(warm.map((passes) => Math.min(...passes.map((pass) => pass.cpuMs)))),
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

/** The newest manifest, with the length prior of the task: that of an index is its recipe's, and pages are stored the same with any. */
async function manifestOf({ index, lengthPrior }: SearchTask, store: WaveStore): Promise<Manifest> {
  const manifest = await readManifest(store, index);
  if (manifest === undefined) throw new Error(`there is no index ${index}`);
  const { lengthPrior: _recipes, ...recipe } = manifest.recipe;
  return { ...manifest, recipe: lengthPrior === 0 ? recipe : { ...recipe, lengthPrior } };
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

function spread(values: readonly number[]): Spread {
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
