/**
 * First stage, everything resident: the pages whose bags of centroids score best (centroid interaction, as in PLAID,
 * Santhanam et al. 2022, but over every page).
 *
 * @module
 */
import { BagScan, type BagSelection } from "../../kernel/bag-scan.ts";
import type { QueryTables } from "../../kernel/query-tables.ts";
import type { PageSelection } from "../selection.ts";
import type { IndexSnapshot } from "../snapshot.ts";
import type { StageTimes } from "../stage-times.ts";
import { topPositions } from "../top-k.ts";

/**
 * Positions (see `IndexSnapshot.locate`) of the `limit` best pages of `selection`, best first. `tables` have every
 * centroid. Errors: `overloaded`.
 */
export function candidatesFromBags(
  snapshot: IndexSnapshot,
  selection: PageSelection,
  tables: QueryTables,
  limit: number,
  times: StageTimes,
): number[] {
  const segments = snapshot.scanned.flatMap((segment): BagSelection[] => {
    const selected = selection.masks.get(segment);
    return segment.bags === undefined || selected === undefined ? [] : [{ bags: segment.bags.value, selected }];
  });
  const scan = new BagScan(tables.query.kernel, segments);
  try {
    for (let block = 0; block < tables.blockCount; block++) {
      times.run("tables", () => tables.prepare(block));
      times.run("candidates", () => scan.add(tables));
    }
    return times.run("candidates", () => topPositions(scan.scores(), scan.selected(), limit));
  } finally {
    scan.release();
  }
}
