/**
 * First stage from lists: only the pages on lists of the query's best centroids are looked at (centroid pruning, as in PLAID
 * and XTR, Lee et al. 2023). A page that is on no probed list of a token gets that token's cut-off.
 *
 * @module
 */
import { ListScan } from "../../kernel/list-scan.ts";
import { probeCentroids, rankCells } from "../../kernel/probe.ts";
import type { QueryTables } from "../../kernel/query-tables.ts";
import { LengthPrior } from "../../recipe/length-prior.ts";
import type { ObjectStore } from "../../store/object-store.ts";
import type { PageSelection } from "../selection.ts";
import type { SearchPlan } from "../plan.ts";
import type { IndexSnapshot, ListGroup } from "../snapshot.ts";
import type { StageTimes } from "../stage-times.ts";
import { comesBefore } from "../top-k.ts";
import { chooseCells, type ListBudget } from "./cell-budget.ts";
import { CELL_GAP_BYTES } from "./centroid-lists.ts";
import { topLowered } from "./lowered-pages.ts";

export interface ListCandidates {
  /** See `IndexSnapshot.locate`; best first. */
  positions: number[];
  /** What their bags would score, as sums of cosines; a token of which a page is on no list counts as its cut-off. */
  bagScores: number[];
  cellsRead: number;
}

/** The `plan.candidates` best pages of `selection`. Errors: those of reading; `overloaded`. */
export async function candidatesFromLists(
  snapshot: IndexSnapshot,
  selection: PageSelection,
  tables: QueryTables,
  plan: Pick<SearchPlan, "candidates" | "nprobe" | "cellsPerToken" | "listReads" | "listBytes">,
  work: { store: ObjectStore; times: StageTimes },
): Promise<ListCandidates> {
  const { times, store } = work;
  const budget = { reads: plan.listReads, bytes: plan.listBytes, gapBytes: CELL_GAP_BYTES };
  const probe = times.run("tables", () => {
    const ranked = rankCells(tables, cellsToRank(plan, tables.codebook));
    const worths = Array.from(ranked.cells, (cell, i) => ({ cell, worth: ranked.gains[i] ?? 0 }));
    return probeCentroids(tables, { nprobe: plan.nprobe, cells: cellsWithin(worths, snapshot, budget) });
  });
  const cells = [...probe.cells];
  const blocks = await times.runAsync("candidates", () =>
    Promise.all(snapshot.listGroups.map(({ lists }) => lists.read(cells, store))),
  );
  const prior = LengthPrior.of(snapshot.manifest.recipe, tables.query.tokenCount);
  const penalties = prior?.inSteps(tables.bagStep);
  const best = times.run("candidates", () =>
    snapshot.listGroups.flatMap((group, i) => {
      const scan = new ListScan(tables.query.kernel, tables.codebook, group.lists.pageCount);
      try {
        scan.add(probe, blocks[i] ?? []);
        const mask = maskOf(group, selection);
        const found =
          penalties === undefined
            ? topPages(scan, plan.candidates, mask)
            : topLowered(scan, group.segments, penalties, { limit: plan.candidates, mask });
        return found.map(({ position: page, score }) => ({ position: positionOf(group, page), score }));
      } finally {
        scan.release();
      }
    }),
  );
  best.sort((a, b) => (comesBefore(a.score, a.position, b.score, b.position) ? -1 : 1));
  const found = best.slice(0, plan.candidates);
  return {
    positions: found.map(({ position }) => position),
    bagScores: found.map(({ score }) => (score + probe.baseline) * tables.bagStep),
    cellsRead: cells.length,
  };
}

/** Whoever asks for all centroids gets those of all cells, also where a small codebook's cells have fewer than a plan counts on. */
function cellsToRank(
  { nprobe, cellsPerToken }: Pick<SearchPlan, "nprobe" | "cellsPerToken">,
  { centroidCount, cells }: QueryTables["codebook"],
): number {
  return nprobe >= centroidCount ? cells.count : cellsPerToken;
}

/**
 * The cells whose lists are always in memory, and of the others those that the budget reads. What an earlier query left in
 * memory counts as if it were read: a question has one answer, whatever was asked before.
 */
function cellsWithin(
  cells: readonly { cell: number; worth: number }[],
  snapshot: IndexSnapshot,
  budget: ListBudget,
): number[] {
  const lists = snapshot.invertedLists;
  const stored = cells.filter(({ cell }) => lists?.extentOf(cell) !== undefined);
  const held = cells.filter(({ cell }) => lists?.extentOf(cell) === undefined).map(({ cell }) => cell);
  if (stored.length === 0) return held;
  const nowhere = { part: 0, offset: 0, length: 0 };
  return [...held, ...chooseCells(stored, (cell) => lists?.extentOf(cell) ?? nowhere, budget)];
}

/** Masks of groups of several segments: of a million pages a megabyte, the same for query after query. */
const masks = new WeakMap<PageSelection, Map<ListGroup, Uint8Array | undefined>>();

/** `[pages]` of the group, segment after segment; undefined when no page is left out. */
function maskOf(group: ListGroup, selection: PageSelection): Uint8Array | undefined {
  const ofSelection = masks.get(selection) ?? new Map<ListGroup, Uint8Array | undefined>();
  masks.set(selection, ofSelection);
  if (ofSelection.has(group)) return ofSelection.get(group);
  const mask = new Uint8Array(group.lists.pageCount);
  let first = 0;
  for (const segment of group.segments) {
    mask.set(selection.masks.get(segment) ?? new Uint8Array(0), first);
    first += segment.reader.pageCount;
  }
  const needed = mask.includes(0) ? mask : undefined;
  ofSelection.set(group, needed);
  return needed;
}

function topPages(scan: ListScan, limit: number, mask: Uint8Array | undefined): { position: number; score: number }[] {
  return Array.from(scan.topPositions(limit, mask), (position) => ({ position, score: scan.scoreOf(position) }));
}

/** Position in the index of page `page` of the group. */
function positionOf({ segments }: ListGroup, page: number): number {
  let first = 0;
  for (const segment of segments) {
    if (page < first + segment.reader.pageCount) return segment.firstPosition + page - first;
    first += segment.reader.pageCount;
  }
  throw new RangeError(`no page of the lists is at position ${page}`);
}
