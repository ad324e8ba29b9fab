/**
 * Loads the WASM kernels that `npm run build` made.
 *
 * @module
 */
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { MaxleafError } from "../../shared/errors.ts";
import { compileKernel, type KernelModule, supportsRelaxedSimd } from "../../shared/kernel/webassembly.ts";

/** The plain build is for engines without relaxed SIMD. */
const KERNEL_NAME = supportsRelaxedSimd() ? "kernel-relaxed.wasm" : "kernel.wasm";
const KERNEL_FILE = fileURLToPath(new URL(`../../shared/kernel/build/${KERNEL_NAME}`, import.meta.url));

/** Errors: `model_unavailable` when the kernels were not built. */
export async function loadKernel(): Promise<KernelModule> {
  const bytes = await readFile(KERNEL_FILE).catch((cause: unknown) => {
    throw new MaxleafError("model_unavailable", "the search kernels are not built: run `npm run build`", { cause });
  });
  return await compileKernel(bytes);
}
