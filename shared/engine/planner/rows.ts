/**
 * Whether a query's tables get the rows of all centroids, or of those that turn out to be needed.
 *
 * @module
 */
import type { Manifest } from "../../format/manifest.ts";
import type { SearchPlan } from "../plan.ts";

/**
 * A row on demand is this much dearer than one of a table of all, which is made in one go: 10,000 synthetic pages (16,384 centroids, 85
 * candidates) take 3.9 ms on demand and 4.5 by a table of all, 1,000 pages (2,048 centroids) as long either way.
 */
const ROW_ON_DEMAND_COST = 1.3;

/** Tokens share cells: of 17 tokens' 4 to 16 best cells each, a half to a third are distinct (Cranfield, 277 cells). */
const DISTINCT_CELLS = 0.5;

/** Candidates share centroids: of 128 pages' 96 each, about half are distinct (Cranfield). */
const DISTINCT_CENTROIDS = 0.5;

/** Whether a table of all rows is cheaper than the rows that probing and reranking by `plan` will ask for. */
export function needsAllRows(
  { codebook, segments }: Pick<Manifest, "codebook" | "segments">,
  plan: Pick<SearchPlan, "candidates" | "cellsPerToken">,
  query: { tokenCount: number; probes: boolean },
): boolean {
  if (codebook === undefined) return false;
  const { centroidCount, cellCount } = codebook;
  const cells = query.probes ? Math.min(cellCount, query.tokenCount * plan.cellsPerToken * DISTINCT_CELLS) : 0;
  const bagEntries = segments.reduce((sum, segment) => sum + segment.bagEntries, 0);
  const pages = segments.reduce((sum, segment) => sum + segment.searchablePageCount, 0);
  const ofPages = pages === 0 ? 0 : (plan.candidates * bagEntries * DISTINCT_CENTROIDS) / pages;
  const rows = (cells * centroidCount) / cellCount + ofPages;
  return rows * ROW_ON_DEMAND_COST >= centroidCount;
}
