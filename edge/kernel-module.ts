/**
 * The build of the kernels that this runtime can run. Both are modules of the worker: workerd compiles none at run time.
 *
 * @module
 */
import plain from "../shared/kernel/build/kernel.wasm";
import relaxed from "../shared/kernel/build/kernel-relaxed.wasm";
import { type KernelModule, supportsRelaxedSimd } from "../shared/kernel/webassembly.ts";

export const kernelModule: KernelModule = supportsRelaxedSimd() ? relaxed : plain;
