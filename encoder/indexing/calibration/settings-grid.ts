/**
 * Which settings of a search calibration tries, dearest first.
 *
 * @module
 */
import type { Holding } from "../../../shared/engine/planner/holding.ts";
import type { Calibration } from "../../../shared/format/manifest.ts";
import type { Recipe } from "../../../shared/recipe/recipe.ts";

type Point = Calibration["points"][number];
export type GridPoint = Pick<Point, "path" | "nprobe" | "candidates" | "exact">;

/** Pages whose codes are scored, and those of them whose exact vectors are. */
const LATE_INTERACTION = [
  { candidates: 512, exact: 128 },
  { candidates: 256, exact: 64 },
  { candidates: 128, exact: 64 },
  { candidates: 128, exact: 32 },
  { candidates: 64, exact: 32 },
  { candidates: 64, exact: 16 },
  { candidates: 32, exact: 12 },
];
/** One vector a query: codes and exact vectors cost a hundredth, and bags tell pages apart less well. */
const DENSE = [
  { candidates: 2_000, exact: 500 },
  { candidates: 1_000, exact: 250 },
  { candidates: 400, exact: 100 },
  { candidates: 400, exact: 32 },
  { candidates: 128, exact: 32 },
];
/** Centroids looked up for each vector of a query. */
const NPROBES = [128, 64, 32, 16, 8];
/** Lists lose pages before codes do: three depths for each number of centroids are enough. */
const LIST_DEPTHS = 3;

/** What to try on `pageCount` pages held as `holding`: settings that come to the same are tried once. */
export function settingsGrid(holding: Holding, pageCount: number, interaction: Recipe["interaction"]): GridPoint[] {
  const depths = (interaction === "dense" ? DENSE : LATE_INTERACTION).map(({ candidates, exact }) => ({
    candidates: Math.min(candidates, pageCount),
    exact: Math.min(exact, pageCount),
  }));
  const distinct = depths.filter(
    ({ candidates, exact }, at) =>
      depths.findIndex((other) => other.candidates === candidates && other.exact === exact) === at,
  );
  if (holding === "bags") return distinct.map((depth) => ({ path: "resident", nprobe: 0, ...depth }));
  const path = holding === "lists" ? "resident" : "pruned";
  const few = distinct.filter((_, at) => at % Math.ceil(distinct.length / LIST_DEPTHS) === 0);
  return NPROBES.flatMap((nprobe) => few.map((depth): GridPoint => ({ path, nprobe, ...depth })));
}
