/**
 * The shards of an index, asked step by step for one search: side by side, each answer within a time limit. One that gives none is
 * left out of the steps that follow, and of the answer, which says so.
 *
 * @module
 */
import { ERROR_STATUS, MaxleafError, quote } from "../../shared/errors.ts";
import type { Manifest } from "../../shared/format/manifest.ts";
import { describeCauses, logError } from "../http/log.ts";
import { placeShards, type ShardPlacement } from "./placement.ts";
import {
  type ShardAnswer,
  type ShardAnswers,
  type ShardCaller,
  type ShardFailure,
  type ShardStep,
  type TaskOf,
  toError,
} from "./protocol.ts";

/**
 * How long a shard may take for a step. A warm one answers in tens of milliseconds. A cold one of 64 MiB opens in about 0.8 s where a
 * read takes 63 ms and a connection 50 MB/s: manifest, codebook, then two reads for each of seven segments, six at a time. One
 * that takes longer goes on opening, and the next search finds it ready.
 */
export const SHARD_DEADLINE_MS = 2_000;

/** What an answer lacks. */
export interface PartialAnswer {
  shardsFailed: number;
  shardsTotal: number;
  /** Pages with vectors in the shards that failed, whatever the filter. */
  pagesNotSearched: number;
  reasons: ({ shard: number } & ShardFailure)[];
}

export interface AskOptions {
  shards: ShardCaller;
  manifest: Manifest;
  deadlineMs?: number | undefined;
  /** Memory of a shard; tests make it small. */
  memoryBytes?: number | undefined;
}

/** The task of a shard in a step; undefined: it has none. */
type TaskFor<Step extends ShardStep> = (shard: number) => TaskOf<Step> | undefined;

export class AskedShards {
  readonly #options: AskOptions;
  readonly #placements: ShardPlacement[];
  readonly #failures = new Map<number, ShardFailure>();

  /** Errors: `path_unavailable`, see `placeShards`. */
  constructor(options: AskOptions) {
    this.#options = options;
    this.#placements = placeShards(options.manifest, options.memoryBytes);
  }

  /** Of the whole index. */
  get total(): number {
    return this.#placements.length;
  }

  /** Undefined when no shard failed. */
  get partial(): PartialAnswer | undefined {
    if (this.#failures.size === 0) return undefined;
    const shards = [...this.#failures.keys()].toSorted((a, b) => a - b);
    return {
      shardsFailed: shards.length,
      shardsTotal: this.total,
      pagesNotSearched: shards.reduce((sum, shard) => sum + (this.#placements[shard]?.searchablePages ?? 0), 0),
      reasons: this.#reasons(),
    };
  }

  /**
   * One step of all shards that have answered so far. Answers are in the order of shards.
   *
   * Errors: `shards_unavailable` when no shard is left; `manifest_superseded` when a shard has seen a newer manifest; what else the
   * request itself is refused for.
   */
  async ask<Step extends ShardStep>(taskFor: TaskFor<Step>): Promise<Map<number, ShardAnswers[Step]>> {
    const limitMs = this.#options.deadlineMs ?? SHARD_DEADLINE_MS;
    const late = Promise.withResolvers<ShardFailure>();
    const timer = setTimeout(
      () => late.resolve({ code: "shard_timeout", detail: `no answer within ${limitMs} ms` }),
      limitMs,
    );
    try {
      const asked = Array.from(this.#placements.keys()).flatMap((shard) => {
        const task = this.#failures.has(shard) ? undefined : taskFor(shard);
        return task === undefined ? [] : [{ shard, task }];
      });
      const replies = await Promise.all(
        asked.map(async ({ shard, task }) => ({
          shard,
          reply: await Promise.race([this.#askOne(shard, task, limitMs), late.promise]),
        })),
      );
      return this.#answersAmong<Step>(replies);
    } finally {
      clearTimeout(timer);
    }
  }

  async #askOne(shard: number, task: TaskOf<ShardStep>, limitMs: number): Promise<ShardAnswer | ShardFailure> {
    const { shards, manifest } = this.#options;
    const { index, version, commitId } = manifest;
    const segmentIds = this.#placements[shard]?.segmentIds ?? [];
    try {
      const reply = await shards.ask(shard, { index, version, commitId, segmentIds, task, limitMs });
      return "answer" in reply ? reply.answer : reply.failure;
    } catch (error) {
      logError("a shard could not be asked", { index, shard, causes: describeCauses(error) });
      return { code: "shards_unavailable", detail: "the shard cannot be reached" };
    }
  }

  #answersAmong<Step extends ShardStep>(
    replies: readonly { shard: number; reply: ShardAnswer | ShardFailure }[],
  ): Map<number, ShardAnswers[Step]> {
    const answers = new Map<number, ShardAnswers[Step]>();
    for (const { shard, reply } of replies) {
      if ("code" in reply) {
        if (ERROR_STATUS[reply.code] < 500) throw toError(reply);
        this.#failures.set(shard, reply);
      } else {
        // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a shard answers a step by the answer of that step
        answers.set(shard, reply as ShardAnswers[Step]);
      }
    }
    if (this.#failures.size > 0 && this.#failures.size === this.total) throw this.#noneAnswered();
    return answers;
  }

  #reasons(): PartialAnswer["reasons"] {
    const failures = [...this.#failures].toSorted(([a], [b]) => a - b);
    return failures.map(([shard, failure]) => ({ shard, ...failure }));
  }

  #noneAnswered(): MaxleafError {
    const reasons = this.#reasons();
    const message = `none of the ${reasons.length} shards of index ${quote(this.#options.manifest.index)} answered; the first: ${reasons[0]?.detail}`;
    return new MaxleafError("shards_unavailable", message, { details: { reasons } });
  }
}
