/**
 * The transformer's thread. `onnxruntime-node` runs a graph synchronously, so in the main thread every window would stop
 * all other requests for as long as it takes (about 100 ms).
 *
 * @module
 */
import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import { type InferenceSession, Tensor } from "onnxruntime-node";
import { openSession } from "../onnx-session.ts";
import { CLS_ID, SEP_ID } from "./tokens.ts";
import type { TrunkAnswer, TrunkRequest, TrunkStart } from "./trunk-messages.ts";
import { SPECIALS_PER_WINDOW } from "./trunk.ts";

async function infer(session: InferenceSession, ids: Int32Array): Promise<Float32Array<ArrayBuffer>> {
  const length = ids.length + SPECIALS_PER_WINDOW;
  const shape = [1, length];
  const outputs = await session.run({
    input_ids: new Tensor("int64", BigInt64Array.from([CLS_ID, ...ids, SEP_ID], BigInt), shape),
    attention_mask: new Tensor("int64", new BigInt64Array(length).fill(1n), shape),
    token_type_ids: new Tensor("int64", new BigInt64Array(length), shape),
  });
  const hidden = outputs["last_hidden_state"]?.data;
  if (!(hidden instanceof Float32Array)) throw new Error("the graph gave no float last_hidden_state");
  // A copy: the runtime's own memory cannot be handed to another thread.
  return new Float32Array(hidden);
}

async function serve(port: MessagePort, start: TrunkStart): Promise<void> {
  const send = (answer: TrunkAnswer) => {
    port.postMessage(answer, answer.kind === "hidden" ? [answer.hidden.buffer] : []);
  };
  const fail = (error: unknown) => {
    send({ kind: "failed", message: error instanceof Error ? error.message : String(error) });
  };
  const session = await openSession("all-MiniLM-L6-v2", start.graph, { threads: start.threads }).catch(fail);
  if (session === undefined) return;

  port.on("message", (request: TrunkRequest) => {
    if (request.kind === "encode") {
      infer(session, request.ids).then((hidden) => send({ kind: "hidden", hidden }), fail);
    } else {
      session.release().then(() => port.close(), fail);
    }
  });
  send({ kind: "ready" });
}

if (parentPort === null) throw new Error("trunk-worker.ts runs in a worker thread only");
await serve(parentPort, workerData);
