/**
 * `npm run bench [-- NAME]`: runs the benchmarks whose file name holds NAME, prints them and writes results.json beside
 * this file. docs/benchmarks.md keeps the figures of a quiet machine.
 *
 * @module
 */
import { readdir, writeFile } from "node:fs/promises";
import { arch, cpus } from "node:os";
import type { Benchmark, BenchRow } from "./benchmark.ts";

const folder = new URL(".", import.meta.url);
const SUFFIX = ".bench.ts";

interface BenchResult {
  benchmark: string;
  setting: string;
  rows: BenchRow[];
}

function isBenchmark(value: unknown): value is Benchmark {
  return typeof value === "object" && value !== null && "run" in value && typeof value.run === "function";
}

async function runFile(file: string): Promise<BenchResult> {
  const module: unknown = await import(new URL(file, folder).href);
  const benchmark = typeof module === "object" && module !== null && "default" in module ? module.default : undefined;
  if (!isBenchmark(benchmark)) throw new Error(`${file} has no benchmark as its default export`);
  console.log(`\n${benchmark.name}\n${benchmark.setting}`);
  const rows = await benchmark.run();
  for (const row of rows) console.log(line(row));
  return { benchmark: benchmark.name, setting: benchmark.setting, rows };
}

function line({ name, value, unit, note }: BenchRow): string {
  const digits = value >= 100 ? 0 : value >= 10 ? 1 : 2;
  const figure = `${value.toFixed(digits)} ${unit}`;
  return `  ${name.padEnd(46)} ${figure.padStart(16)}${note === undefined ? "" : `   ${note}`}`;
}

const filter = process.argv[2] ?? "";
const files = (await readdir(folder)).filter((file) => file.endsWith(SUFFIX) && file.includes(filter)).sort();
if (files.length === 0) {
  console.error(`no benchmark file has ${JSON.stringify(filter)} in its name`);
  process.exit(1);
}
const machine = { cpu: cpus()[0]?.model ?? "unknown", cores: cpus().length, arch: arch(), node: process.version };
console.log(`${machine.cpu}, ${machine.cores} cores, ${machine.arch}, Node ${machine.node}`);
const results: BenchResult[] = [];
for (const file of files) results.push(await runFile(file));
const report = { measuredAt: new Date().toISOString(), machine, results };
await writeFile(new URL("results.json", folder), `${JSON.stringify(report, null, 2)}\n`);
