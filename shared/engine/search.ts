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
import type { CandidateSource, PageHit, SearchRequest, SearchResult } from "./contract.ts";
import { selectPages } from "./filter.ts";
import type { PageSelection } from "./selection.ts";
import { bareHits, fullHits } from "./hits.ts";
import { SegmentLookup } from "./open/segment-lookup.ts";
import { planSearch, type SearchPlan } from "./plan.ts";
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
  const session = new ReadSession(parts.store, { hedging: parts.hedging });
  const selection = await selectPages(snapshot, request.filter, new SegmentLookup(snapshot, session.store));
  const plan = planSearch(request, {
    matchedPages: selection.pageCount,
    interaction: manifest.recipe.interaction,
    holding,
    calibration: manifest.calibration,
  });
  const codebook = snapshot.codebook?.value;
  const { hits, cellsRead } =
    codebook === undefined || plan.hits === 0
      ? { hits: [], cellsRead: 0 }
      : await findHits(request, plan, { ...parts, snapshot, codebook, selection, session, times });
  return {
    hits,
    pagesMatched: selection.pageCount,
    manifestVersion: manifest.version,
    performance: {
      path: holding === "heads" ? "pruned" : "resident",
      candidateSource: sourceOf(plan, selection, holding),
      nprobe: plan.nprobe === 0 ? undefined : plan.nprobe,
      accuracy: plan.accuracy,
      cellsRead,
      pagesSearched: selection.pageCount,
      candidates: plan.candidates,
      exactPages: plan.exact,
      ...session.counts,
      ...times.report(),
    },
  };
}

function sourceOf(plan: SearchPlan, selection: PageSelection, holding: Holding): CandidateSource {
  if (takesAll(plan, selection)) return "all";
  return holding === "bags" ? "bags" : "lists";
}

interface SearchWork extends EngineParts {
  snapshot: IndexSnapshot;
  codebook: KernelCodebook;
  selection: PageSelection;
  session: ReadSession;
  times: StageTimes;
}

interface Found {
  hits: PageHit[];
  cellsRead: number;
}

async function findHits(request: SearchRequest, plan: SearchPlan, work: SearchWork): Promise<Found> {
  const { kernel, times } = work;
  const { vectors, tokenCount, dim } = request.query;
  const held = new ReleaseStack();
  try {
    const query = held.use(new KernelQuery(kernel, vectors, tokenCount, dim));
    const tables = held.use(tablesFor(query, plan, work));
    const { ranked, cellsRead } = plan.exhaustive
      ? await rankAll(plan, tables, work)
      : await rankCandidates(plan, tables, work);
    const shown = ranked.slice(0, plan.hits);
    const hits = await times.runAsync("hits", () =>
      request.bare === true ? bareHits(shown, work) : fullHits(shown, request.query, tables, work),
    );
    return { hits, cellsRead };
  } finally {
    held.release();
  }
}

function tablesFor(query: KernelQuery, plan: SearchPlan, { snapshot, selection, codebook }: SearchWork): QueryTables {
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
}

async function rankCandidates(plan: SearchPlan, tables: QueryTables, work: SearchWork): Promise<Ranking> {
  const { positions, cellsRead } = await findCandidates(plan, tables, work);
  const byCodes = await rankByCodes(unranked(positions, work.snapshot), Math.max(plan.exact, plan.hits), tables, work);
  const ranked = await work.times.runAsync("exact", () => rankByVectors(byCodes, plan, tables, work));
  return { ranked, cellsRead };
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

async function rankAll(plan: SearchPlan, tables: QueryTables, work: SearchWork): Promise<Ranking> {
  const positions = selectedPositions(work.snapshot, work.selection);
  const ranked = await work.times.runAsync("exact", () =>
    rankByVectors(unranked(positions, work.snapshot), plan, tables, work),
  );
  return { ranked, cellsRead: 0 };
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
