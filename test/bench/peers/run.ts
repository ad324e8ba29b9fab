/**
 * `node test/bench/peers/run.ts --vectors FOLDER [--queries 200] [--reps 3] [--core 1] [--rebuild]`: Maxleaf on vectors that other
 * engines are measured on too, by the same protocol: one thread on one core, one query at a time, 100 pages asked for, recall
 * against exact float MaxSim. docs/benchmarks.md says how the peers are run on the same files.
 *
 * @module
 */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";
import { z } from "zod";
import { prepare } from "./build.ts";
import { INDEX_NAME, type Prepared, readPrepared, storeFolder } from "./prepared.ts";
import { type Measured, measuredSchema, type Setting, settingSchema } from "./settings.ts";
import { VectorSet } from "./vector-set.ts";

/** The first is what a caller gets who asks for nothing else; the others show what a stage is worth. */
const SETTINGS: Record<string, Setting> = {
  "default, k 100": { k: 100 },
  "default, k 10": { k: 10 },
  "k 10, with text and boxes": { k: 10, bare: false },
  "PQ only, 400 candidates": { k: 100, candidates: 400, exact: 0 },
};

const { values: options } = parseArgs({
  options: {
    vectors: { type: "string" },
    work: { type: "string", default: fileURLToPath(new URL("../../../build/bench/peers", import.meta.url)) },
    queries: { type: "string", default: "200" },
    reps: { type: "string", default: "3" },
    core: { type: "string", default: "1" },
    rebuild: { type: "boolean", default: false },
    /** More settings: JSON of an object of requests by their names. */
    settings: { type: "string", default: "{}" },
  },
});
if (options.vectors === undefined) throw new Error("--vectors is needed");
const set = await VectorSet.open(options.vectors);
const work = path.join(options.work, `${set.name}-${options.queries}`);
const kept = options.rebuild ? undefined : await readPrepared(work);
const prepared = kept ?? (await prepare(set, work, Number(options.queries)));
await set.close();

console.log(`${set.name}: ${JSON.stringify(await describe(prepared, work))}`);
console.log(
  "| setting | p50 ms (CPU; wall) | p95 ms | R@10 | R@100 | RSS MB peak (index) | cpu/wall | mean ms by stage |",
);
console.log("|---|---|---|---|---|---|---|---|");
const more = z.record(z.string(), settingSchema).parse(JSON.parse(options.settings));
for (const [label, setting] of Object.entries({ ...SETTINGS, ...more })) {
  console.log(row(label, await measureApart(setting)));
}

/** In a process of its own on one core. */
async function measureApart(setting: Setting): Promise<Measured> {
  const script = fileURLToPath(new URL("search.ts", import.meta.url));
  const command = [process.execPath, script, work, JSON.stringify(setting), options.reps];
  const pinned = existsSync("/usr/bin/taskset") ? ["/usr/bin/taskset", "-c", options.core, ...command] : command;
  const { stdout } = await promisify(execFile)(pinned[0] ?? "", pinned.slice(1));
  return measuredSchema.parse(JSON.parse(stdout));
}

function row(label: string, measured: Measured): string {
  const { recall10, recall100, cpuMs, wallMs, wallP95Ms, cpuPerWall, stages, peakRssMb, indexMb } = measured;
  const byStage = Object.entries(stages).map(([stage, ms]) => `${stage.slice(0, -2)} ${ms.toFixed(2)}`);
  const cells = [
    label,
    `${cpuMs.toFixed(2)}; ${wallMs.toFixed(2)}`,
    wallP95Ms.toFixed(2),
    recall10.toFixed(3),
    recall100 === null ? "–" : recall100.toFixed(3),
    `${peakRssMb.toFixed(0)} (${indexMb.toFixed(0)})`,
    cpuPerWall.toFixed(2),
    byStage.join(", "),
  ];
  return `| ${cells.join(" | ")} |`;
}

async function describe({ pages, vectors, dim, buildSeconds, buildCpuSeconds, queries }: Prepared, folder: string) {
  const sizes = await objectBytes(path.join(storeFolder(folder), "indexes", INDEX_NAME));
  const perVector = Object.fromEntries(Object.entries(sizes).map(([kind, bytes]) => [kind, round(bytes / vectors)]));
  return {
    pages,
    vectors,
    dim,
    queries: queries.length,
    buildSeconds: round(buildSeconds),
    buildCpuSeconds: round(buildCpuSeconds),
    bytesPerVector: perVector,
  };
}

/** Bytes of the objects by their kind; exact vectors apart from their segments. */
async function objectBytes(folder: string): Promise<Record<string, number>> {
  const sizes: Record<string, number> = {};
  for (const entry of await readdir(folder, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile()) continue;
    const kind = entry.name.endsWith(".vectors") ? "vectors" : path.basename(entry.parentPath);
    sizes[kind] = (sizes[kind] ?? 0) + (await stat(path.join(entry.parentPath, entry.name))).size;
  }
  return sizes;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
