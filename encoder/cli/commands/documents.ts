/**
 * `maxleaf documents`.
 *
 * @module
 */
import type { Command } from "commander";
import type { LiveDocument } from "../../indexing/document-index.ts";
import type { CommandContext, GlobalOptions } from "../context.ts";
import { byteSize, table } from "../format.ts";
import { indexName } from "../option-values.ts";
import { withStore } from "../with-store.ts";

interface Options extends GlobalOptions {
  index: string;
  json?: boolean;
}

export function addDocuments(program: Command, context: CommandContext): void {
  program
    .command("documents")
    .description("list the documents of an index")
    .requiredOption("-i, --index <name>", "the index", indexName)
    .option("--json", "print one JSON document")
    .addHelpText("after", "\nExample:\n  maxleaf documents --index reports")
    .action(async (_options: Options, command: Command) => {
      const options = command.optsWithGlobals<Options>();
      const { readDocuments } = await import("../index-access.ts");
      await withStore(context, { ...options, title: "maxleaf documents" }, async (store) => {
        const documents = await readDocuments(store, options.index);
        const json = { index: options.index, documents: documents.map(toJson) };
        context.terminal.out(options.json === true ? `${JSON.stringify(json)}\n` : asTable(documents));
      });
    });
}

function toJson({ entry: { addedAtMs, ...entry }, searchablePages }: LiveDocument) {
  return { ...entry, searchablePages, addedAt: new Date(addedAtMs).toISOString() };
}

function asTable(documents: readonly LiveDocument[]): string {
  const rows = documents.map(({ entry, searchablePages }) => [
    entry.id,
    entry.name,
    entry.pageCount,
    searchablePages,
    byteSize(entry.sourceBytes),
    new Date(entry.addedAtMs).toISOString(),
  ]);
  return table(["id", "name", "pages", "searchable", "size", "added"], rows);
}
