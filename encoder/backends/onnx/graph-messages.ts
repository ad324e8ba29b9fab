/**
 * What `graph-thread.ts` and its worker say to each other. One request at a time, one answer each.
 *
 * @module
 */
import type { SessionOptions } from "../../models/onnx-session.ts";
import type { RunInputs } from "./batches.ts";
import type { GraphDescription } from "./graph-spec.ts";

/** The worker's `workerData`. It answers `ready` or `failed`. */
export interface GraphStart {
  name: string;
  /** Path of the graph, or its bytes; external data is found by path only. */
  graph: string | Uint8Array;
  options: Pick<SessionOptions, "threads" | "executionProvider">;
}

export type GraphRequest = { kind: "run"; inputs: RunInputs; outputName: string } | { kind: "stop" };

export type GraphAnswer =
  | ({ kind: "ready" } & GraphDescription)
  | { kind: "output"; dims: readonly number[]; data: Float32Array<ArrayBuffer> }
  | { kind: "failed"; message: string };
