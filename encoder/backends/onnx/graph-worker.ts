/**
 * A graph's thread. `onnxruntime-node` runs a graph synchronously: in the main thread every page would stop all other
 * requests for as long as it takes, which is seconds for a page image on a CPU.
 *
 * @module
 */
import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import { type InferenceSession, Tensor } from "onnxruntime-node";
import { openSession } from "../../models/onnx-session.ts";
import type { RunInputs, RunTensor } from "./batches.ts";
import { floatsToHalves, halvesToFloats } from "../float16.ts";
import type { GraphAnswer, GraphRequest, GraphStart } from "./graph-messages.ts";
import { ProviderWatch } from "./provider-watch.ts";

/** A session and what has to be known of it at every run. */
class LoadedGraph {
  readonly session: InferenceSession;
  readonly #halfInputs: ReadonlySet<string>;
  /** Until the first run has shown where operators run. */
  #watch: ProviderWatch | undefined;

  constructor(session: InferenceSession, watch: ProviderWatch | undefined) {
    this.session = session;
    this.#watch = watch;
    const halves = session.inputMetadata.filter((input) => input.isTensor && input.type === "float16");
    this.#halfInputs = new Set(halves.map((input) => input.name));
  }

  async run(inputs: RunInputs, outputName: string): Promise<GraphAnswer> {
    const feeds = Object.entries(inputs).map(([name, tensor]) => [name, this.#feed(name, tensor)] as const);
    const outputs = await this.session.run(Object.fromEntries(feeds), [outputName]);
    await this.#checkProvider();
    const output = outputs[outputName];
    if (output === undefined) throw new Error(`the graph gave no ${outputName}`);
    return { kind: "output", dims: output.dims, data: floatsOf(output, outputName) };
  }

  #feed(name: string, { data, dims }: RunTensor): Tensor {
    if (data instanceof BigInt64Array) return new Tensor("int64", data, dims);
    if (!this.#halfInputs.has(name)) return new Tensor("float32", data, dims);
    return halvesTensor(floatsToHalves(data), dims);
  }

  async #checkProvider(): Promise<void> {
    const watch = this.#watch;
    this.#watch = undefined;
    await watch?.check(this.session);
  }
}

/**
 * `Tensor` makes a `Float16Array` of the bits where Node has one, which the native side of onnxruntime-node 1.30 does not
 * understand ("not enough space: expected 1204224, got 0"); it reads `data`, and does understand a `Uint16Array`.
 */
function halvesTensor(bits: Uint16Array, dims: readonly number[]): Tensor {
  return Object.defineProperty(new Tensor("float16", bits, dims), "data", { value: bits });
}

/** A copy: the runtime's own memory cannot be handed to another thread. */
function floatsOf(output: Tensor, name: string): Float32Array<ArrayBuffer> {
  const { type, data } = output;
  if (data instanceof Float32Array) return new Float32Array(data);
  if (type === "float16" && ArrayBuffer.isView(data)) return halvesToFloats(data);
  throw new Error(`the graph gave ${type} as ${name} instead of floats`);
}

async function open({ name, graph, options }: GraphStart): Promise<LoadedGraph> {
  const watch = options.executionProvider === "cuda" ? await ProviderWatch.create("CUDAExecutionProvider") : undefined;
  try {
    // The runtime takes no shared memory.
    const session = await openSession(name, typeof graph === "string" ? graph : graph.slice(), {
      ...options,
      profilePrefix: watch?.profilePrefix,
    });
    return new LoadedGraph(session, watch);
  } catch (error) {
    await watch?.abandon();
    throw error;
  }
}

async function serve(port: MessagePort, start: GraphStart): Promise<void> {
  const send = (answer: GraphAnswer) => {
    port.postMessage(answer, answer.kind === "output" ? [answer.data.buffer] : []);
  };
  const fail = (error: unknown) => {
    send({ kind: "failed", message: error instanceof Error ? error.message : String(error) });
  };
  const graph = await open(start).catch(fail);
  if (graph === undefined) return;

  port.on("message", (request: GraphRequest) => {
    if (request.kind === "run") graph.run(request.inputs, request.outputName).then(send, fail);
    else graph.session.release().then(() => port.close(), fail);
  });
  send({ kind: "ready", inputs: graph.session.inputMetadata, outputs: graph.session.outputMetadata });
}

if (parentPort === null) throw new Error("graph-worker.ts runs in a worker thread only");
await serve(parentPort, workerData);
