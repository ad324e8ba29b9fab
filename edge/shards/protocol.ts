/**
 * What the worker and a shard say to each other. Sent by Durable Object calls, which copy plain values and typed arrays as
 * they are (structured clone); errors travel as values, since a thrown one loses all but its message.
 *
 * @module
 */
import type {
  EncodedQuery,
  PageHit,
  PartRanking,
  SearchRequest,
  SearchResult,
  ShownPages,
  StepCost,
  TermCounts,
  VectorSearchRequest,
} from "../../shared/engine/contract.ts";
import { type ErrorCode, MaxleafError, toMaxleafError } from "../../shared/errors.ts";

/**
 * What is asked of a part. A search by vectors is one step, `search`. By words it is two: `count`, then `search` with the weights of
 * all parts. A hybrid one is three, since how scores are fused depends on the best of all: `count`, `rank`, and `show` for the pages
 * that are among the best.
 */
export type ShardTask =
  | { step: "count"; text: string }
  | { step: "search"; search: Omit<SearchRequest, "path" | "query"> & { query: EncodedQuery | undefined } }
  | { step: "rank"; search: Omit<VectorSearchRequest, "path"> }
  | { step: "show"; pages: ShownPages };

/** A task for one part of an index, at one version of its manifest. */
export interface ShardRequest {
  index: string;
  /** The version that the worker placed; the shard answers from exactly this one. */
  version: number;
  /** Of that version: an index that was deleted and made again counts its versions anew. */
  commitId: string;
  /** The shard's segments, in the manifest's order. */
  segmentIds: string[];
  task: ShardTask;
  /** How long the worker waits. */
  limitMs: number;
}

/** Names in a filter that no live document of a part has. Unknown to the index is what every part says so of. */
export interface UnknownNames {
  documents: string[];
  fields: string[];
}

/** Of a step that goes by the filter. */
export interface Filtered<Result> {
  /** Undefined when no page of the part can pass the filter. */
  result: Result | undefined;
  unknown: UnknownNames;
}

export type ShardStep = ShardTask["step"];

/** The task of one step. */
export type TaskOf<Step extends ShardStep> = Extract<ShardTask, { step: Step }>;

/** What each step is answered with. */
export interface ShardAnswers {
  count: { counts: TermCounts; cost: StepCost };
  search: Filtered<SearchResult>;
  rank: Filtered<PartRanking>;
  show: { hits: PageHit[]; cost: StepCost };
}

export type ShardAnswer = ShardAnswers[ShardStep];

export interface ShardFailure {
  code: ErrorCode;
  detail: string;
}

/** The answer is of the kind of the task. */
export type ShardReply = { answer: ShardAnswer } | { failure: ShardFailure };

/** Reaches the shards of indexes. */
export interface ShardCaller {
  /** May reject when the shard cannot be reached. */
  ask(shard: number, request: ShardRequest): Promise<ShardReply>;
}

/** `error` as a shard sends it. */
export function toFailure(error: unknown): ShardFailure {
  const { code, message } = toMaxleafError(error);
  return { code, detail: message };
}

/** The error that `failure` was. */
export function toError({ code, detail }: ShardFailure): MaxleafError {
  return new MaxleafError(code, detail);
}
