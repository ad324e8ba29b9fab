/**
 * `maxleaf indexes`.
 *
 * @module
 */
import type { Command } from "commander";
import type { Alias } from "../../../shared/format/aliases.ts";
import type { CommandContext, GlobalOptions } from "../context.ts";
import type { DroppedName } from "../index-access.ts";
import { withStore } from "../with-store.ts";

interface Options extends GlobalOptions {
  json?: boolean;
}

export function addIndexes(program: Command, context: CommandContext): void {
  program
    .command("indexes")
    .description("list the indexes of the bucket, their aliases, and what was dropped and can be restored")
    .option("--json", "print one JSON document")
    .addHelpText("after", "\nExample:\n  maxleaf indexes")
    .action(async (_options: Options, command: Command) => {
      const options = command.optsWithGlobals<Options>();
      const [{ readDropped, readManifests }, { indexTable, summaryOf }, { listAliases }] = await Promise.all([
        import("../index-access.ts"),
        import("../index-summary.ts"),
        import("../../../shared/format/aliases.ts"),
      ]);
      await withStore(context, { ...options, title: "maxleaf indexes" }, async (store) => {
        const indexes = (await readManifests(store)).map(summaryOf);
        const [aliases, dropped] = await Promise.all([listAliases(store), readDropped(store)]);
        const json = () => `${JSON.stringify({ indexes, aliases: aliases.map(toJson), dropped })}\n`;
        const text = () => indexTable(indexes) + aliases.map(aliasLine).join("") + dropped.map(droppedLine).join("");
        context.terminal.out(options.json === true ? json() : text());
      });
    });
}

function toJson({ name, index, changedAtMs }: Alias) {
  return { name, index, changedAt: new Date(changedAtMs).toISOString() };
}

function aliasLine({ name, index }: Alias): string {
  return `${name} is an alias of ${index}\n`;
}

function droppedLine({ name, droppedAt }: DroppedName): string {
  return `${name} was dropped on ${droppedAt}: maxleaf restore ${name} brings it back\n`;
}
