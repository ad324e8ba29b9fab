/**
 * A graph in a thread of its own: one run at a time.
 *
 * @module
 */
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { MaxleafError } from "../../../shared/errors.ts";
import type { RunInputs, RunOutput } from "./batches.ts";
import type { GraphAnswer, GraphRequest, GraphStart } from "./graph-messages.ts";
import type { GraphDescription } from "./graph-spec.ts";

export class GraphThread {
  readonly #name: string;
  readonly #worker: Worker;
  /** Who waits for the thread's next answer. */
  #waiting: PromiseWithResolvers<GraphAnswer> | undefined;
  /** Why the thread is no more. */
  #ended: MaxleafError | undefined;

  private constructor(start: GraphStart) {
    this.#name = start.name;
    this.#worker = new Worker(new URL("graph-worker.ts", import.meta.url), { workerData: start });
    this.#worker.on("message", (answer: GraphAnswer) => this.#waiting?.resolve(answer));
    this.#worker.on("error", (cause) => this.#end(`failed: ${cause.message}`, cause));
    this.#worker.on("exit", () => this.#end("has ended"));
    // An idle model must not keep a finished command alive.
    this.#worker.unref();
  }

  /** Errors: `model_unavailable` in the runtime's words when it cannot open the graph. */
  static async open(start: GraphStart): Promise<{ thread: GraphThread; description: GraphDescription }> {
    const thread = new GraphThread(start);
    const answer = await thread.#answer();
    if (answer.kind === "ready") return { thread, description: answer };
    await thread.#worker.terminate();
    throw new MaxleafError("model_unavailable", answer.kind === "failed" ? answer.message : "no session was opened");
  }

  /** Whether the thread is no more: every run fails. */
  get ended(): boolean {
    return this.#ended !== undefined;
  }

  /**
   * Runs the graph once. The caller waits for the answer before it asks again, and its tensors are no longer its own.
   *
   * Errors: `model_unavailable` in the runtime's words.
   */
  async run(inputs: RunInputs, outputName: string): Promise<RunOutput> {
    const answer = this.#answer();
    this.#send({ kind: "run", inputs, outputName });
    const output = await answer;
    if (output.kind === "output") return output;
    const what = output.kind === "failed" ? output.message : "no output";
    throw new MaxleafError("model_unavailable", `the graph of ${this.#name} cannot run: ${what}`);
  }

  /** Frees the session and ends the thread; no run may be under way. */
  async dispose(): Promise<void> {
    if (this.#ended !== undefined) return;
    const exited = once(this.#worker, "exit");
    this.#worker.ref();
    this.#send({ kind: "stop" });
    await exited;
  }

  #send(request: GraphRequest): void {
    const inputs = request.kind === "run" ? Object.values(request.inputs) : [];
    this.#worker.postMessage(
      request,
      inputs.map((tensor) => tensor.data.buffer),
    );
  }

  async #answer(): Promise<GraphAnswer> {
    if (this.#ended !== undefined) throw this.#ended;
    this.#waiting = Promise.withResolvers<GraphAnswer>();
    this.#worker.ref();
    try {
      return await this.#waiting.promise;
    } finally {
      this.#waiting = undefined;
      this.#worker.unref();
    }
  }

  #end(how: string, cause?: Error): void {
    this.#ended ??= new MaxleafError("model_unavailable", `the thread of ${this.#name} ${how}`, { cause });
    this.#waiting?.reject(this.#ended);
  }
}
