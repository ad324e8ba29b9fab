/**
 * First stage: the pages whose bags of centroids score best (centroid interaction, as in PLAID, Santhanam et al. 2022, but
 * over every page: the bags of all pages are resident).
 *
 * @module
 */
import { BagScan, type BagSelection } from "../kernel/bag-scan.ts";
import type { Kernel } from "../kernel/kernel.ts";
import type { QueryTables } from "../kernel/query-tables.ts";
import type { PageSelection } from "./filter.ts";
import type { IndexSnapshot } from "./snapshot.ts";
import type { StageTimes } from "./stage-times.ts";
import { topPositions } from "./top-k.ts";

/** Positions (see `IndexSnapshot.locate`) of the `limit` best pages of `selection`, best first. */
export function findCandidates(
  kernel: Kernel,
  snapshot: IndexSnapshot,
  selection: PageSelection,
  tables: QueryTables,
  limit: number,
  times: StageTimes,
): number[] {
  const segments = snapshot.scanned.flatMap((segment, i): BagSelection[] => {
    const selected = selection.masks[i];
    return segment.bags === undefined || selected === undefined ? [] : [{ bags: segment.bags.value, selected }];
  });
  const scan = new BagScan(kernel, segments);
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
