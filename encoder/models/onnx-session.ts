/**
 * An ONNX Runtime session, made from bytes that were already checked, or from a file whose weights may lie beside it.
 *
 * @module
 */
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { InferenceSession } from "onnxruntime-node";
import { MaxleafError } from "../../shared/errors.ts";

/** Where graphs run: `auto` is CUDA where it works, else the CPU. */
export const executionProviders = ["auto", "cpu", "cuda"] as const;
export type ExecutionProvider = (typeof executionProviders)[number];

export interface SessionOptions {
  /** Default: `cpu`. */
  executionProvider?: Exclude<ExecutionProvider, "auto"> | undefined;
  /** Threads inside one operator; default: the runtime's own choice (physical cores). */
  threads?: number | undefined;
  /** Writes what ran where to files of this prefix, until `endProfiling` is called. Default: not. */
  profilePrefix?: string | undefined;
}

/**
 * Opens a session. `graph`: the bytes of an ONNX model, or its path; only by path are external data files found.
 *
 * Errors: `model_unavailable` when the runtime's native library does not load on this machine or refuses the graph, and when
 * CUDA is asked for and is not there: it is never replaced by the CPU in silence.
 */
export async function openSession(
  modelName: string,
  graph: Uint8Array | string,
  { executionProvider = "cpu", threads, profilePrefix }: SessionOptions = {},
): Promise<InferenceSession> {
  if (executionProvider === "cuda" && !hasCudaLibrary()) {
    throw new MaxleafError(
      "model_unavailable",
      `${modelName} cannot run on cuda: ONNX Runtime was installed without it`,
    );
  }
  try {
    const options: InferenceSession.SessionOptions = {
      executionProviders: [executionProvider],
      graphOptimizationLevel: "all",
      // The graphs have no parallel branches worth a second pool: operators run one after another.
      executionMode: "sequential",
      interOpNumThreads: 1,
      // 4 = what ends the process: the optimiser warns about every unused initialiser otherwise, and what fails is thrown too.
      logSeverityLevel: 4,
      ...(threads === undefined ? {} : { intraOpNumThreads: threads }),
      ...(profilePrefix === undefined ? {} : { enableProfiling: true, profileFilePrefix: profilePrefix }),
    };
    // Two calls, since `create` is overloaded.
    return await (typeof graph === "string"
      ? InferenceSession.create(graph, options)
      : InferenceSession.create(graph, options));
  } catch (cause) {
    const where = executionProvider === "cpu" ? "" : ` on ${executionProvider}`;
    const message = `ONNX Runtime cannot open the graph of ${modelName}${where}: ${reason(cause)}`;
    throw new MaxleafError("model_unavailable", message, { cause });
  }
}

/**
 * Whether the runtime was installed with its CUDA library, which it is where CUDA was found. To try without it would make
 * the runtime print errors of its own.
 */
export function hasCudaLibrary(): boolean {
  const main = createRequire(import.meta.url).resolve("onnxruntime-node");
  const { platform, arch } = process;
  const name = platform === "win32" ? "onnxruntime_providers_cuda.dll" : "libonnxruntime_providers_cuda.so";
  return existsSync(join(dirname(main), "..", "bin", "napi-v6", platform, arch, name));
}

function reason(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
