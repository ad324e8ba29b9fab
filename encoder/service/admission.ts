/**
 * A waiting room with a door: work runs a few at a time, and beyond a length of queue it is refused at once instead of
 * timing out later.
 *
 * @module
 */
import PQueue from "p-queue";
import { MaxleafError } from "../../shared/errors.ts";

export interface AdmissionLimits {
  /** Pieces of work that run at the same time. */
  concurrency: number;
  /** Pieces of work that may wait besides. */
  maxWaiting: number;
}

/** The waiting room. */
export class Admission {
  readonly #queue: PQueue;
  readonly #capacity: number;

  constructor({ concurrency, maxWaiting }: AdmissionLimits) {
    this.#queue = new PQueue({ concurrency });
    this.#capacity = concurrency + maxWaiting;
  }

  /**
   * Runs `work` when its turn comes, unless its caller has given up by then (`signal`): a model that takes seconds for a question has
   * no time for those that nobody waits for. Errors: `overloaded` when too many wait already; `encoder_timeout` for nobody.
   */
  async run<Result>(work: () => Promise<Result>, signal?: AbortSignal): Promise<Result> {
    if (this.#queue.pending + this.#queue.size >= this.#capacity) {
      throw new MaxleafError("overloaded", `${this.#queue.size} requests wait already; try again in a moment`);
    }
    return await this.#queue.add(async () => {
      if (signal?.aborted === true) throw new MaxleafError("encoder_timeout", "the caller did not wait for its turn");
      return await work();
    });
  }
}
