/**
 * What a search settles before it looks for pages, and what it tells of itself afterwards.
 *
 * @module
 */
import { MaxleafError, quote } from "../errors.ts";
import type { CandidateSource, EncodedQuery, SearchMode, SearchRequest, SearchResult } from "./contract.ts";
import { selectPages } from "./filter.ts";
import { modeOf, usualMode } from "./lexical/mode.ts";
import type { LexicalRanking } from "./lexical/score-terms.ts";
import { SegmentLookup } from "./open/segment-lookup.ts";
import { planSearch, PRUNED_UNWANTED_BYTES, type SearchPlan } from "./plan.ts";
import { checkCounts, checkQuery } from "./query-check.ts";
import { ReadSession } from "./read-session.ts";
import type { EngineParts } from "./search.ts";
import type { PageSelection } from "./selection.ts";
import type { IndexSnapshot } from "./snapshot.ts";
import { StageTimes } from "./stage-times.ts";

export interface SearchWork extends EngineParts {
  request: SearchRequest;
  mode: SearchMode;
  plan: SearchPlan;
  snapshot: IndexSnapshot;
  selection: PageSelection;
  session: ReadSession;
  times: StageTimes;
}

/** Errors: `invalid_request`, `invalid_filter`; those of reading. */
export async function beginSearch(
  snapshot: IndexSnapshot,
  request: SearchRequest,
  parts: EngineParts,
): Promise<SearchWork> {
  const times = new StageTimes(parts.nowMs);
  checkCounts(request);
  const session = beginReading(snapshot, parts);
  const selection = await selectPages(snapshot, request.filter, new SegmentLookup(snapshot, session.store));
  const mode = modeOf(request, snapshot.manifest, usualMode(snapshot, request.text));
  const plan = planOf(request, mode, snapshot, selection);
  return { ...parts, request, mode, plan, snapshot, selection, session, times };
}

/** The reads of one search of `snapshot`. */
export function beginReading({ holding }: IndexSnapshot, { store, hedging }: EngineParts): ReadSession {
  const unwantedBytes = holding === "heads" ? PRUNED_UNWANTED_BYTES : undefined;
  return new ReadSession(store, { hedging, unwantedBytes });
}

/** Settings of vectors do nothing for a search by words alone. */
function planOf(
  request: SearchRequest,
  mode: SearchMode,
  { manifest, holding }: IndexSnapshot,
  selection: PageSelection,
): SearchPlan {
  const { interaction } = manifest.recipe;
  const context = { matchedPages: selection.pageCount, interaction, holding, calibration: manifest.calibration };
  if (mode !== "lexical") return planSearch(request, context);
  const { k } = request;
  return { ...planSearch({ k }, context), candidates: 0, exact: 0, nprobe: 0, accuracy: undefined };
}

/**
 * The question's vectors, once they are there. Errors: `invalid_request` when there will be none; `recipe_mismatch`, `empty_query`,
 * `query_too_long`; those of whoever makes them.
 */
export async function vectorsOf({ request, mode, snapshot, times }: SearchWork): Promise<EncodedQuery> {
  if (request.query === undefined) {
    throw new MaxleafError("invalid_request", `mode ${quote(mode)} needs the question's vectors, not only its text`);
  }
  const query = await times.waitFor(request.query);
  checkQuery(query, snapshot.manifest);
  return query;
}

/** What a search came to. */
export interface Found extends Pick<SearchResult, "hits" | "tokens"> {
  cellsRead: number;
  /** Pages that were ranked by their vectors; by words alone, those that were found. */
  candidates: number;
  lexical: LexicalRanking | undefined;
}

/** `found` with all that the search cost. */
export function resultOf({ hits, tokens, cellsRead, candidates, lexical }: Found, work: SearchWork): SearchResult {
  const { plan, mode, snapshot, selection, session, times } = work;
  return {
    hits,
    tokens,
    pagesMatched: selection.pageCount,
    manifestVersion: snapshot.manifest.version,
    performance: {
      mode,
      path: snapshot.holding === "heads" ? "pruned" : "resident",
      candidateSource: sourceOf(work),
      nprobe: plan.nprobe === 0 ? undefined : plan.nprobe,
      accuracy: plan.accuracy,
      cellsRead,
      terms: lexical?.terms ?? 0,
      termsLeftOut: lexical?.termsLeftOut ?? 0,
      pagesSearched: selection.pageCount,
      candidates,
      exactPages: plan.exact,
      ...session.counts,
      ...times.report(),
    },
  };
}

function sourceOf({ mode, plan, selection, snapshot }: SearchWork): CandidateSource {
  if (mode === "lexical") return "words";
  if (takesAll(plan, selection)) return "all";
  return snapshot.holding === "bags" ? "bags" : "lists";
}

/** Whether every page that may be returned is a candidate, so that nothing has to find them. */
export function takesAll(plan: SearchPlan, selection: PageSelection): boolean {
  return plan.exhaustive || plan.candidates >= selection.pageCount;
}
