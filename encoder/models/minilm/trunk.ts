/**
 * The transformer itself: one window of token ids in, a row for every token out. Windows run side by side, each in a thread
 * with a session of its own.
 *
 * @module
 */
import { availableParallelism } from "node:os";
import PQueue from "p-queue";
import { MaxleafError } from "../../../shared/errors.ts";
import type { RunInputs, RunTensor } from "../../backends/onnx/batches.ts";
import type { GraphStart } from "../../backends/onnx/graph-messages.ts";
import { GraphThread } from "../../backends/onnx/graph-thread.ts";
import type { SessionOptions } from "../onnx-session.ts";
import { CLS_ID, SEP_ID } from "./tokens.ts";
import { withoutMask } from "./unmasked-graph.ts";
import { readWeights, weightsFiles } from "./weights.ts";

/** Width of a hidden state. */
export const HIDDEN_DIM = 384;

/** What the graph calls its hidden states, `[1, tokens, 384]`. */
export const HIDDEN_STATES = "last_hidden_state";

/** Tokens of a page's window, [CLS] and [SEP] included: the length that all-MiniLM-L6-v2's card gives. */
export const WINDOW_TOKENS = 256;
/** [CLS] before a window and [SEP] after it. */
export const SPECIALS_PER_WINDOW = 2;

/**
 * Sessions at most; threads beyond that work inside them. The runtime turns the int8 weights of the layers into floats when it
 * opens the graph, so every session after the first takes about 165 MiB, its thread included: a process that encodes pages had
 * an RSS of 365 MiB with one, 529 with two and 867 with four.
 */
export const MAX_SESSIONS = 4;

/** Questions overtake the windows of pages that wait. */
const QUERY_PRIORITY = 1;

/** What a row of the result is. */
export interface TrunkOutput {
  name: string;
  dim: number;
  /** What computes it, behind the graph: `encodeGraphExtension`. Absent: the graph does. */
  extension?: Uint8Array | undefined;
}

const hiddenStates: TrunkOutput = { name: HIDDEN_STATES, dim: HIDDEN_DIM };

/**
 * Runs windows, one at a time in every session: a session with two threads is slower than two sessions with one, because its
 * threads wait for each other at every operator (`docs/benchmarks.md`). Batches are no gain either: on 2 cores with AVX2,
 * 256-token windows went through at 3,670 tokens/s one by one, 3,730 in batches of 4, 3,230 in batches of 8 and 2,800 in batches
 * of 16. And no window is padded.
 */
export class Trunk {
  readonly #start: GraphStart;
  readonly #output: TrunkOutput;
  readonly #sessions: number;
  readonly #queue: PQueue;
  /** Open sessions that do nothing. */
  readonly #idle: GraphThread[] = [];
  #disposed = false;

  private constructor(start: GraphStart, output: TrunkOutput, sessions: number) {
    this.#start = start;
    this.#output = output;
    this.#sessions = sessions;
    this.#queue = new PQueue({ concurrency: sessions });
  }

  /**
   * Opens `graph`, the bytes of an ONNX model, once. Further sessions are opened when as many windows are asked for at a time: a process that
   * answers one question after another has one.
   *
   * @param threads cores to use; default: all.
   *
   * Errors: `model_unavailable`.
   */
  static async open(
    graph: Uint8Array,
    { threads = availableParallelism() }: Pick<SessionOptions, "threads"> = {},
    output: TrunkOutput = hiddenStates,
  ): Promise<Trunk> {
    const sessions = Math.min(threads, MAX_SESSIONS);
    const options = { threads: Math.floor(threads / sessions) };
    const start = {
      name: "all-MiniLM-L6-v2",
      graph: inSharedMemory([graph, output.extension ?? new Uint8Array()]),
      options,
    };
    const trunk = new Trunk(start, output, sessions);
    trunk.#idle.push(await trunk.#openThread());
    return trunk;
  }

  /**
   * The output's rows of one window.
   *
   * @param ids word pieces without specials, at most 510.
   * @returns `[ids.length + 2, dim]`: [CLS], the pieces, [SEP].
   */
  async run(ids: readonly number[], kind: "page" | "query" = "page"): Promise<Float32Array> {
    return await this.#queue.add(() => this.#runWindow(ids), kind === "query" ? { priority: QUERY_PRIORITY } : {});
  }

  /** Frees the sessions that do nothing; the next window opens one anew. */
  async rest(): Promise<void> {
    await Promise.all(this.#idle.splice(0).map((thread) => thread.dispose()));
  }

  /** While it is `needed`, windows run one after the other and there is one session: each further one is freed when its window is done. */
  async makeRoom(needed: boolean): Promise<void> {
    this.#queue.concurrency = needed ? 1 : this.#sessions;
    await this.#freeSurplus(this.#queue.pending);
  }

  /** Waits for the windows under way, then frees the sessions. */
  async dispose(): Promise<void> {
    await this.#queue.onIdle();
    this.#disposed = true;
    await Promise.all(this.#idle.splice(0).map((thread) => thread.dispose()));
  }

  async #runWindow(ids: readonly number[]): Promise<Float32Array> {
    if (this.#disposed) throw new MaxleafError("model_unavailable", `${this.#start.name} was closed`);
    const thread = this.#takeIdle() ?? (await this.#openThread());
    const { name, dim } = this.#output;
    try {
      const { data } = await thread.run(windowInputs(ids), name);
      const length = (ids.length + SPECIALS_PER_WINDOW) * dim;
      if (data.length === length) return data;
      throw new MaxleafError(
        "model_unavailable",
        `the graph gave ${data.length} instead of ${length} numbers as ${name}`,
      );
    } finally {
      this.#idle.push(thread);
      // This window is still pending, and its thread is not busy any more.
      await this.#freeSurplus(this.#queue.pending - 1);
    }
  }

  /** @param busy sessions that run a window. */
  async #freeSurplus(busy: number): Promise<void> {
    const surplus = this.#idle.length + busy - this.#queue.concurrency;
    if (surplus > 0) await Promise.all(this.#idle.splice(0, surplus).map((thread) => thread.dispose()));
  }

  /** Threads that have ended are dropped; a window that finds no other opens one. */
  #takeIdle(): GraphThread | undefined {
    let thread = this.#idle.pop();
    while (thread?.ended === true) thread = this.#idle.pop();
    return thread;
  }

  async #openThread(): Promise<GraphThread> {
    return (await GraphThread.open(this.#start)).thread;
  }
}

function windowInputs(ids: readonly number[]): RunInputs {
  const length = ids.length + SPECIALS_PER_WINDOW;
  const tensor = (data: BigInt64Array<ArrayBuffer>): RunTensor => ({ type: "int64", dims: [1, length], data });
  return {
    input_ids: tensor(BigInt64Array.from([CLS_ID, ...ids, SEP_ID], BigInt)),
    attention_mask: tensor(new BigInt64Array(length).fill(1n)),
    token_type_ids: tensor(new BigInt64Array(length)),
  };
}

/** One copy for all threads. */
function inSharedMemory(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(new SharedArrayBuffer(parts.reduce((sum, part) => sum + part.length, 0)));
  let offset = 0;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.length;
  }
  return bytes;
}

/** The transformer of `weights/`, giving hidden states or what is made of them. Errors: `model_unavailable`. */
export async function loadTrunk(options: Pick<SessionOptions, "threads"> = {}, output?: TrunkOutput): Promise<Trunk> {
  return await Trunk.open(withoutMask(await readWeights(weightsFiles.graph), HIDDEN_STATES), options, output);
}
