/**
 * One search, from encoded query to hits, over one snapshot.
 *
 * @module
 */
import type { Kernel, KernelCodebook } from "../kernel/kernel.ts";
import { KernelQuery } from "../kernel/kernel-query.ts";
import { QueryTables } from "../kernel/query-tables.ts";
import type { HedgePolicy } from "../store/hedge-policy.ts";
import type { ObjectStore } from "../store/object-store.ts";
import { candidatesFromBags } from "./candidates/from-bags.ts";
import { candidatesFromLists, type ListCandidates } from "./candidates/from-lists.ts";
import type { CandidateSource, PageHit, SearchMode, SearchRequest, SearchResult } from "./contract.ts";
import { selectPages } from "./filter.ts";
import type { PageSelection } from "./selection.ts";
import { bareHits, fullHits } from "./hits.ts";
import { fusePages, pagesByWords, withPagesByWords } from "./lexical/mode-ranking.ts";
import { fusionFor, modeOf, usualMode, wordCandidates } from "./lexical/mode.ts";
import { type LexicalRanking, rankByTerms } from "./lexical/score-terms.ts";
import type { TermCache } from "./lexical/term-cache.ts";
import { SegmentLookup } from "./open/segment-lookup.ts";
import { planSearch, PRUNED_UNWANTED_BYTES, type SearchPlan } from "./plan.ts";
import type { Holding } from "./planner/holding.ts";
import { needsAllRows } from "./planner/rows.ts";
import { checkCounts, checkQuery } from "./query-check.ts";
import { ReadSession } from "./read-session.ts";
import type { RecordCaches } from "./record-cache.ts";
import { rankByCodes, rankByVectors, type RankedPage, unranked } from "./rerank.ts";
import { ReleaseStack } from "./shared-resident.ts";
import type { IndexSnapshot } from "./snapshot.ts";
import { StageTimes } from "./stage-times.ts";

/** What an opened index lends to its searches. */
export interface EngineParts {
  kernel: Kernel;
  store: ObjectStore;
  /** The isolate's; undefined: slow reads are not asked for twice. */
  hedging: HedgePolicy | undefined;
  caches: RecordCaches;
  terms: TermCache;
  /** Milliseconds from any start. */
  nowMs: () => number;
}

/**
 * Searches `snapshot`, which the caller keeps retained meanwhile.
 *
 * Errors: `invalid_request`, `invalid_filter`, `empty_query`, `query_too_long`, `recipe_mismatch`, `overloaded`, and what
 * reading gives (`corrupt_data`, `store_unavailable`).
 */
export async function searchSnapshot(
  snapshot: IndexSnapshot,
  request: SearchRequest,
  parts: EngineParts,
): Promise<SearchResult> {
  const times = new StageTimes(parts.nowMs);
  const { manifest, holding } = snapshot;
  checkQuery(request.query, manifest);
  checkCounts(request);
  const unwantedBytes = holding === "heads" ? PRUNED_UNWANTED_BYTES : undefined;
  const session = new ReadSession(parts.store, { hedging: parts.hedging, unwantedBytes });
  const selection = await selectPages(snapshot, request.filter, new SegmentLookup(snapshot, session.store));
  const mode = modeOf(request, manifest, usualMode(snapshot, request.text));
  const plan = planOf(request, mode, snapshot, selection);
  const codebook = snapshot.codebook?.value;
  const { hits, cellsRead, candidates, lexical } =
    codebook === undefined || plan.hits === 0
      ? NOTHING
      : await findHits(request, plan, { ...parts, mode, snapshot, codebook, selection, session, times });
  return {
    hits,
    pagesMatched: selection.pageCount,
    manifestVersion: manifest.version,
    performance: {
      mode,
      path: holding === "heads" ? "pruned" : "resident",
      candidateSource: mode === "lexical" ? "words" : sourceOf(plan, selection, holding),
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

function sourceOf(plan: SearchPlan, selection: PageSelection, holding: Holding): CandidateSource {
  if (takesAll(plan, selection)) return "all";
  return holding === "bags" ? "bags" : "lists";
}

interface SearchWork extends EngineParts {
  mode: SearchMode;
  snapshot: IndexSnapshot;
  codebook: KernelCodebook;
  selection: PageSelection;
  session: ReadSession;
  times: StageTimes;
}

interface Found {
  hits: PageHit[];
  cellsRead: number;
  /** Pages that were ranked by their vectors; by words alone, those that were found. */
  candidates: number;
  lexical: LexicalRanking | undefined;
}

const NOTHING: Found = { hits: [], cellsRead: 0, candidates: 0, lexical: undefined };

async function findHits(request: SearchRequest, plan: SearchPlan, work: SearchWork): Promise<Found> {
  const { kernel, times } = work;
  const { vectors, tokenCount, dim } = request.query;
  const held = new ReleaseStack();
  try {
    const query = held.use(new KernelQuery(kernel, vectors, tokenCount, dim));
    const tables = held.use(tablesFor(query, plan, work));
    const { ranked, cellsRead, lexical } = await rankPages(request.text ?? "", plan, tables, work);
    const shown = ranked.slice(0, plan.hits);
    const hits = await times.runAsync("hits", () =>
      request.bare === true ? bareHits(shown, work) : fullHits(shown, request.query, tables, work, lexical?.weights),
    );
    return { hits, cellsRead, candidates: ranked.length, lexical };
  } finally {
    held.release();
  }
}

function tablesFor(
  query: KernelQuery,
  plan: SearchPlan,
  { mode, snapshot, selection, codebook }: SearchWork,
): QueryTables {
  // Of pages found by words, only what is shown is scored.
  if (mode === "lexical") return QueryTables.onDemand(query, codebook);
  const finds = !takesAll(plan, selection);
  const scansBags = finds && snapshot.holding === "bags";
  const probes = finds && !scansBags;
  const needsAll = scansBags || needsAllRows(snapshot.manifest, plan, { tokenCount: query.tokenCount, probes });
  // Exact vectors alone need no row.
  return needsAll && !plan.exhaustive ? QueryTables.forAll(query, codebook) : QueryTables.onDemand(query, codebook);
}

interface Ranking {
  ranked: RankedPage[];
  cellsRead: number;
  lexical: LexicalRanking | undefined;
}

async function rankPages(text: string, plan: SearchPlan, tables: QueryTables, work: SearchWork): Promise<Ranking> {
  const { mode, snapshot, selection, session, times, terms: cache } = work;
  const findByWords = async (limit: number): Promise<LexicalRanking> =>
    await times.runAsync("lexical", () => rankByTerms(text, selection, limit, { snapshot, session, cache }));
  if (mode === "lexical") {
    const lexical = await findByWords(plan.hits);
    return { ranked: pagesByWords(lexical, snapshot), cellsRead: 0, lexical };
  }
  if (mode !== "hybrid") return await rankByTheVectors(plan, tables, work, undefined);
  // Begun first, so that words are read while candidates are looked for.
  const byWords = findByWords(wordCandidates(plan.hits, snapshot.holding));
  const { ranked, cellsRead, lexical } = await rankByTheVectors(plan, tables, work, byWords);
  const fused = lexical === undefined ? ranked : fusePages(ranked, lexical, fusionFor(snapshot.manifest.recipe));
  return { ranked: fused, cellsRead, lexical };
}

/** @param byWords what is found by words, to be ranked as well. */
async function rankByTheVectors(
  plan: SearchPlan,
  tables: QueryTables,
  work: SearchWork,
  byWords: Promise<LexicalRanking> | undefined,
): Promise<Ranking> {
  const { snapshot, times } = work;
  const [{ positions, cellsRead }, lexical] = await Promise.all([findCandidates(plan, tables, work), byWords]);
  const pages = unranked(withPagesByWords(positions, lexical), snapshot);
  const kept = lexical === undefined ? Math.max(plan.exact, plan.hits) : pages.length;
  const byCodes = plan.exhaustive ? pages : await rankByCodes(pages, kept, tables, work);
  const ranked = await times.runAsync("exact", () => rankByVectors(byCodes, plan, tables, work));
  return { ranked, cellsRead, lexical };
}

async function findCandidates(plan: SearchPlan, tables: QueryTables, work: SearchWork): Promise<ListCandidates> {
  const { snapshot, selection, session, times } = work;
  if (takesAll(plan, selection)) return { positions: selectedPositions(snapshot, selection), cellsRead: 0 };
  if (snapshot.holding === "bags") {
    return { positions: candidatesFromBags(snapshot, selection, tables, plan.candidates, times), cellsRead: 0 };
  }
  const found = await candidatesFromLists(snapshot, selection, tables, plan, { store: session.store, times });
  if (found.positions.length >= plan.hits) return found;
  // Pages on no list that was looked at: better some than fewer than were asked for.
  const known = new Set(found.positions);
  const others = selectedPositions(snapshot, selection).filter((position) => !known.has(position));
  return { ...found, positions: [...found.positions, ...others.slice(0, plan.hits - known.size)] };
}

/** Whether every page that may be returned is a candidate, so that nothing has to find them. */
function takesAll(plan: SearchPlan, selection: PageSelection): boolean {
  return plan.exhaustive || plan.candidates >= selection.pageCount;
}

function selectedPositions(snapshot: IndexSnapshot, selection: PageSelection): number[] {
  const positions: number[] = [];
  for (const segment of snapshot.scanned) {
    const mask = selection.masks.get(segment);
    if (mask === undefined) continue;
    // Most of a million pages may be left out: `indexOf` passes over them natively.
    for (let page = mask.indexOf(1); page !== -1; page = mask.indexOf(1, page + 1)) {
      positions.push(segment.firstPosition + page);
    }
  }
  return positions;
}
