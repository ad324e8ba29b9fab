/**
 * What the shards of an index did for one search, as one account.
 *
 * @module
 */
import type { SearchPerformance, SearchResult, StepCost } from "../../shared/engine/contract.ts";

/** A search's result with how many shards were asked for it. */
export type ShardedResult = Omit<SearchResult, "performance"> & { performance: SearchPerformance & { shards: number } };

/** By shard, what each of its steps cost. */
export type ShardCosts = Map<number, (SearchPerformance | StepCost)[]>;

/** Work of all shards together, */
const SUMMED = [
  "pagesSearched",
  "candidates",
  "exactPages",
  "cellsRead",
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

type Merged = "candidateSource" | "path" | "nprobe" | "accuracy" | (typeof SUMMED)[number] | (typeof LONGEST)[number];

/** Of all shards; the steps of one follow each other. */
export function mergeCosts(costs: ShardCosts): Pick<SearchPerformance, Merged> {
  const ofShards = [...costs.values()];
  const searches = ofShards.flatMap((steps) => steps.flatMap((step) => ("candidateSource" in step ? [step] : [])));
  const accuracies = searches.flatMap(({ accuracy }) => (accuracy === undefined ? [] : [accuracy]));
  const stepsOf = (steps: readonly Partial<SearchPerformance>[], field: (typeof SUMMED | typeof LONGEST)[number]) =>
    steps.reduce((sum, step) => sum + (step[field] ?? 0), 0);
  const ofShard = (field: (typeof SUMMED | typeof LONGEST)[number]) => ofShards.map((steps) => stepsOf(steps, field));
  return {
    path: "sharded",
    candidateSource: searches[0]?.candidateSource ?? "bags",
    nprobe: undefined,
    accuracy: accuracies.length === 0 || accuracies.length < searches.length ? undefined : Math.min(...accuracies),
    ...mapFields(SUMMED, (field) => ofShard(field).reduce((sum, value) => sum + value, 0)),
    ...mapFields(LONGEST, (field) => Math.max(0, ...ofShard(field))),
  };
}

function mapFields<Field extends string>(
  fields: readonly Field[],
  valueOf: (field: Field) => number,
): Record<Field, number> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- fromEntries forgets the keys it was given
  return Object.fromEntries(fields.map((field) => [field, valueOf(field)])) as Record<Field, number>;
}
