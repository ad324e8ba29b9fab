/**
 * The transformer itself: one window of token ids in, its hidden states out.
 *
 * @module
 */
import { type InferenceSession, Tensor } from "onnxruntime-node";
import PQueue from "p-queue";
import { MaxleafError } from "../../../shared/errors.ts";
import { openSession, type SessionOptions } from "../onnx-session.ts";
import { CLS_ID, SEP_ID } from "./tokens.ts";
import { readWeights, weightsFiles } from "./weights.ts";

/** Width of a hidden state. */
export const HIDDEN_DIM = 384;

/** Tokens of a page's window, [CLS] and [SEP] included: what all-MiniLM-L6-v2 was trained on. */
export const WINDOW_TOKENS = 256;
/** [CLS] before a window and [SEP] after it. */
export const SPECIALS_PER_WINDOW = 2;

/** Questions overtake the windows of pages that wait. */
const QUERY_PRIORITY = 1;

/**
 * Runs windows one at a time. Batches are no gain here: on 2 cores with AVX2, 256-token windows went through at 3,670
 * tokens/s one by one, 3,730 in batches of 4, 3,230 in batches of 8 and 2,800 in batches of 16. And the graph quantises
 * activations by their largest value in the whole batch, so alone, a window's vectors depend on nothing but the window.
 */
export class Trunk {
  readonly #session: InferenceSession;
  readonly #queue = new PQueue({ concurrency: 1 });

  constructor(session: InferenceSession) {
    this.#session = session;
  }

  /**
   * Hidden states of one window.
   *
   * @param ids word pieces without specials, at most 510.
   * @returns `[ids.length + 2, 384]`: [CLS], the pieces, [SEP].
   */
  async run(ids: ArrayLike<number>, kind: "page" | "query" = "page"): Promise<Float32Array> {
    return this.#queue.add(() => this.#infer(ids), kind === "query" ? { priority: QUERY_PRIORITY } : {});
  }

  /** Waits for the windows under way, then frees the session. */
  async dispose(): Promise<void> {
    await this.#queue.onIdle();
    await this.#session.release();
  }

  async #infer(ids: ArrayLike<number>): Promise<Float32Array> {
    const length = ids.length + SPECIALS_PER_WINDOW;
    const shape = [1, length];
    const inputIds = BigInt64Array.from([CLS_ID, ...Array.from(ids), SEP_ID], BigInt);
    const outputs = await this.#session.run({
      input_ids: new Tensor("int64", inputIds, shape),
      attention_mask: new Tensor("int64", new BigInt64Array(length).fill(1n), shape),
      token_type_ids: new Tensor("int64", new BigInt64Array(length), shape),
    });
    const hidden = outputs["last_hidden_state"]?.data;
    if (!(hidden instanceof Float32Array) || hidden.length !== length * HIDDEN_DIM) {
      throw new MaxleafError(
        "model_unavailable",
        `the graph gave no last_hidden_state of [1, ${length}, ${HIDDEN_DIM}]`,
      );
    }
    return hidden;
  }
}

/** The transformer of `weights/`. Errors: `model_unavailable`. */
export async function loadTrunk(options: SessionOptions = {}): Promise<Trunk> {
  const graph = await readWeights(weightsFiles.graph);
  return new Trunk(await openSession("all-MiniLM-L6-v2", graph, options));
}
