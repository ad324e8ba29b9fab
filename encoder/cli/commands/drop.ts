/**
 * `maxleaf drop` and `maxleaf restore`.
 *
 * @module
 */
import type { Command } from "commander";
import { MaxleafError, quote } from "../../../shared/errors.ts";
import type { Manifest } from "../../../shared/format/manifest.ts";
import type { ObjectStore } from "../../../shared/store/object-store.ts";
import { requireYes } from "../confirm.ts";
import type { CommandContext, GlobalOptions } from "../context.ts";
import { counted } from "../format.ts";
import type { IndexSummary } from "../index-summary.ts";
import { indexName } from "../option-values.ts";
import { withStore } from "../with-store.ts";

interface Options extends GlobalOptions {
  yes?: boolean;
  json?: boolean;
}

const HOUR_MS = 60 * 60 * 1_000;

const DROP_HELP = `
The index is gone for searches within 10 s. Its objects stay until maxleaf gc --delete runs after the grace period (72 h):
until then maxleaf restore brings it back, unless another index was made under its name. Ingestions and workers that use
the name make a new index: stop them first. Aliases that lead to it stay, and lead nowhere.

Examples:
  maxleaf drop reports-2025
  maxleaf drop reports-2025 --yes --json`;

const RESTORE_HELP = `
Brings an index back as it was before it was dropped, as long as no garbage collection has removed what it held and no
other index has its name. An index that was restored by mistake can be dropped again.

Example:
  maxleaf restore reports-2025`;

export function addDrop(program: Command, context: CommandContext): void {
  program
    .command("drop")
    .description("remove an index with all its documents")
    .argument("<index>", "by its own name: an alias is not followed", indexName)
    .option("-y, --yes", "do not ask")
    .option("--json", "print one JSON document")
    .addHelpText("after", DROP_HELP)
    .action(async (index: string, _options: Options, command: Command) => {
      const { yes = false, json = false, ...options } = command.optsWithGlobals<Options>();
      const [{ dropIndex }, { listAliases }, { DEFAULT_GRACE_HOURS }, { summaryOf }] = await Promise.all([
        import("../../indexing/index-life.ts"),
        import("../../../shared/format/aliases.ts"),
        import("../../maintenance/collect-garbage.ts"),
        import("../index-summary.ts"),
      ]);
      await withStore(context, { ...options, title: "maxleaf drop" }, async (store) => {
        const present = summaryOf(await requireOwnName(store, index));
        const aliases = (await listAliases(store)).filter((alias) => alias.index === index).map(({ name }) => name);
        const led = aliases.length === 0 ? "" : ` ${aliases.join(", ")} will lead nowhere.`;
        if (!yes) await requireYes(context, `${index} has ${contentOf(present)}.${led} Drop it?`);
        const { manifest, content } = await dropIndex({ store }, index);
        const gone = summaryOf(content);
        const { droppedAtMs = manifest.committedAtMs, version: manifestVersion } = manifest;
        const restorableUntil = new Date(droppedAtMs + DEFAULT_GRACE_HOURS * HOUR_MS).toISOString();
        const droppedAt = new Date(droppedAtMs).toISOString();
        const report = {
          index,
          manifestVersion,
          droppedAt,
          restorableUntil,
          documents: gone.documents,
          pages: gone.pages,
          aliases,
        };
        const text = `dropped ${index} with ${contentOf(gone)}; until ${restorableUntil} maxleaf restore ${index} brings it back\n`;
        context.terminal.out(json ? `${JSON.stringify(report)}\n` : text);
      });
    });
}

export function addRestore(program: Command, context: CommandContext): void {
  program
    .command("restore")
    .description("bring back an index that was dropped")
    .argument("<index>", "by its own name", indexName)
    .option("--json", "print one JSON document")
    .addHelpText("after", RESTORE_HELP)
    .action(async (index: string, _options: Options, command: Command) => {
      const options = command.optsWithGlobals<Options>();
      const [{ restoreIndex }, { summaryOf }] = await Promise.all([
        import("../../indexing/index-life.ts"),
        import("../index-summary.ts"),
      ]);
      await withStore(context, { ...options, title: "maxleaf restore", endsItself: true }, async (store) => {
        const summary = summaryOf(await restoreIndex({ store }, index));
        const { version: manifestVersion, documents, pages } = summary;
        const report = { index, manifestVersion, documents, pages };
        const text = `restored ${index} with ${contentOf(summary)}\n`;
        context.terminal.out(options.json === true ? `${JSON.stringify(report)}\n` : text);
      });
    });
}

/** Errors: `index_not_found`; `invalid_request` for an alias, which says what to do instead. */
async function requireOwnName(store: ObjectStore, name: string): Promise<Manifest> {
  const [{ requireManifest }, { resolveIndexName }] = await Promise.all([
    import("../index-access.ts"),
    import("../../../shared/format/aliases.ts"),
  ]);
  const index = await resolveIndexName(store, name);
  if (index === name) return await requireManifest(store, index);
  throw new MaxleafError(
    "invalid_request",
    `${quote(name)} is an alias of ${quote(index)}: maxleaf alias remove ${name} removes the name, maxleaf drop ${index} the index`,
  );
}

function contentOf({ documents, pages }: Pick<IndexSummary, "documents" | "pages">): string {
  return `${counted(documents, "document")}, ${counted(pages, "page")}`;
}
