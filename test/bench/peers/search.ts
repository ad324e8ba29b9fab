/**
 * `node test/bench/peers/search.ts WORK SETTING REPS`: one setting on a prepared index, in a process of its own, as the peers
 * are measured: one query at a time, a first pass that warms up, then REPS passes. Prints a line of JSON.
 *
 * Processor time is of the whole process, the threads of the JavaScript engine included.
 *
 * @module
 */
import { readFile } from "node:fs/promises";
import { meanOf, overlapAt, type Ranking } from "../../../encoder/eval/metrics.ts";
import { FolderStore } from "../../../encoder/storage/folder-store.ts";
import type { SearchRequest, SearchResult } from "../../../shared/engine/contract.ts";
import { openIndex } from "../../../shared/engine/open-index.ts";
import { loadKernel } from "../benchmark.ts";
import { quantile } from "../measure.ts";
import { INDEX_NAME, pageName, readPrepared, storeFolder, TRUTH_PAGES } from "./prepared.ts";
import { type Measured, type Setting, settingSchema } from "./settings.ts";
import { encodedQuery, fromBase64 } from "./vector-set.ts";

/** Everything warm: the peers hold or map their whole index too. */
const WARM_BYTES = 1024 * 1024 * 1024;

const STAGES = ["tablesMs", "candidatesMs", "rerankMs", "exactMs", "hitsMs", "totalMs"] as const;

async function measure(work: string, setting: Setting, reps: number): Promise<Measured> {
  const prepared = await readPrepared(work);
  if (prepared === undefined) throw new Error(`${work} has no prepared index`);
  const opened = await openIndex({
    store: new FolderStore(storeFolder(work)),
    index: INDEX_NAME,
    kernelModule: await loadKernel(),
    cacheBytes: WARM_BYTES,
    kernelBytes: WARM_BYTES,
  });
  const requests = prepared.queries.map(({ tokenCount, values }): SearchRequest => {
    const query = encodedQuery({ tokenCount, vectors: fromBase64(values) }, opened.manifest.recipeFingerprint);
    return { query, bare: true, ...setting };
  });
  const passes: { cpuMs: number; wallMs: number; result: SearchResult }[][] = [];
  for (let pass = 0; pass <= reps; pass++) {
    const measured = [];
    for (const request of requests) measured.push(await timed(() => opened.search(request)));
    if (pass > 0) passes.push(measured);
  }
  const last = passes.at(-1) ?? [];
  const found = last.map(({ result }): Ranking => result.hits.map((hit) => hit.documentName));
  const truth = prepared.truth.map((pages): Ranking => pages.map(pageName));
  const recall = (depth: number) => meanOf(found.map((names, i) => overlapAt(depth, names, truth[i] ?? [])));
  const best = (field: "cpuMs" | "wallMs") =>
    requests.map((_, query) => Math.min(...passes.map((pass) => pass[query]?.[field] ?? Infinity)));
  const sum = (field: "cpuMs" | "wallMs") => passes.flat().reduce((total, one) => total + one[field], 0);
  const indexMb = opened.memoryBytes / 2 ** 20;
  opened.close();
  return {
    recall10: recall(10),
    recall100: setting.k < TRUTH_PAGES ? null : recall(TRUTH_PAGES),
    cpuMs: quantile(best("cpuMs"), 0.5),
    wallMs: quantile(best("wallMs"), 0.5),
    wallP95Ms: quantile(best("wallMs"), 0.95),
    cpuPerWall: sum("cpuMs") / sum("wallMs"),
    stages: Object.fromEntries(
      STAGES.map((stage) => [stage, meanOf(last.map(({ result }) => result.performance[stage]))]),
    ),
    peakRssMb: await peakRssMb(),
    indexMb,
  };
}

async function timed(search: () => Promise<SearchResult>) {
  const cpuBefore = process.cpuUsage();
  const startedMs = performance.now();
  const result = await search();
  const wallMs = performance.now() - startedMs;
  const { user, system } = process.cpuUsage(cpuBefore);
  return { cpuMs: (user + system) / 1000, wallMs, result };
}

async function peakRssMb(): Promise<number> {
  const status = await readFile("/proc/self/status", "utf8").catch(() => "");
  return Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? Number.NaN) / 1024;
}

const [work, setting, reps] = process.argv.slice(2);
if (work === undefined || setting === undefined) throw new Error("WORK and SETTING are needed");
console.log(JSON.stringify(await measure(work, settingSchema.parse(JSON.parse(setting)), Number(reps ?? 3))));
