/**
 * `maxleaf export`.
 *
 * @module
 */
import type { Command } from "commander";
import type { CommandContext, GlobalOptions } from "../context.ts";
import { byteSize, count, counted } from "../format.ts";
import { indexName } from "../option-values.ts";
import { withStore } from "../with-store.ts";

interface Options extends GlobalOptions {
  index: string;
  json?: boolean;
}

const HELP = `
Writes the newest version of an index into a folder: segments, codebook, inverted file, sources and page images as they are
in the bucket, a list of them with sizes and SHA-256, and the manifest. An export that was cut off goes on where it was.

Example:
  maxleaf export ./reports-2026-01-31 --index reports`;

export function addExport(program: Command, context: CommandContext): void {
  program
    .command("export")
    .description("copy an index into a folder")
    .argument("<folder>", "a new one, or that of an export that was cut off")
    .requiredOption("-i, --index <name>", "the index", indexName)
    .option("--json", "print one JSON document")
    .addHelpText("after", HELP)
    .action(async (folder: string, _options: Options, command: Command) => {
      const { index: name, json = false, ...globals } = command.optsWithGlobals<Options>();
      const { exportIndex } = await import("../../maintenance/export-index.ts");
      const { resolveIndexName } = await import("../../../shared/format/aliases.ts");
      await withStore(context, { ...globals, title: "maxleaf export" }, async (store) => {
        const index = await resolveIndexName(store, name);
        const onProgress = (objects: number) => context.terminal.err(`${counted(objects, "object")} copied\n`);
        const report = await exportIndex({ store, index, folder, ...(!json && { onProgress }) });
        const { objects, bytes, kept, vanished, manifestVersion } = report;
        const notes = [
          ...(kept > 0 ? [`${count(kept)} were there already`] : []),
          ...(vanished > 0 ? [`${counted(vanished, "file")} of documents deleted meanwhile left out`] : []),
        ];
        const text = `${index}: version ${manifestVersion}, ${counted(objects, "object")}, ${byteSize(bytes)}, in ${folder}${notes.map((note) => `; ${note}`).join("")}\n`;
        context.terminal.out(json ? `${JSON.stringify(report)}\n` : text);
      });
    });
}
