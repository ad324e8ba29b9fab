/**
 * How long each stage of a search took.
 *
 * @module
 */
export type Stage = "lexical" | "tables" | "candidates" | "rerank" | "exact" | "hits";

/** Milliseconds by stage; a stage may run several times. Workers' clocks move only with I/O: there, time without reads shows as 0. */
export class StageTimes {
  readonly #nowMs: () => number;
  readonly #startedMs: number;
  readonly #spentMs: Record<Stage, number> = { lexical: 0, tables: 0, candidates: 0, rerank: 0, exact: 0, hits: 0 };
  #waitedMs = 0;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
    this.#startedMs = nowMs();
  }

  /** Runs `work` and books its time on `stage`. */
  run<T>(stage: Stage, work: () => T): T {
    const startedMs = this.#nowMs();
    try {
      return work();
    } finally {
      this.#spentMs[stage] += this.#nowMs() - startedMs;
    }
  }

  /** The same, waiting for what `work` promises. */
  async runAsync<T>(stage: Stage, work: () => Promise<T>): Promise<T> {
    const startedMs = this.#nowMs();
    try {
      return await work();
    } finally {
      this.#spentMs[stage] += this.#nowMs() - startedMs;
    }
  }

  /** Waits for `others`, whose time is not the search's. */
  async waitFor<T>(others: T | Promise<T>): Promise<T> {
    const startedMs = this.#nowMs();
    try {
      return await others;
    } finally {
      this.#waitedMs += this.#nowMs() - startedMs;
    }
  }

  /** Up to now. */
  report(): Record<`${Stage}Ms` | "totalMs", number> {
    const { lexical, tables, candidates, rerank, exact, hits } = this.#spentMs;
    return {
      lexicalMs: lexical,
      tablesMs: tables,
      candidatesMs: candidates,
      rerankMs: rerank,
      exactMs: exact,
      hitsMs: hits,
      totalMs: this.#nowMs() - this.#startedMs - this.#waitedMs,
    };
  }
}
