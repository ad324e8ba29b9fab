/**
 * One search over all shards of an index, merged.
 *
 * Every shard keeps as many candidates as one isolate would over the whole index, so what is merged was looked at at least
 * as deeply. Words are weighed by the counts of all shards that answer, so that their scores are those of one isolate.
 *
 * @module
 */
import type {
  EncodedQuery,
  SearchFilter,
  SearchMode,
  SearchRequest,
  TermWeighting,
} from "../../shared/engine/contract.ts";
import { checkFilterFields, declaredFields } from "../../shared/engine/filterable-fields.ts";
import { modeOf, modeWithWords, vectorMode } from "../../shared/engine/lexical/mode.ts";
import { questionWords, tokensOfWords } from "../../shared/engine/lexical/question-words.ts";
import { weightingOf } from "../../shared/engine/lexical/term-weighting.ts";
import { MaxleafError, quote } from "../../shared/errors.ts";
import type { Manifest } from "../../shared/format/manifest.ts";
import { type AskOptions, AskedShards, type PartialAnswer } from "./ask-shards.ts";
import { bestOfAll, fuseRankings, type FusedPage, withFusedScores } from "./fuse-rankings.ts";
import { mergeCosts, type ShardCosts, type ShardedResult } from "./merge.ts";
import type { Filtered, UnknownNames } from "./protocol.ts";

/** What is searched for, as it came. */
export interface ShardedQuestion extends Omit<SearchRequest, "path" | "query" | "text" | "bare" | "termWeighting"> {
  text: string;
  /** Its vectors, which are being made; undefined in a search by words alone. */
  query: Promise<EncodedQuery> | undefined;
}

export interface FanOutOptions extends AskOptions {
  search: ShardedQuestion;
}

export interface ShardedSearch {
  result: ShardedResult;
  partial: PartialAnswer | undefined;
}

/** A search under way. */
interface Asking {
  shards: AskedShards;
  manifest: Manifest;
  search: ShardedQuestion;
  costs: ShardCosts;
}

type Found = Pick<ShardedResult, "hits" | "tokens"> & {
  mode: SearchMode;
  answers: Filtered<{ pagesMatched: number }>[];
};

/**
 * Errors: `shards_unavailable` when none answered; `manifest_superseded` when a shard has seen a newer manifest;
 * `path_unavailable`, `invalid_filter`, and what else the request itself is refused for.
 */
export async function searchShards(options: FanOutOptions): Promise<ShardedSearch> {
  const { manifest, search } = options;
  const startedAtMs = performance.now();
  checkFilterFields(search.filter, manifest);
  const asking: Asking = { manifest, search, shards: new AskedShards(options), costs: new Map() };
  const words = await weighWords(asking);
  const { hits, tokens, mode, answers } = await findHits(asking, words);
  const { partial, total } = asking.shards;
  // What a shard that failed would have known cannot be called unknown.
  if (partial === undefined) {
    const unknown = answers.map((answer) => answer.unknown);
    refuseUnknown(unknown, manifest, search.filter);
  }
  return {
    result: {
      hits,
      tokens,
      pagesMatched: answers.reduce((sum, { result }) => sum + (result?.pagesMatched ?? 0), 0),
      manifestVersion: manifest.version,
      performance: {
        ...mergeCosts(asking.costs),
        mode,
        terms: words?.terms ?? 0,
        termsLeftOut: words === undefined ? 0 : words.terms - words.weighting.found.size,
        totalMs: performance.now() - startedAtMs,
        shards: total,
      },
    },
    partial,
  };
}

/** What the question's words weigh in the whole index. */
interface WeighedWords {
  weighting: TermWeighting;
  /** Different terms. */
  terms: number;
}

/** Undefined in a search by vectors alone. Errors: `path_unavailable` for a mode by words where they are not indexed. */
async function weighWords({ shards, manifest, search, costs }: Asking): Promise<WeighedWords | undefined> {
  const { text } = search;
  const mode = modeOf(search, manifest, modeWithWords(manifest.recipe));
  if (mode !== "lexical" && mode !== "hybrid") return undefined;
  try {
    const [answers] = await Promise.all([shards.ask<"count">(() => ({ step: "count", text })), search.query]);
    for (const [shard, { cost }] of answers) book(costs, shard, cost);
    const counts = Array.from(answers.values(), (answer) => answer.counts);
    return { weighting: weightingOf(counts), terms: counts[0]?.terms.length ?? 0 };
  } catch (error) {
    if (!(error instanceof MaxleafError) || error.code !== "path_unavailable") throw error;
    if (search.mode === undefined) return undefined;
    throw new MaxleafError(
      "path_unavailable",
      `segments of index ${quote(manifest.index)} are without an index of their words: mode ${quote(mode)} is not searched over shards; \`maxleaf retrain\` writes them anew, and path "pruned" does without shards`,
      { cause: error },
    );
  }
}

async function findHits(asking: Asking, words: WeighedWords | undefined): Promise<Found> {
  const { manifest, search } = asking;
  if (words !== undefined && search.mode === "lexical") return await findByWords(asking, words);
  if (search.query === undefined) throw new MaxleafError("internal", "a search by vectors came without any");
  const query = await search.query;
  if (words !== undefined) return await findByBoth(asking, words, query);
  const mode = vectorMode(manifest.recipe);
  return { mode, tokens: query.tokens, ...(await searchAll(asking, { ...search, query, mode })) };
}

async function findByWords(asking: Asking, { weighting: termWeighting }: WeighedWords): Promise<Found> {
  const { search } = asking;
  const tokens = tokensOfWords(questionWords(search.text));
  const mode = "lexical";
  return { mode, tokens, ...(await searchAll(asking, { ...search, query: undefined, mode, termWeighting })) };
}

/** Asks every shard for the best that it has, and takes the best of all. */
async function searchAll(
  { shards, search: { k }, costs }: Asking,
  search: Omit<ShardedQuestion, "query"> & { query: EncodedQuery | undefined; termWeighting?: TermWeighting },
): Promise<Pick<Found, "hits" | "answers">> {
  const answers = await shards.ask<"search">(() => ({ step: "search", search }));
  for (const [shard, { result }] of answers) if (result !== undefined) book(costs, shard, result.performance);
  const found = [...answers.values()];
  return {
    answers: found,
    hits: bestOfAll(
      found.map(({ result }) => result?.hits ?? []),
      k,
    ),
  };
}

/** Fuses the scores of all shards' pages, and asks each shard to show those of its that are among the best. */
async function findByBoth(
  { shards, manifest, search, costs }: Asking,
  { weighting: termWeighting }: WeighedWords,
  query: EncodedQuery,
): Promise<Found> {
  const { text } = search;
  const asked = { ...search, query, mode: "hybrid", termWeighting } as const;
  const answers = await shards.ask<"rank">(() => ({ step: "rank", search: asked }));
  for (const [shard, { result }] of answers) if (result !== undefined) book(costs, shard, result.performance);
  const rankings = Array.from(answers, ([shard, { result }]) => ({ shard, pages: result?.pages ?? [] }));
  const best = fuseRankings(rankings, manifest.recipe, search.k);
  const pagesOf = (shard: number): FusedPage[] => best.filter((page) => page.shard === shard);
  const shown = await shards.ask<"show">((shard) => {
    const pages = pagesOf(shard).map(({ page }) => page);
    return pages.length === 0 ? undefined : { step: "show", pages: { query, text, termWeighting, pages } };
  });
  for (const [shard, { cost }] of shown) book(costs, shard, cost);
  const hits = new Map(Array.from(shown, ([shard, answer]) => [shard, answer.hits]));
  return { mode: "hybrid", tokens: query.tokens, hits: withFusedScores(best, hits), answers: [...answers.values()] };
}

function book(costs: ShardCosts, shard: number, cost: Parameters<ShardCosts["set"]>[1][number]): void {
  const known = costs.get(shard);
  if (known === undefined) costs.set(shard, [cost]);
  else known.push(cost);
}

/** Errors: `invalid_filter` for a name that no shard knows, as an index in one isolate gives it. */
function refuseUnknown(answers: readonly UnknownNames[], manifest: Manifest, filter: SearchFilter | undefined): void {
  for (const id of filter?.documents ?? []) {
    if (answers.some(({ documents }) => !documents.includes(id))) continue;
    throw new MaxleafError("invalid_filter", `the filter names document ${quote(id)}, which the index does not have`);
  }
  const named = declaredFields(manifest) === undefined ? Object.keys(filter?.metadata ?? {}) : [];
  for (const field of named) {
    if (answers.some(({ fields }) => !fields.includes(field))) continue;
    throw new MaxleafError("invalid_filter", `the filter names field ${quote(field)}, which no document has`);
  }
}
