/**
 * `maxleaf documents`.
 *
 * @module
 */
import type { Command } from "commander";
import type { DocumentPage } from "../../../shared/format/document-pages.ts";
import type { ObjectStore } from "../../../shared/store/object-store.ts";
import type { LiveDocument } from "../../indexing/document-index.ts";
import type { CommandContext, GlobalOptions } from "../context.ts";
import { byteSize, table } from "../format.ts";
import { indexName } from "../option-values.ts";
import { withStore } from "../with-store.ts";

interface Options extends GlobalOptions {
  index: string;
  pages?: boolean;
  json?: boolean;
}

const EXAMPLES = `
Examples:
  maxleaf documents --index reports
  maxleaf documents --index reports 2023/annual-report.pdf --pages`;

export function addDocuments(program: Command, context: CommandContext): void {
  program
    .command("documents")
    .description("list the documents of an index, or the pages of one")
    .argument("[document]", "only this one: its name or its id")
    .requiredOption("-i, --index <name>", "the index", indexName)
    .option("--pages", "say of each of its pages whether it can be found")
    .option("--json", "print one JSON document")
    .addHelpText("after", EXAMPLES)
    .action(async (idOrName: string | undefined, _options: Options, command: Command) => {
      const options = command.optsWithGlobals<Options>();
      if (options.pages === true && idOrName === undefined) {
        command.error("maxleaf: --pages is about one document: name it", { exitCode: 2 });
      }
      const { pickDocument, readDocuments } = await import("../index-access.ts");
      const { resolveIndexName } = await import("../../../shared/format/aliases.ts");
      await withStore(context, { ...options, title: "maxleaf documents" }, async (store) => {
        const index = await resolveIndexName(store, options.index);
        const all = await readDocuments(store, index);
        const documents = idOrName === undefined ? all : [pickDocument(all, index, idOrName)];
        const [document] = documents;
        if (options.pages === true && document !== undefined) {
          context.terminal.out(await pagesOf(store, document, { ...options, index }));
          return;
        }
        const json = { index, documents: documents.map(toJson) };
        context.terminal.out(options.json === true ? `${JSON.stringify(json)}\n` : asTable(documents));
      });
    });
}

async function pagesOf(store: ObjectStore, document: LiveDocument, { index, json }: Options): Promise<string> {
  const { requireManifest } = await import("../index-access.ts");
  const { readDocumentPages } = await import("../../indexing/document-pages.ts");
  const pages = await readDocumentPages(store, await requireManifest(store, index), document);
  if (json !== true) return asPageTable(pages);
  const listed = pages.map(({ pageNumber: page, ...rest }) => ({ page, ...rest }));
  return `${JSON.stringify({ index, document: toJson(document), pages: listed })}\n`;
}

function asPageTable(pages: readonly DocumentPage[]): string {
  const rows = pages.map(({ pageNumber, status, vectorCount, width, height }) => [
    pageNumber,
    status,
    vectorCount,
    `${Math.round(width)} × ${Math.round(height)}`,
  ]);
  return table(["page", "status", "vectors", "size"], rows);
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
