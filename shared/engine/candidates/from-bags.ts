/**
 * First stage, everything resident: the pages whose bags of centroids score best (centroid interaction, as in PLAID,
 * Santhanam et al. 2022, but over every page).
 *
 * @module
 */
import { BagScan, type BagSelection } from "../../kernel/bag-scan.ts";
import type { QueryTables } from "../../kernel/query-tables.ts";
import { type LengthPenalties, LengthPrior } from "../../recipe/length-prior.ts";
import type { PageSelection } from "../selection.ts";
import type { IndexSnapshot, LiveSegment } from "../snapshot.ts";
import type { StageTimes } from "../stage-times.ts";
import { topScores } from "../top-k.ts";

type ScannedBags = BagSelection & Pick<LiveSegment, "vectorCounts">;

export interface BagCandidates {
  /** See `IndexSnapshot.locate`; best first. */
  positions: number[];
  /** Theirs, as sums of cosines. */
  bagScores: number[];
}

/** The `limit` best pages of `selection`. `tables` have every centroid. Errors: `overloaded`. */
export function candidatesFromBags(
  snapshot: IndexSnapshot,
  selection: PageSelection,
  tables: QueryTables,
  limit: number,
  times: StageTimes,
): BagCandidates {
  const prior = LengthPrior.of(snapshot.manifest.recipe, tables.query.tokenCount);
  const segments = snapshot.scanned.flatMap((segment): ScannedBags[] => {
    const { bags, vectorCounts } = segment;
    const selected = selection.masks.get(segment);
    return bags === undefined || selected === undefined ? [] : [{ bags: bags.value, selected, vectorCounts }];
  });
  const scan = new BagScan(tables.query.kernel, segments);
  try {
    for (let block = 0; block < tables.blockCount; block++) {
      times.run("tables", () => tables.prepare(block));
      times.run("candidates", () => scan.add(tables));
    }
    return times.run("candidates", () => {
      const scores = scan.scores();
      if (prior !== undefined) lowerScores(scores, segments, prior.inSteps(tables.bagStep));
      const best = topScores(scores, scan.selected(), limit);
      return {
        positions: best.map(({ position }) => position),
        bagScores: best.map(({ score }) => score * tables.bagStep),
      };
    });
  } finally {
    scan.release();
  }
}

/** Takes `penalties` off the `scores` of all segments' pages. */
function lowerScores(scores: Int32Array, segments: readonly ScannedBags[], penalties: LengthPenalties): void {
  let first = 0;
  for (const { bags, vectorCounts } of segments) {
    penalties.lower(scores.subarray(first, first + bags.pageCount), vectorCounts);
    first += bags.pageCount;
  }
}
