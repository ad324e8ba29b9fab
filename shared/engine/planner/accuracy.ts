/**
 * Settings that find a wanted share of the exact top 10: from the index's own calibration, or, for an index that was not
 * calibrated, from what was measured on Cranfield and the filings.
 *
 * @module
 */
import type { Calibration } from "../../format/manifest.ts";
import type { Accuracy } from "../contract.ts";
import type { Holding } from "./holding.ts";

/** What calibration varies. */
export interface SearchSettings {
  /** 0 where candidates come from bags. */
  nprobe: number;
  candidates: number;
  exact: number;
}

type Wanted = Exclude<Accuracy, "exact">;

/**
 * Of an index without calibration: what reached it on both sets of plan.ts, in their tables. Nothing reached .995 on the filings:
 * 256 candidates and 128 exact pages stood at .994. Lists lose what no probed list has, so they probe and keep more.
 */
const UNCALIBRATED: Record<Holding, Record<Wanted, SearchSettings>> = {
  bags: {
    0.95: { nprobe: 0, candidates: 64, exact: 16 },
    0.98: { nprobe: 0, candidates: 64, exact: 24 },
    0.995: { nprobe: 0, candidates: 256, exact: 128 },
  },
  lists: {
    0.95: { nprobe: 32, candidates: 64, exact: 16 },
    0.98: { nprobe: 64, candidates: 128, exact: 32 },
    0.995: { nprobe: 128, candidates: 256, exact: 128 },
  },
  heads: {
    0.95: { nprobe: 32, candidates: 64, exact: 16 },
    0.98: { nprobe: 64, candidates: 128, exact: 32 },
    0.995: { nprobe: 128, candidates: 256, exact: 128 },
  },
};

/**
 * The cheapest calibrated settings that reached `accuracy`; the most accurate ones when none did; undefined when nothing
 * was asked for.
 */
export function settingsFor(
  accuracy: Wanted | undefined,
  holding: Holding,
  calibration: Calibration | undefined,
): SearchSettings | undefined {
  if (accuracy === undefined) return undefined;
  const points = pointsFor(holding, calibration);
  const [first, ...others] = points.filter(({ recall }) => recall >= accuracy);
  if (first !== undefined) return others.reduce((best, point) => (point.costUs < best.costUs ? point : best), first);
  const [any, ...rest] = points;
  if (any === undefined) return UNCALIBRATED[holding][accuracy];
  return rest.reduce((best, point) => (point.recall > best.recall ? point : best), any);
}

/** Whether the index was measured as it is held. */
export function isCalibrated(holding: Holding, calibration: Calibration | undefined): boolean {
  return pointsFor(holding, calibration).length > 0;
}

/** The best recall that was measured for settings none of which is above those of `settings`; undefined when none was. */
export function measuredRecall(
  settings: SearchSettings,
  holding: Holding,
  calibration: Calibration | undefined,
): number | undefined {
  const reached = pointsFor(holding, calibration)
    .filter(
      (point) =>
        (holding === "bags" || point.nprobe <= settings.nprobe) &&
        point.candidates <= settings.candidates &&
        point.exact <= settings.exact,
    )
    .map(({ recall }) => recall);
  return reached.length === 0 ? undefined : Math.max(...reached);
}

/** A resident index without probing was searched by its bags, with probing by its lists. */
function pointsFor(holding: Holding, calibration: Calibration | undefined): Calibration["points"] {
  return (calibration?.points ?? []).filter(({ path, nprobe }) =>
    holding === "heads" ? path === "pruned" : path === "resident" && nprobe > 0 === (holding === "lists"),
  );
}
