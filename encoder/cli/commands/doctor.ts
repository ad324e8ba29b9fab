/**
 * `maxleaf doctor`.
 *
 * @module
 */
import type { Command } from "commander";
import type { Diagnosis } from "../../maintenance/doctor.ts";
import type { Finding } from "../../maintenance/finding.ts";
import type { CommandContext, GlobalOptions } from "../context.ts";
import { EXIT } from "../exit-codes.ts";
import { counted } from "../format.ts";
import { indexesOf, indexOrAll } from "../index-or-all.ts";
import { indexName } from "../option-values.ts";
import { withStore } from "../with-store.ts";

interface Options extends GlobalOptions {
  index?: string;
  all?: boolean;
  deep?: boolean;
  json?: boolean;
}

/** Documents that text names; --json has more. */
const DOCUMENTS_SHOWN = 20;

const HELP = `
Compares what the manifest of an index refers to with what is in the bucket: sizes, checksums, counts, sources and images.
With --deep every page, vector and list is read too, so the whole index passes through; with --all aliases are examined
too. Nothing is changed; for what is wrong it says what that means and how to mend it. Exits with 1 when an index is not
well.

Examples:
  maxleaf doctor --index reports
  maxleaf doctor --all --deep`;

export function addDoctor(program: Command, context: CommandContext): void {
  program
    .command("doctor")
    .description("verify that all of an index is there and undamaged, and say how to mend what is not")
    .option("-i, --index <name>", "the index", indexName)
    .option("--all", "every index of the bucket")
    .option("--deep", "read every page, vector and list")
    .option("--json", "print one JSON document")
    .addHelpText("after", HELP)
    .action(async (_options: Options, command: Command) => {
      const options = command.optsWithGlobals<Options>();
      const which = indexOrAll(options);
      const [{ examineIndex }, { checkAliases }, { showStageProgress }] = await Promise.all([
        import("../../maintenance/doctor.ts"),
        import("../../maintenance/check-aliases.ts"),
        import("../stage-progress.ts"),
      ]);
      await withStore(context, { ...options, title: "maxleaf doctor" }, async (store) => {
        const progress = showStageProgress(context.terminal, options.json === true);
        const diagnoses: Diagnosis[] = [];
        try {
          for (const index of await indexesOf(store, which)) {
            const onProgress = (stage: string, share: number) => progress.update(`${index}: ${stage}`, share);
            diagnoses.push(await examineIndex({ store, index, deep: options.deep, onProgress }));
          }
        } finally {
          progress.stop();
        }
        const aliases = which === undefined ? await checkAliases(store) : undefined;
        const json = () => `${JSON.stringify({ indexes: diagnoses, aliases })}\n`;
        const text = () => [...diagnoses.map(asText), ...aliasesText(aliases ?? [])].join("\n");
        context.terminal.out(options.json === true ? json() : text());
        const hasErrors = aliases?.some(({ severity }) => severity === "error") === true;
        if (hasErrors || diagnoses.some(({ isWell }) => !isWell)) context.exitCode = EXIT.unexpected;
      });
    });
}

function aliasesText(findings: readonly Finding[]): string[] {
  return findings.length === 0 ? [] : [`aliases\n${findings.map(findingText).join("")}`];
}

function asText({ index, manifestVersion, droppedAtMs, deep, isWell, checked, findings }: Diagnosis): string {
  if (droppedAtMs !== undefined) {
    return `${index} was dropped on ${new Date(droppedAtMs).toISOString()}\n${findings.map(findingText).join("")}`;
  }
  const { segments, pages, documents } = checked;
  const what = `${counted(documents, "document")}, ${counted(pages, "page")} in ${counted(segments, "segment")}`;
  const version = manifestVersion === undefined ? "no version can be read" : `version ${manifestVersion}`;
  const verdict = isWell ? (deep ? "is well" : "looks well") : "is not well";
  return `${index} ${verdict}: ${version}, ${what}\n${findings.map(findingText).join("")}`;
}

function findingText({ severity, problem, meaning, mend, documents = [] }: Finding): string {
  const shown = documents.slice(0, DOCUMENTS_SHOWN).map((name) => `      ${name}\n`);
  const more = documents.length - shown.length;
  if (more > 0) shown.push(`      … and ${more} more (--json has them)\n`);
  const list = documents.length === 0 ? "" : `    documents:\n${shown.join("")}`;
  return `  ${severity}: ${problem}\n    means: ${meaning}\n    mend: ${mend}\n${list}`;
}
