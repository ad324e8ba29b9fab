/**
 * `maxleaf delete`.
 *
 * @module
 */
import type { Command } from "commander";
import type { CommandContext, GlobalOptions } from "../context.ts";
import { counted } from "../format.ts";
import { indexName } from "../option-values.ts";
import { withStore } from "../with-store.ts";

interface Options extends GlobalOptions {
  index: string;
  json?: boolean;
}

export function addDelete(program: Command, context: CommandContext): void {
  program
    .command("delete")
    .description("remove a document, its pages and its source from an index")
    .argument("<document>", "its name or its id (see maxleaf documents)")
    .requiredOption("-i, --index <name>", "the index", indexName)
    .option("--json", "print one JSON document")
    .addHelpText("after", "\nExample:\n  maxleaf delete 2023/annual-report.pdf --index reports")
    .action(async (idOrName: string, _options: Options, command: Command) => {
      const options = command.optsWithGlobals<Options>();
      const { findDocument } = await import("../index-access.ts");
      const { deleteDocument } = await import("../../indexing/commit-changes.ts");
      const { resolveIndexName } = await import("../../../shared/format/aliases.ts");
      await withStore(context, { ...options, title: "maxleaf delete", endsItself: true }, async (store) => {
        const index = await resolveIndexName(store, options.index);
        const { entry } = await findDocument(store, index, idOrName);
        const onWarning = (message: string) => context.terminal.err(`maxleaf: ${message}\n`);
        const { manifest } = await deleteDocument({ store, index, onWarning }, entry.id);
        const { id, name, pageCount } = entry;
        const json = { index, deleted: { id, name, pageCount }, manifestVersion: manifest.version };
        const text = `deleted ${name} (${counted(pageCount, "page")}) from ${index}\n`;
        context.terminal.out(options.json === true ? `${JSON.stringify(json)}\n` : text);
      });
    });
}
