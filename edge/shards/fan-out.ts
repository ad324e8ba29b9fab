/**
 * One search over all shards of an index: asked side by side, each answer within a time limit, merged. A shard that gives
 * none makes the answer a partial one, which says so.
 *
 * Every shard keeps as many candidates as one isolate would over the whole index, so what is merged was looked at at least
 * as deeply.
 *
 * @module
 */
import type { SearchFilter } from "../../shared/engine/contract.ts";
import { checkFilterFields, declaredFields } from "../../shared/engine/filterable-fields.ts";
import { vectorMode } from "../../shared/engine/lexical/mode.ts";
import { ERROR_STATUS, MaxleafError, quote } from "../../shared/errors.ts";
import type { Manifest } from "../../shared/format/manifest.ts";
import { describeCauses, logError } from "../http/log.ts";
import { mergeAnswers, type ShardedResult } from "./merge.ts";
import { placeShards, type ShardPlacement } from "./placement.ts";
import { type ShardAnswer, type ShardCaller, type ShardFailure, type ShardRequest, toError } from "./protocol.ts";

/**
 * How long a shard may take. A warm one answers in tens of milliseconds. A cold one of 64 MiB opens in about 0.8 s where a read
 * takes 63 ms and a connection 50 MB/s: manifest, codebook, then two reads for each of seven segments, six at a time. One
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

export interface FanOutOptions {
  shards: ShardCaller;
  manifest: Manifest;
  search: ShardRequest["search"];
  deadlineMs?: number | undefined;
  /** Memory of a shard; tests make it small. */
  memoryBytes?: number | undefined;
}

export interface ShardedSearch {
  result: ShardedResult;
  partial: PartialAnswer | undefined;
}

interface Outcome {
  shard: number;
  placement: ShardPlacement;
  reply: ShardAnswer | ShardFailure;
}

/**
 * Errors: `shards_unavailable` when none answered; `manifest_superseded` when a shard has seen a newer manifest;
 * `path_unavailable`, `invalid_filter`, and what else the request itself is refused for.
 */
export async function searchShards(options: FanOutOptions): Promise<ShardedSearch> {
  const { manifest, search } = options;
  const startedAtMs = performance.now();
  checkFilterFields(search.filter, manifest);
  const outcomes = await askShards(options);
  const failures = outcomes.flatMap(({ shard, reply }) => ("code" in reply ? [{ shard, ...reply }] : []));
  const refusal = failures.find(({ code }) => ERROR_STATUS[code] < 500);
  if (refusal !== undefined) throw toError(refusal);
  if (failures.length > 0 && failures.length === outcomes.length) throw noneAnswered(manifest, failures);

  const answers = outcomes.flatMap(({ reply }) => ("code" in reply ? [] : [reply]));
  // What a shard that failed would have known cannot be called unknown.
  if (failures.length === 0) refuseUnknown(answers, manifest, search.filter);
  const totalMs = performance.now() - startedAtMs;
  return {
    result: mergeAnswers(answers, {
      k: search.k,
      mode: vectorMode(manifest.recipe),
      version: manifest.version,
      shards: outcomes.length,
      totalMs,
    }),
    partial: failures.length === 0 ? undefined : partialOf(outcomes, failures),
  };
}

async function askShards({ shards, manifest, search, deadlineMs, memoryBytes }: FanOutOptions): Promise<Outcome[]> {
  const { index, version, commitId } = manifest;
  const limitMs = deadlineMs ?? SHARD_DEADLINE_MS;
  const late = Promise.withResolvers<ShardFailure>();
  const timer = setTimeout(
    () => late.resolve({ code: "shard_timeout", detail: `no answer within ${limitMs} ms` }),
    limitMs,
  );
  try {
    return await Promise.all(
      placeShards(manifest, memoryBytes).map(async (placement, shard): Promise<Outcome> => {
        const request = { index, version, commitId, segmentIds: placement.segmentIds, search, limitMs };
        return { shard, placement, reply: await Promise.race([ask(shards, shard, request), late.promise]) };
      }),
    );
  } finally {
    clearTimeout(timer);
  }
}

async function ask(shards: ShardCaller, shard: number, request: ShardRequest): Promise<ShardAnswer | ShardFailure> {
  try {
    const reply = await shards.search(shard, request);
    return "answer" in reply ? reply.answer : reply.failure;
  } catch (error) {
    logError("a shard could not be asked", { index: request.index, shard, causes: describeCauses(error) });
    return { code: "shards_unavailable", detail: "the shard cannot be reached" };
  }
}

function partialOf(outcomes: readonly Outcome[], reasons: PartialAnswer["reasons"]): PartialAnswer {
  const failed = new Set(reasons.map(({ shard }) => shard));
  return {
    shardsFailed: failed.size,
    shardsTotal: outcomes.length,
    pagesNotSearched: outcomes
      .filter(({ shard }) => failed.has(shard))
      .reduce((sum, { placement }) => sum + placement.searchablePages, 0),
    reasons,
  };
}

function noneAnswered(manifest: Manifest, reasons: PartialAnswer["reasons"]): MaxleafError {
  const [first] = reasons;
  const message = `none of the ${reasons.length} shards of index ${quote(manifest.index)} answered; the first: ${first?.detail}`;
  return new MaxleafError("shards_unavailable", message, { details: { reasons } });
}

/** Errors: `invalid_filter` for a name that no shard knows, as an index in one isolate gives it. */
function refuseUnknown(answers: readonly ShardAnswer[], manifest: Manifest, filter: SearchFilter | undefined): void {
  for (const id of filter?.documents ?? []) {
    if (answers.some(({ unknown }) => !unknown.documents.includes(id))) continue;
    throw new MaxleafError("invalid_filter", `the filter names document ${quote(id)}, which the index does not have`);
  }
  const fields = declaredFields(manifest) === undefined ? Object.keys(filter?.metadata ?? {}) : [];
  for (const field of fields) {
    if (answers.some(({ unknown }) => !unknown.fields.includes(field))) continue;
    throw new MaxleafError("invalid_filter", `the filter names field ${quote(field)}, which no document has`);
  }
}
