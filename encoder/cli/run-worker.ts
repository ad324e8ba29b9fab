/**
 * The worker with its models, queue and source buckets: what `maxleaf worker` runs.
 *
 * @module
 */
import { resolveIndexName } from "../../shared/format/aliases.ts";
import type { Manifest } from "../../shared/format/manifest.ts";
import type { ObjectStore } from "../../shared/store/object-store.ts";
import type { LoadOptions } from "../models/model.ts";
import type { ExecutionProvider } from "../models/onnx-session.ts";
import { DEFAULT_RECIPE, findRecipe, loadModel } from "../models/registry.ts";
import { parseOcrLanguages } from "../ocr/languages.ts";
import { TesseractReader } from "../ocr/tesseract-reader.ts";
import { openTasks, taskPortsOf } from "../tasks/open-tasks.ts";
import { DocumentSink } from "../worker/index-sink.ts";
import { IndexMap } from "../worker/index-map.ts";
import { scanBuckets } from "../worker/scan.ts";
import { openQueue, openSources } from "../worker/worker-config.ts";
import { runWorker, type WorkerReport } from "../worker/worker.ts";
import { MeteredQueue } from "../metrics/metered-queue.ts";
import { type MetricsServer, serveMetrics } from "../metrics/serve-metrics.ts";
import { calibrateIngested } from "./calibrate-ingested.ts";
import { BackgroundWork } from "./background-work.ts";
import type { CommandContext } from "./context.ts";
import { maintainIngested } from "./maintain-ingested.ts";

export interface RunWorkerOptions {
  dataDir: string;
  /** See `openQueue`; by default what MAXLEAF_QUEUE says. */
  queue?: string | undefined;
  /** None: only tasks are done. */
  map: readonly string[];
  concurrency?: number | undefined;
  once?: boolean | undefined;
  /** First put all that buckets and indexes have into the queue. */
  scan?: boolean | undefined;
  recipe?: string | undefined;
  sourceEndpoint?: string | undefined;
  sourceFolder?: string | undefined;
  threads?: number | undefined;
  device?: ExecutionProvider | undefined;
  modelOptions?: LoadOptions | undefined;
  /** Languages of scans, as `parseOcrLanguages` takes them; `undefined`: scans are not read. */
  ocrLanguage?: string | undefined;
  calibrate?: boolean | undefined;
  /** Compact indexes and train their codebooks anew when that is due; default: yes. */
  maintain?: boolean | undefined;
  /** Serves Prometheus metrics here; not at all when absent. */
  metricsPort?: number | undefined;
  /** Default: the loopback interface only. */
  metricsHost?: string | undefined;
}

/**
 * Errors: `invalid_request`, `recipe_not_found`, those of `parseOcrLanguages`, `openQueue`, `taskPortsOf`, `resolveIndexName` and
 * `runWorker`.
 */
export async function runWorkerCommand(
  { terminal, signal, env }: CommandContext,
  store: ObjectStore,
  options: RunWorkerOptions,
): Promise<WorkerReport> {
  const { threads, device: executionProvider, ocrLanguage, modelOptions, calibrate = true, maintain = true } = options;
  const onLog = (line: string) => terminal.err(`${new Date().toISOString()} ${line}\n`);
  const onWarning = (message: string) => onLog(`warning: ${message}`);
  // In the background: a message waits for the commit that has its documents, not for what that commit made due.
  const maintenance = new BackgroundWork<{ before: Manifest | undefined }>(async (index, { before }) => {
    const target = { store, index, threads, executionProvider, signal, onWarning };
    // Before calibration, which a new codebook would make worthless.
    if (maintain) await maintainIngested({ ...target, onLog });
    if (calibrate) await calibrateIngested({ ...target, before, onProgress: () => undefined });
  });
  const map = IndexMap.parse(options.map);
  const languages = ocrLanguage === undefined ? undefined : parseOcrLanguages(ocrLanguage);
  const { name: defaultRecipe } = findRecipe(options.recipe ?? DEFAULT_RECIPE);
  const sources = openSources({ folder: options.sourceFolder, endpoint: options.sourceEndpoint }, env);
  const ports = taskPortsOf(env);
  const queue = new MeteredQueue(openQueue(options.queue ?? env["MAXLEAF_QUEUE"], options.dataDir, env));
  const sink = new DocumentSink({
    store,
    defaultRecipe,
    loadModel: async (recipe) => await loadModel(recipe, { ...modelOptions, threads }),
    openPageReader: languages && (() => new TesseractReader({ languages })),
    threads,
    executionProvider,
    onChanged: (index, before) => maintenance.start(index, { before }),
    onWarning,
  });
  const { runner, keeper } = openTasks({ store, queue, sink, ports, threads, executionProvider, onLog });
  let metrics: MetricsServer | undefined;
  let report: WorkerReport | undefined;
  try {
    await map.requireDistinctIndexes(async (name) => await resolveIndexName(store, name));
    if (options.metricsPort !== undefined) {
      metrics = await serveMetrics(options.metricsPort, options.metricsHost);
      onLog(`metrics: ${metrics.url}`);
    }
    const indexes = map.mappings.map(({ bucket, prefix, index }) => `${bucket}/${prefix} in ${index}`);
    onLog(`working on ${queue.description}: ${["tasks", ...indexes].join(", ")}`);
    if (options.scan === true) {
      const count = await scanBuckets({ queue, map, source: sources.source, store, signal });
      onLog(`put ${count} objects and documents into the queue`);
    }
    await keeper.start();
    const { concurrency, once } = options;
    const { source } = sources;
    report = await runWorker({ queue, map, source, sink, tasks: runner, concurrency, once, signal, onLog });
    return report;
  } finally {
    // A stop ends it too, but at its next step: nothing is lost by not waiting for that.
    if (!signal.aborted) await maintenance.idle();
    await keeper.stop();
    await metrics?.close();
    queue.close();
    sources.close();
    // A model that is at work cannot be freed; the process ends.
    if (report?.isAbandoned !== true) await sink.close();
  }
}
