/**
 * Between the API's bodies and the engine's types.
 *
 * @module
 */
import type { HitBody, SearchRequestBody, SearchResponseBody } from "../../shared/api/search.ts";
import type { PageHit, SearchFilter, SearchResult, TokenMatch } from "../../shared/engine/contract.ts";
import type { PartialAnswer } from "../shards/ask-shards.ts";
import type { ShardedResult } from "../shards/merge.ts";
import { pageUrls } from "../routes/page-urls.ts";

/** The request's filter as the engine takes it: every field with a list of values. */
export function toSearchFilter(filter: SearchRequestBody["filter"]): SearchFilter | undefined {
  if (filter === undefined) return undefined;
  const fields = Object.entries(filter.metadata ?? {}).map(
    ([field, value]) => [field, Array.isArray(value) ? value : [value]] as const,
  );
  return {
    documents: filter.documents,
    metadata: filter.metadata === undefined ? undefined : Object.fromEntries(fields),
  };
}

/** What was asked, as it was understood. */
export interface AskedQuestion {
  index: string;
  recipe: string;
  query: string;
}

export interface RequestTimings {
  encodeMs: number;
  encodeCached: boolean;
  totalMs: number;
}

/** The response body of a search. */
export function toSearchResponse(
  asked: AskedQuestion,
  result: SearchResult | ShardedResult,
  timings: RequestTimings,
  partial?: PartialAnswer,
): SearchResponseBody {
  const { totalMs: searchMs, ...engine } = result.performance;
  return {
    ...asked,
    manifestVersion: result.manifestVersion,
    tokens: result.tokens,
    hits: result.hits.map((hit, position) => toHitBody(asked.index, hit, position + 1)),
    pagesMatched: result.pagesMatched,
    ...(partial === undefined ? {} : { partial }),
    performance: { ...engine, ...timings, searchMs },
  };
}

function toHitBody(index: string, hit: PageHit, rank: number): HitBody {
  return {
    rank,
    score: hit.score,
    ...(hit.scores === undefined ? {} : { scores: hit.scores }),
    ...(hit.lengthPenalty === undefined ? {} : { lengthPenalty: hit.lengthPenalty }),
    document: { id: hit.documentId, name: hit.documentName, pageCount: hit.pageCount, metadata: hit.metadata },
    page: hit.pageNumber,
    width: hit.width,
    height: hit.height,
    ...pageUrls(index, hit.documentId, hit.pageNumber, hit.revision),
    snippet: hit.snippet,
    ...(hit.textSource === undefined ? {} : { textSource: hit.textSource }),
    matches: hit.matches.map(toMatchBody),
  };
}

function toMatchBody(match: TokenMatch): HitBody["matches"][number] {
  return {
    token: match.token,
    score: match.score,
    ...(match.text === undefined ? {} : { text: match.text }),
    ...(match.box === undefined ? {} : { box: match.box }),
    ...(match.inDocumentName === undefined ? {} : { inDocumentName: match.inDocumentName }),
  };
}
