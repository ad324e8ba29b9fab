/**
 * What the worker and a shard say to each other. Sent by Durable Object calls, which copy plain values and typed arrays as
 * they are (structured clone); errors travel as values, since a thrown one loses all but its message.
 *
 * @module
 */
import type { SearchRequest, SearchResult } from "../../shared/engine/contract.ts";
import { type ErrorCode, MaxleafError, toMaxleafError } from "../../shared/errors.ts";

/** A search of one part of an index, at one version of its manifest. */
export interface ShardRequest {
  index: string;
  /** The version that the worker placed; the shard answers from exactly this one. */
  version: number;
  /** Of that version: an index that was deleted and made again counts its versions anew. */
  commitId: string;
  /** The shard's segments, in the manifest's order. */
  segmentIds: string[];
  search: Omit<SearchRequest, "path">;
  /** How long the worker waits. */
  limitMs: number;
}

/** Names in a filter that no live document of a part has. Unknown to the index is what every part says so of. */
export interface UnknownNames {
  documents: string[];
  fields: string[];
}

export interface ShardAnswer {
  /** Undefined when no page of the part can pass the filter. */
  result: SearchResult | undefined;
  unknown: UnknownNames;
}

export interface ShardFailure {
  code: ErrorCode;
  detail: string;
}

export type ShardReply = { answer: ShardAnswer } | { failure: ShardFailure };

/** Reaches the shards of indexes. */
export interface ShardCaller {
  /** May reject when the shard cannot be reached. */
  search(shard: number, request: ShardRequest): Promise<ShardReply>;
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
