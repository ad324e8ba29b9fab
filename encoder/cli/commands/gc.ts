/**
 * `maxleaf gc`.
 *
 * @module
 */
import type { Command } from "commander";
import type { ObjectStore } from "../../../shared/store/object-store.ts";
import type { GarbageReport } from "../../maintenance/garbage-report.ts";
import type { CommandContext, GlobalOptions } from "../context.ts";
import { byteSize, count, counted, table } from "../format.ts";
import { hours, indexName } from "../option-values.ts";
import { indexesOf, indexOrAll } from "../index-or-all.ts";
import { withStore } from "../with-store.ts";

interface Options extends GlobalOptions {
  index?: string;
  all?: boolean;
  dryRun?: boolean;
  delete?: boolean;
  grace?: number;
  json?: boolean;
}

const HELP = `
Finds objects that nothing refers to: what ingestions that crashed left behind, what deletions and replacements could not
remove, inverted files and manifests that newer ones have replaced, indexes that were dropped before the grace period.
Without --delete it only says what it would remove.

Nothing younger than the grace period is ever removed, nor what a manifest refers to that was in use within it: searches
and ingestions may run meanwhile. The grace period must be longer than the longest of them.

Examples:
  maxleaf gc --index reports
  maxleaf gc --all --delete
  maxleaf gc --index reports --delete --grace 168`;

export function addGc(program: Command, context: CommandContext): void {
  program
    .command("gc")
    .description("find, and remove when asked, what nothing in an index refers to any more")
    .option("-i, --index <name>", "the index", indexName)
    .option("--all", "every index of the bucket")
    .option("--dry-run", "only say what would be removed (default)")
    .option("--delete", "remove it")
    .option("--grace <hours>", "leave what is younger (default: 72)", hours)
    .option("--json", "print one JSON document")
    .addHelpText("after", HELP)
    .action(async (_options: Options, command: Command) => {
      const options = command.optsWithGlobals<Options>();
      const which = indexOrAll(options);
      if (options.delete === true && options.dryRun === true) {
        command.error("maxleaf: --dry-run and --delete exclude each other", { exitCode: 2 });
      }
      await withStore(context, { ...options, title: "maxleaf gc" }, async (store) => {
        const reports: GarbageReport[] = [];
        for (const index of await indexesOf(store, which)) reports.push(await collect(context, options, store, index));
        context.terminal.out(
          options.json === true
            ? `${JSON.stringify({ indexes: reports.map(asJson) })}\n`
            : reports.map(asText).join(""),
        );
      });
    });
}

async function collect(
  { terminal }: CommandContext,
  options: Options,
  store: ObjectStore,
  index: string,
): Promise<GarbageReport> {
  const { collectGarbage, SAFE_GRACE_HOURS } = await import("../../maintenance/collect-garbage.ts");
  const { grace: graceHours, delete: remove = false, json = false } = options;
  if (remove && graceHours !== undefined && graceHours < SAFE_GRACE_HOURS) {
    terminal.err(
      `maxleaf: a grace period under ${SAFE_GRACE_HOURS} h is safe only while nothing is ingested into ${index}\n`,
    );
  }
  const onProgress = (objects: number) => terminal.err(`${index}: looked at ${counted(objects, "object")}\n`);
  const report = await collectGarbage({ store, index, graceHours, remove, ...(!json && { onProgress }) });
  for (const document of report.raced) {
    terminal.err(
      `maxleaf: document ${document} was being imported while its older files were removed; maxleaf doctor --index ${index} tells whether images are missing\n`,
    );
  }
  return report;
}

function asJson(report: GarbageReport) {
  const { index, graceHours, removed, manifestVersion, keptManifests, listedObjects, garbage, young, unknown } = report;
  const { droppedAtMs } = report;
  return {
    index,
    ...(manifestVersion !== undefined && { manifestVersion }),
    ...(droppedAtMs !== undefined && { droppedAt: new Date(droppedAtMs).toISOString() }),
    graceHours,
    removed,
    listedObjects,
    keptManifests,
    garbage,
    total: report.total,
    young,
    unknown,
    raced: report.raced,
  };
}

function asText(report: GarbageReport): string {
  const { removed, young, unknown, graceHours, listedObjects, droppedAtMs } = report;
  const dropped = droppedAtMs === undefined ? "" : ` (dropped on ${new Date(droppedAtMs).toISOString()})`;
  const index = `${report.index}${dropped}`;
  const { objects, bytes } = report.total;
  const rows = report.kinds.map(([kind, tally]) => [kind, tally.objects, byteSize(tally.bytes)]);
  const lines = [
    objects === 0
      ? `${index}: nothing to remove among ${counted(listedObjects, "object")}\n`
      : `${index}: ${counted(objects, "object")} of ${count(listedObjects)}, ${byteSize(bytes)}, ${removed ? "removed" : "could be removed (--delete does it)"}\n${table(["kind", "objects", "size"], rows)}`,
  ];
  if (young.objects > 0) {
    lines.push(
      `too young to be removed (under ${graceHours} h): ${counted(young.objects, "object")}, ${byteSize(young.bytes)}, that nothing refers to\n`,
    );
  }
  if (unknown.objects > 0) {
    lines.push(
      `${counted(unknown.objects, "object")} that are not Maxleaf's, left alone: ${unknown.examples.join(", ")}\n`,
    );
  }
  return lines.join("");
}
