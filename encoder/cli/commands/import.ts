/**
 * `maxleaf import`.
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
  replace?: boolean;
  json?: boolean;
}

const HELP = `
Puts an export into the bucket, under the name it had or another. Every object is compared with its SHA-256 before it is
stored, and the manifest comes last: an import that was cut off shows nothing, and goes on when it is run again.

Examples:
  maxleaf import ./reports-2026-01-31 --index reports
  maxleaf import ./reports-2026-01-31 --index reports --replace`;

export function addImport(program: Command, context: CommandContext): void {
  program
    .command("import")
    .description("make an index of a folder that maxleaf export wrote")
    .argument("<folder>", "of the export")
    .requiredOption("-i, --index <name>", "the index to make", indexName)
    .option("--replace", "put it in the place of an index that is there")
    .option("--json", "print one JSON document")
    .addHelpText("after", HELP)
    .action(async (folder: string, _options: Options, command: Command) => {
      const { index: name, replace, json = false, ...globals } = command.optsWithGlobals<Options>();
      const { importIndex } = await import("../../maintenance/import-index.ts");
      const { resolveIndexName } = await import("../../../shared/format/aliases.ts");
      await withStore(context, { ...globals, title: "maxleaf import" }, async (store) => {
        // A new index must have a name of its own; one that is replaced may be called by an alias.
        const index = replace === true ? await resolveIndexName(store, name) : name;
        const onProgress = (objects: number, of: number) =>
          context.terminal.err(`${count(objects)} of ${counted(of, "object")} stored\n`);
        const report = await importIndex({ store, index, folder, replace, ...(!json && { onProgress }) });
        const { objects, bytes, kept, manifestVersion } = report;
        const note = kept > 0 ? `; ${count(kept)} were there already` : "";
        const text = `${index}: version ${manifestVersion}, ${counted(objects, "object")}, ${byteSize(bytes)}${note}\n`;
        context.terminal.out(json ? `${JSON.stringify(report)}\n` : text);
      });
    });
}
