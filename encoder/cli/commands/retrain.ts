/**
 * `maxleaf retrain`.
 *
 * @module
 */
import { availableParallelism } from "node:os";
import type { Command } from "commander";
import type { ObjectStore } from "../../../shared/store/object-store.ts";
import type { RetrainReport } from "../../indexing/retrain.ts";
import type { CommandContext, GlobalOptions } from "../context.ts";
import { count, counted } from "../format.ts";
import { indexOrAll } from "../index-or-all.ts";
import { lookAfter, type WorkTarget } from "../look-after.ts";
import { type Device, deviceOption, indexName, integer } from "../option-values.ts";
import { withStore } from "../with-store.ts";

interface Options extends GlobalOptions {
  index?: string;
  all?: boolean;
  dryRun?: boolean;
  threads?: number;
  device: Device;
  calibrate: boolean;
  json?: boolean;
}

const HELP = `
An index keeps the codebook that its first documents trained. When it has grown to more than eight times of what that was
made for, or documents of another kind came, codes fit worse: searches by codes find less, or take longer to find the same.
This trains a new codebook on the vectors that the index stores and codes all pages by it. No model and no source file is
needed, and the stored vectors stay as they are. It also compacts, and afterwards measures again what searches find.

Searches, ingestions and deletions may go on. It reads the index twice and writes it once; the old segments stay until
maxleaf gc removes them. maxleaf worker does this by itself when it is due.

Examples:
  maxleaf retrain --index reports
  maxleaf retrain --all --dry-run`;

export function addRetrain(program: Command, context: CommandContext): void {
  program
    .command("retrain")
    .description("train a new codebook for an index that has outgrown its own, and code all pages by it")
    .option("-i, --index <name>", "the index", indexName)
    .option("--all", "every index of the bucket for which it is due")
    .option("--dry-run", "only say whether it is due")
    .option("--threads <number>", "threads of training and coding", integer(1, availableParallelism()))
    .addOption(deviceOption("where the codebook is trained and vectors coded"))
    .option("--no-calibrate", "do not measure what searches find (maxleaf calibrate does it later)")
    .option("--json", "print one JSON document")
    .addHelpText("after", HELP)
    .action(async (_options: Options, command: Command) => {
      const given = command.optsWithGlobals<Options>();
      const { dryRun = false, json = false, threads, device: executionProvider, calibrate, ...options } = given;
      const which = indexOrAll(options);
      await withStore(context, { ...options, title: "maxleaf retrain", endsItself: true }, async (store) => {
        const how = { store, which, json, dryRun };
        const work: Work = async (target, signal, onProgress) =>
          await retrained(target, {
            threads,
            executionProvider,
            calibrate,
            isAsked: which !== undefined,
            signal,
            onProgress,
          });
        await lookAfter(context, how, { plan: planned, asPlanned: planText, work, asDone: reportText });
      });
    });
}

type Work = (
  target: WorkTarget,
  signal: AbortSignal,
  onProgress: (stage: string, share: number) => void,
) => Promise<RetrainReport | undefined>;

interface Planned {
  isDue: boolean;
  why?: "drift" | "growth";
  drift?: number;
  vectors: number;
  trainedOnVectors: number;
}

async function planned(store: ObjectStore, index: string): Promise<Planned> {
  const [{ requireManifest }, { codebookDrift, retrainingDue }] = await Promise.all([
    import("../index-access.ts"),
    import("../../indexing/codebook-drift.ts"),
  ]);
  const manifest = await requireManifest(store, index);
  const why = retrainingDue(manifest);
  const drift = codebookDrift(manifest.codebook, manifest.segments);
  return {
    isDue: why !== undefined,
    ...(why && { why }),
    ...(drift !== undefined && { drift }),
    vectors: manifest.segments.reduce((sum, { vectorCount }) => sum + vectorCount, 0),
    trainedOnVectors: manifest.codebook?.trainedOnVectors ?? 0,
  };
}

function planText({ isDue, why, drift, vectors, trainedOnVectors }: Planned): string {
  if (trainedOnVectors === 0) return "nothing to train on";
  const facts = `${counted(vectors, "vector")}, codebook for ${count(trainedOnVectors)}, drift ${drift?.toFixed(2) ?? "none"}`;
  const reason = why === "drift" ? "it has drifted from its codebook" : "it has outgrown its codebook";
  return isDue ? `due, since ${reason}: ${facts}` : `not due: ${facts}`;
}

const STAGES: Readonly<Record<string, string>> = {
  sampling: "drawing vectors",
  training: "training the codebook",
  rewriting: "coding pages",
  inverting: "building the inverted file",
};

interface RetrainCall {
  threads: number | undefined;
  executionProvider: Device;
  calibrate: boolean;
  /** The index was named: it is trained whether or not that is due. */
  isAsked: boolean;
  signal: AbortSignal;
  onProgress: (stage: string, share: number) => void;
}

async function retrained(target: WorkTarget, call: RetrainCall): Promise<RetrainReport | undefined> {
  const { store, index, onWarning } = target;
  const { threads, executionProvider, calibrate, isAsked, signal, onProgress } = call;
  if (!isAsked && !(await planned(store, index)).isDue) return undefined;
  const [{ retrainIndex }, { calibrateIngested }, { requireManifest }] = await Promise.all([
    import("../../indexing/retrain.ts"),
    import("../calibrate-ingested.ts"),
    import("../index-access.ts"),
  ]);
  const before = await requireManifest(store, index);
  const report = await retrainIndex(target, {
    threads,
    executionProvider,
    signal,
    onProgress: ({ stage, share }) => onProgress(STAGES[stage] ?? stage, share),
  });
  if (report === undefined || !calibrate) return report;
  const onCalibrating = (share: number) => onProgress("measuring what searches find", share);
  const calibration = { store, index, before, threads, executionProvider, signal, onWarning };
  const manifestVersion = await calibrateIngested({ ...calibration, onProgress: onCalibrating });
  return { ...report, manifestVersion: manifestVersion ?? report.manifestVersion };
}

function reportText(report: RetrainReport | undefined): string {
  if (report === undefined) return "nothing to do";
  const { pages, vectors, centroidsBefore, centroidsAfter, driftBefore, driftAfter } = report;
  const drift = `drift ${driftBefore?.toFixed(2) ?? "none"} → ${driftAfter?.toFixed(2) ?? "none"}`;
  return `${counted(pages, "page")} of ${counted(vectors, "vector")} coded anew: ${count(centroidsBefore)} → ${count(centroidsAfter)} centroids, ${drift}`;
}
