/**
 * An ONNX Runtime session on the CPU, made from bytes that were already checked.
 *
 * @module
 */
import { InferenceSession } from "onnxruntime-node";
import { MaxleafError } from "../../shared/errors.ts";

export interface SessionOptions {
  /** Threads inside one operator; default: the runtime's own choice (physical cores). */
  threads?: number | undefined;
}

/**
 * Opens a session on the CPU.
 *
 * Errors: `model_unavailable` when the runtime's native library does not load on this machine or refuses the graph.
 */
export async function openSession(
  modelName: string,
  graph: Uint8Array,
  options: SessionOptions = {},
): Promise<InferenceSession> {
  try {
    return await InferenceSession.create(graph, {
      executionProviders: ["cpu"],
      graphOptimizationLevel: "all",
      // The graphs have no parallel branches worth a second pool: operators run one after another.
      executionMode: "sequential",
      interOpNumThreads: 1,
      // 3 = errors only: the optimiser warns about every unused initialiser otherwise.
      logSeverityLevel: 3,
      ...(options.threads === undefined ? {} : { intraOpNumThreads: options.threads }),
    });
  } catch (cause) {
    throw new MaxleafError(
      "model_unavailable",
      `ONNX Runtime cannot open the graph of ${modelName}: ${reason(cause)}`,
      {
        cause,
      },
    );
  }
}

function reason(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
