/**
 * What a benchmark file gives to the runner.
 *
 * @module
 */
import { readFile } from "node:fs/promises";
import { compileKernel, type KernelModule } from "../../shared/kernel/webassembly.ts";

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

/** The built kernels. */
export async function loadKernel(): Promise<KernelModule> {
  return await compileKernel(await readFile(new URL("../../shared/kernel/build/kernel.wasm", import.meta.url)));
}
