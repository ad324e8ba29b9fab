/**
 * The transformer itself: one window of token ids in, its hidden states out. It runs in a thread of its own.
 *
 * @module
 */
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import PQueue from "p-queue";
import { MaxleafError } from "../../../shared/errors.ts";
import type { SessionOptions } from "../onnx-session.ts";
import type { TrunkAnswer, TrunkRequest, TrunkStart } from "./trunk-messages.ts";
import { readWeights, weightsFiles } from "./weights.ts";

/** Width of a hidden state. */
export const HIDDEN_DIM = 384;

/** Tokens of a page's window, [CLS] and [SEP] included: the length that all-MiniLM-L6-v2's card gives. */
export const WINDOW_TOKENS = 256;
/** [CLS] before a window and [SEP] after it. */
export const SPECIALS_PER_WINDOW = 2;

/** Questions overtake the windows of pages that wait. */
const QUERY_PRIORITY = 1;

/**
 * Runs windows one at a time. Batches are no gain here: on 2 cores with AVX2, 256-token windows went through at 3,670
 * tokens/s one by one, 3,730 in batches of 4, 3,230 in batches of 8 and 2,800 in batches of 16. And no window is padded.
 */
export class Trunk {
  readonly #worker: Worker;
  readonly #queue = new PQueue({ concurrency: 1 });
  /** Who waits for the thread's next answer. */
  #waiting: PromiseWithResolvers<TrunkAnswer> | undefined;
  /** Why the thread is no more. */
  #ended: MaxleafError | undefined;

  private constructor(start: TrunkStart) {
    this.#worker = new Worker(new URL("trunk-worker.ts", import.meta.url), { workerData: start });
    this.#worker.on("message", (answer: TrunkAnswer) => this.#waiting?.resolve(answer));
    this.#worker.on("error", (cause) => this.#end(`failed: ${cause.message}`, cause));
    this.#worker.on("exit", () => this.#end("has ended"));
    // An idle model must not keep a finished command alive.
    this.#worker.unref();
  }

  /** Starts the thread and opens the graph. Errors: `model_unavailable`. */
  static async open(graph: Uint8Array, options: SessionOptions = {}): Promise<Trunk> {
    const trunk = new Trunk({ graph, threads: options.threads });
    await trunk.#queue.add(() => trunk.#answer());
    return trunk;
  }

  /**
   * Hidden states of one window.
   *
   * @param ids word pieces without specials, at most 510.
   * @returns `[ids.length + 2, 384]`: [CLS], the pieces, [SEP].
   */
  async run(ids: readonly number[], kind: "page" | "query" = "page"): Promise<Float32Array> {
    const answer = await this.#queue.add(
      () => this.#ask({ kind: "encode", ids: Int32Array.from(ids) }),
      kind === "query" ? { priority: QUERY_PRIORITY } : {},
    );
    const length = (ids.length + SPECIALS_PER_WINDOW) * HIDDEN_DIM;
    if (answer.kind === "hidden" && answer.hidden.length === length) return answer.hidden;
    throw new MaxleafError("model_unavailable", `the graph gave no hidden states of ${length} numbers`);
  }

  /** Waits for the windows under way, then frees the session. */
  async dispose(): Promise<void> {
    await this.#queue.onIdle();
    if (this.#ended !== undefined) return;
    const exited = once(this.#worker, "exit");
    this.#worker.ref();
    this.#send({ kind: "stop" });
    await exited;
  }

  #ask(request: TrunkRequest): Promise<TrunkAnswer> {
    const answer = this.#answer();
    this.#send(request);
    return answer;
  }

  #send(request: TrunkRequest): void {
    this.#worker.postMessage(request, request.kind === "encode" ? [request.ids.buffer] : []);
  }

  async #answer(): Promise<TrunkAnswer> {
    if (this.#ended !== undefined) throw this.#ended;
    this.#waiting = Promise.withResolvers<TrunkAnswer>();
    this.#worker.ref();
    try {
      const answer = await this.#waiting.promise;
      if (answer.kind === "failed") throw new MaxleafError("model_unavailable", answer.message);
      return answer;
    } finally {
      this.#waiting = undefined;
      this.#worker.unref();
    }
  }

  #end(how: string, cause?: Error): void {
    this.#ended ??= new MaxleafError("model_unavailable", `the thread of all-MiniLM-L6-v2 ${how}`, { cause });
    this.#waiting?.reject(this.#ended);
  }
}

/** The transformer of `weights/`. Errors: `model_unavailable`. */
export async function loadTrunk(options: SessionOptions = {}): Promise<Trunk> {
  return await Trunk.open(await readWeights(weightsFiles.graph), options);
}
