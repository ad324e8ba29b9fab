/**
 * `maxleaf compact`.
 *
 * @module
 */
import type { Command } from "commander";
import type { ObjectStore } from "../../../shared/store/object-store.ts";
import type { CompactReport, CompactionPlan } from "../../indexing/compact.ts";
import type { CommandContext, GlobalOptions } from "../context.ts";
import { byteSize, count, counted } from "../format.ts";
import { indexOrAll } from "../index-or-all.ts";
import { lookAfter } from "../look-after.ts";
import { indexName } from "../option-values.ts";
import { withStore } from "../with-store.ts";

interface Options extends GlobalOptions {
  index?: string;
  all?: boolean;
  dryRun?: boolean;
  json?: boolean;
}

const HELP = `
Every ingestion adds segments, and pages of documents that were deleted or replaced stay in theirs. This writes small
segments as one, and those of which more than a fifth is deleted without it. Pages are copied as they are: nothing is
encoded again, and searches find the same. Changed metadata is written into the segments.

Searches, ingestions and deletions may go on. The old segments stay until maxleaf gc removes them, after its grace period.
maxleaf worker does this by itself when it is due.

Examples:
  maxleaf compact --index reports
  maxleaf compact --all --dry-run`;

export function addCompact(program: Command, context: CommandContext): void {
  program
    .command("compact")
    .description("write small segments, and those with many deleted pages, as few new ones")
    .option("-i, --index <name>", "the index", indexName)
    .option("--all", "every index of the bucket")
    .option("--dry-run", "only say what would be done")
    .option("--json", "print one JSON document")
    .addHelpText("after", HELP)
    .action(async (_options: Options, command: Command) => {
      const { dryRun = false, json = false, ...options } = command.optsWithGlobals<Options>();
      const which = indexOrAll(options);
      await withStore(context, { ...options, title: "maxleaf compact", endsItself: true }, async (store) => {
        const how = { store, which, json, dryRun };
        await lookAfter(context, how, { plan: planned, asPlanned: planText, work: compacted, asDone: reportText });
      });
    });
}

interface Planned {
  segments: number;
  segmentsToRewrite: number;
  segmentsToWrite: number;
  pagesToCopy: number;
  pagesToRemove: number;
  bytes: number;
  /** Documents that are gone, whose changed metadata is to go. */
  metadataToDrop: number;
}

async function planned(store: ObjectStore, index: string): Promise<Planned> {
  const { planCompactionOf } = await import("../../indexing/compact.ts");
  return planOf(await planCompactionOf({ store, index }));
}

function planOf({ manifest, merges, dropsOverlay }: CompactionPlan): Planned {
  const sources = merges.flat();
  const live = sources.reduce((sum, { livePages }) => sum + livePages, 0);
  return {
    segments: manifest.segments.length,
    segmentsToRewrite: sources.length,
    segmentsToWrite: merges.filter((merge) => merge.some(({ livePages }) => livePages > 0)).length,
    pagesToCopy: live,
    pagesToRemove: sources.reduce((sum, { entry }) => sum + entry.pageCount, 0) - live,
    bytes: sources.reduce((sum, { entry }) => sum + entry.bytes + entry.vectorsBytes, 0),
    metadataToDrop: dropsOverlay ? (manifest.overlay?.documents ?? 0) : 0,
  };
}

function planText({
  segments,
  segmentsToRewrite,
  segmentsToWrite,
  pagesToCopy,
  pagesToRemove,
  bytes,
  metadataToDrop,
}: Planned): string {
  if (metadataToDrop > 0)
    return `changed metadata of ${counted(metadataToDrop, "document")} that are gone would be removed`;
  if (segmentsToRewrite === 0) return `nothing to do with ${counted(segments, "segment")}`;
  const removed = pagesToRemove === 0 ? "" : ` and ${counted(pagesToRemove, "deleted page")} left out`;
  return `${count(segmentsToRewrite)} of ${counted(segments, "segment")} (${byteSize(bytes)}) would become ${count(segmentsToWrite)}: ${counted(pagesToCopy, "page")} copied${removed}`;
}

const STAGES: Readonly<Record<string, string>> = {
  rewriting: "writing segments",
  inverting: "building the inverted file",
};

async function compacted(
  target: { store: ObjectStore; index: string; onWarning: (message: string) => void },
  signal: AbortSignal,
  onProgress: (stage: string, share: number) => void,
): Promise<CompactReport | undefined> {
  const { compactIndex } = await import("../../indexing/compact.ts");
  return await compactIndex(target, {
    signal,
    onProgress: ({ stage, share }) => onProgress(STAGES[stage] ?? stage, share),
  });
}

function reportText(report: CompactReport | undefined): string {
  if (report === undefined) return "nothing to do";
  const { segmentsBefore, segmentsAfter, pagesCopied, pagesRemoved } = report;
  const removed = pagesRemoved === 0 ? "" : `, ${counted(pagesRemoved, "deleted page")} left out`;
  return `${counted(segmentsBefore, "segment")} → ${count(segmentsAfter)}, ${counted(pagesCopied, "page")} copied${removed}`;
}
