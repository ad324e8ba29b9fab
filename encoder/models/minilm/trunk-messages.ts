/**
 * What `trunk.ts` and its thread say to each other. One request at a time, one answer each.
 *
 * @module
 */

/** The thread's `workerData`. It answers `ready` or `failed`. */
export interface TrunkStart {
  /** Bytes of the ONNX graph, checked. */
  graph: Uint8Array;
  threads: number | undefined;
}

/** Encode one window: word pieces without specials. Or free the session and end. */
export type TrunkRequest = { kind: "encode"; ids: Int32Array<ArrayBuffer> } | { kind: "stop" };

/** `hidden`: `[ids.length + 2, 384]`. */
export type TrunkAnswer =
  | { kind: "ready" }
  | { kind: "hidden"; hidden: Float32Array<ArrayBuffer> }
  | { kind: "failed"; message: string };
