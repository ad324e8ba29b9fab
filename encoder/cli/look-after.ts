/**
 * What commands that change an index from within have in common: one index or all, a dry run, progress, a report.
 *
 * @module
 */
import { readManifest } from "../../shared/format/manifest-store.ts";
import type { ObjectStore } from "../../shared/store/object-store.ts";
import type { CommandContext } from "./context.ts";
import { duration } from "./format.ts";
import { indexesOf } from "./index-or-all.ts";
import { showStageProgress } from "./stage-progress.ts";

export interface WorkTarget {
  store: ObjectStore;
  index: string;
  onWarning: (message: string) => void;
}

export interface Chore<Plan extends object, Report extends object> {
  /** What would be done. */
  plan: (store: ObjectStore, index: string) => Promise<Plan>;
  asPlanned: (plan: Plan) => string;
  /** Undefined when there was nothing to do. */
  work: (
    target: WorkTarget,
    signal: AbortSignal,
    onProgress: (stage: string, share: number) => void,
  ) => Promise<Report | undefined>;
  asDone: (report: Report | undefined) => string;
}

export interface LookAfterOptions {
  store: ObjectStore;
  /** Undefined: every index. */
  which: string | undefined;
  dryRun: boolean;
  json: boolean;
}

/** Does `chore` and prints what came of it. Errors: `index_not_found`, and those of the chore. */
export async function lookAfter<Plan extends object, Report extends object>(
  context: CommandContext,
  { store, which, dryRun, json }: LookAfterOptions,
  chore: Chore<Plan, Report>,
): Promise<void> {
  const lines: string[] = [];
  const reports: object[] = [];
  for (const index of await namesOf(store, which)) {
    if (dryRun) {
      const plan = await chore.plan(store, index);
      reports.push({ index, ...plan });
      lines.push(`${index}: ${chore.asPlanned(plan)}\n`);
      continue;
    }
    const beginMs = performance.now();
    const report = await doOne(context, { store, index, json }, chore);
    const tookMs = performance.now() - beginMs;
    reports.push({ index, done: report !== undefined, ...report, seconds: tookMs / 1_000 });
    const took = report === undefined ? "" : `; ${duration(tookMs)}`;
    lines.push(`${index}: ${chore.asDone(report)}${took}\n`);
  }
  context.terminal.out(json ? `${JSON.stringify({ indexes: reports })}\n` : lines.join(""));
}

/** Of all names only those that are an index now: a dropped one has nothing to look after. */
async function namesOf(store: ObjectStore, which: string | undefined): Promise<string[]> {
  if (which !== undefined) return await indexesOf(store, which);
  const names = await indexesOf(store, undefined);
  const manifests = await Promise.all(names.map(async (name) => await readManifest(store, name)));
  return names.filter((_, at) => manifests[at] !== undefined);
}

async function doOne<Plan extends object, Report extends object>(
  { terminal, signal }: CommandContext,
  { store, index, json }: { store: ObjectStore; index: string; json: boolean },
  { work }: Chore<Plan, Report>,
): Promise<Report | undefined> {
  const progress = showStageProgress(terminal, json);
  const warnings: string[] = [];
  const onWarning = (message: string) => void warnings.push(message);
  try {
    const onProgress = (stage: string, share: number) => progress.update(`${index}: ${stage}`, share);
    return await work({ store, index, onWarning }, signal, onProgress);
  } finally {
    progress.stop();
    for (const warning of warnings) terminal.err(`maxleaf: ${warning}\n`);
  }
}
