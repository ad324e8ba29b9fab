/**
 * `maxleaf indexes`.
 *
 * @module
 */
import type { Command } from "commander";
import { liveDocumentCount, type Manifest, type SegmentEntry } from "../../../shared/format/manifest.ts";
import type { CommandContext, GlobalOptions } from "../context.ts";
import { byteSize, table } from "../format.ts";
import { withStore } from "../with-store.ts";

interface Options extends GlobalOptions {
  json?: boolean;
}

export function addIndexes(program: Command, context: CommandContext): void {
  program
    .command("indexes")
    .description("list the indexes of the bucket")
    .option("--json", "print one JSON document")
    .addHelpText("after", "\nExample:\n  maxleaf indexes")
    .action(async (_options: Options, command: Command) => {
      const options = command.optsWithGlobals<Options>();
      const { readManifests } = await import("../index-access.ts");
      await withStore(context, { ...options, title: "maxleaf indexes" }, async (store) => {
        const indexes = (await readManifests(store)).map(summaryOf);
        context.terminal.out(options.json === true ? `${JSON.stringify({ indexes })}\n` : asTable(indexes));
      });
    });
}

type Summary = ReturnType<typeof summaryOf>;

/** Deleted documents count in `pages` until their segment is rewritten. */
function summaryOf(manifest: Manifest) {
  const total = (field: "pageCount" | "searchablePageCount" | "vectorCount" | "bytes") =>
    manifest.segments.reduce((sum: number, segment: SegmentEntry) => sum + segment[field], 0);
  return {
    name: manifest.index,
    recipe: manifest.recipe.name,
    version: manifest.version,
    updatedAt: new Date(manifest.committedAtMs).toISOString(),
    documents: manifest.segments.reduce((sum, segment) => sum + liveDocumentCount(segment), 0),
    pages: total("pageCount"),
    searchablePages: total("searchablePageCount"),
    vectors: total("vectorCount"),
    bytes: total("bytes") + (manifest.codebook?.bytes ?? 0),
  };
}

function asTable(indexes: readonly Summary[]): string {
  if (indexes.length === 0) return "no indexes yet: maxleaf ingest <folder> --index NAME\n";
  const rows = indexes.map(({ name, recipe, documents, pages, searchablePages, vectors, bytes, updatedAt }) => [
    name,
    recipe,
    documents,
    pages,
    searchablePages,
    vectors,
    byteSize(bytes),
    updatedAt,
  ]);
  return table(["index", "recipe", "documents", "pages", "searchable", "vectors", "size", "updated"], rows);
}
