/**
 * What a benchmark file gives to the runner.
 *
 * @module
 */
import { readFile } from "node:fs/promises";
import { compileKernel, type KernelModule, supportsRelaxedSimd } from "../../shared/kernel/webassembly.ts";

export interface BenchRow {
  name: string;
  value: number;
  unit: string;
  /** How it compares with another row of the same run, in words. */
  note?: string;
}

/** The default export of every `*.bench.ts`. */
export interface Benchmark {
  name: string;
  /** What was measured on what. */
  setting: string;
  run: () => Promise<BenchRow[]>;
}

/** The kernels that searches run on this machine, or the plain build. */
export async function loadKernel(build: "best" | "plain" = "best"): Promise<KernelModule> {
  const name = build === "best" && supportsRelaxedSimd() ? "kernel-relaxed.wasm" : "kernel.wasm";
  return await compileKernel(await readFile(new URL(`../../shared/kernel/build/${name}`, import.meta.url)));
}
