/**
 * The answers of an index's shards as one.
 *
 * @module
 */
import type { SearchMode, SearchPerformance, SearchResult } from "../../shared/engine/contract.ts";
import type { ShardAnswer } from "./protocol.ts";

/** A search's result with how many shards were asked for it. */
export type ShardedResult = Omit<SearchResult, "performance"> & { performance: SearchPerformance & { shards: number } };

export interface MergeOptions {
  k: number;
  /** Shards rank by vectors only. */
  mode: SearchMode;
  /** Of the manifest that was searched. */
  version: number;
  /** Asked, with or without an answer. */
  shards: number;
  /** From the first question to the last answer. */
  totalMs: number;
}

/** Work of all shards together, */
const SUMMED = [
  "pagesSearched",
  "candidates",
  "exactPages",
  "cellsRead",
  "terms",
  "termsLeftOut",
  "reads",
  "bytesRead",
  "hedgedReads",
  "cacheHits",
  "storeCacheHits",
] as const;
/** and what they did side by side: the longest counts. */
const LONGEST = [
  "serialReadWaves",
  "serialHops",
  "lexicalMs",
  "tablesMs",
  "candidatesMs",
  "rerankMs",
  "exactMs",
  "hitsMs",
] as const;

/** `answers` in the order of their shards. Equal scores are ordered as one isolate would: by the manifest's order of segments. */
export function mergeAnswers(
  answers: readonly ShardAnswer[],
  { k, mode, version, shards, totalMs }: MergeOptions,
): ShardedResult {
  const results = answers.flatMap(({ result }) => (result === undefined ? [] : [result]));
  const costs = results.map((result) => result.performance);
  const accuracies = costs.flatMap(({ accuracy }) => (accuracy === undefined ? [] : [accuracy]));
  const total = (field: (typeof SUMMED)[number]) => costs.reduce((sum, cost) => sum + cost[field], 0);
  const longest = (field: (typeof LONGEST)[number]) => Math.max(0, ...costs.map((cost) => cost[field]));
  return {
    // A stable sort: within a shard, and among shards, what comes first stays first.
    hits: results
      .flatMap(({ hits }) => hits)
      .toSorted((a, b) => b.score - a.score)
      .slice(0, k),
    pagesMatched: results.reduce((sum, { pagesMatched }) => sum + pagesMatched, 0),
    manifestVersion: version,
    performance: {
      mode,
      path: "sharded",
      candidateSource: costs[0]?.candidateSource ?? "bags",
      nprobe: undefined,
      accuracy: accuracies.length === 0 || accuracies.length < costs.length ? undefined : Math.min(...accuracies),
      ...mapFields(SUMMED, total),
      ...mapFields(LONGEST, longest),
      totalMs,
      shards,
    },
  };
}

function mapFields<Field extends string>(
  fields: readonly Field[],
  valueOf: (field: Field) => number,
): Record<Field, number> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- fromEntries forgets the keys it was given
  return Object.fromEntries(fields.map((field) => [field, valueOf(field)])) as Record<Field, number>;
}
