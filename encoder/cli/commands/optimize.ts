/**
 * `maxleaf optimize`.
 *
 * @module
 */
import type { Command } from "commander";
import type { InvertedEntry } from "../../../shared/format/manifest.ts";
import type { CommandContext, GlobalOptions } from "../context.ts";
import { byteSize, counted, duration } from "../format.ts";
import { indexName } from "../option-values.ts";
import { withStore } from "../with-store.ts";

interface Options extends GlobalOptions {
  index: string;
  json?: boolean;
}

const HELP = `
An index whose pages are too many to be scanned for every question needs an inverted file: for every centroid the pages
that have it, and the same for every word. Ingestion builds one when it is due; this builds one now, of all that the index
has, and indexes the words of pages that older versions of Maxleaf wrote. Searches go on meanwhile.

Example:
  maxleaf optimize --index reports`;

export function addOptimize(program: Command, context: CommandContext): void {
  program
    .command("optimize")
    .description("build the inverted file of an index, which lets it be searched without holding it in memory")
    .requiredOption("-i, --index <name>", "the index", indexName)
    .option("--json", "print one JSON document")
    .addHelpText("after", HELP)
    .action(async (_options: Options, command: Command) => {
      const { index: name, json = false, ...globals } = command.optsWithGlobals<Options>();
      const [{ requireManifest }, { buildInvertedFile }, { showStageProgress }, { resolveIndexName }] =
        await Promise.all([
          import("../index-access.ts"),
          import("../../indexing/inverted-file.ts"),
          import("../stage-progress.ts"),
          import("../../../shared/format/aliases.ts"),
        ]);
      await withStore(context, { ...globals, title: "maxleaf optimize" }, async (store) => {
        const index = await resolveIndexName(store, name);
        await requireManifest(store, index);
        const progress = showStageProgress(context.terminal, json);
        const warnings: string[] = [];
        const onWarning = (message: string) => void warnings.push(message);
        const beginMs = performance.now();
        try {
          const onProgress = (share: number) => progress.update("building the inverted file", share);
          const manifest = await buildInvertedFile({ store, index, onWarning }, { onProgress });
          progress.stop();
          const tookMs = performance.now() - beginMs;
          const report = reportOf(index, manifest?.version, manifest?.inverted, tookMs);
          context.terminal.out(json ? `${JSON.stringify(report)}\n` : asText(report));
        } finally {
          progress.stop();
          for (const warning of warnings) context.terminal.err(`maxleaf: ${warning}\n`);
        }
      });
    });
}

type Report = ReturnType<typeof reportOf>;

function reportOf(
  index: string,
  manifestVersion: number | undefined,
  inverted: InvertedEntry | undefined,
  tookMs: number,
) {
  if (inverted === undefined) return { index, manifestVersion, inverted: undefined, seconds: tookMs / 1_000 };
  const { pageCount: pages, bagEntries: entries, bytes, parts, segmentIds } = inverted;
  const size = { bytes: parts.reduce((sum, part) => sum + part, bytes), parts: parts.length };
  return {
    index,
    manifestVersion,
    inverted: { pages, segments: segmentIds.length, entries, ...size },
    seconds: tookMs / 1_000,
  };
}

function asText({ index, inverted, seconds }: Report): string {
  if (inverted === undefined) return `${index} has no page that can be found: nothing to do\n`;
  const { pages, segments, bytes, parts } = inverted;
  const covered = `${counted(pages, "page")} of ${counted(segments, "segment")}`;
  return `${index}: an inverted file of ${covered}, ${byteSize(bytes)} in ${counted(parts, "part")}; ${duration(seconds * 1_000)}\n`;
}
