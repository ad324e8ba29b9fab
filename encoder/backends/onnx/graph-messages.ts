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
  path: string;
  /** Bytes to read after those of the file (`encodeGraphExtension`); no external data then. */
  extension?: Uint8Array | undefined;
  options: Pick<SessionOptions, "threads" | "executionProvider">;
}

export type GraphRequest = { kind: "run"; inputs: RunInputs; outputName: string } | { kind: "stop" };

export type GraphAnswer =
  | ({ kind: "ready" } & GraphDescription)
  | { kind: "output"; dims: readonly number[]; data: Float32Array<ArrayBuffer> }
  | { kind: "failed"; message: string };
