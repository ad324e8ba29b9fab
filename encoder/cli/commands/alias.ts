/**
 * `maxleaf alias` and `maxleaf rename`.
 *
 * @module
 */
import type { Command } from "commander";
import type { Alias } from "../../../shared/format/aliases.ts";
import type { CommandContext, GlobalOptions } from "../context.ts";
import { table } from "../format.ts";
import { indexName } from "../option-values.ts";
import { withStore } from "../with-store.ts";

interface Options extends GlobalOptions {
  expect?: string;
  keep?: boolean;
  json?: boolean;
}

const HELP = `
An alias is another name of an index, for searches, ingestion and every command. Setting it again leads it to another
index at once: build the new one beside the old, try it under its own name, then swap. The edge follows within 10 s.
An index that is there wins over an alias of its name, so neither can be made while the other has the name.

Examples:
  maxleaf alias
  maxleaf alias set reports reports-2026-02
  maxleaf alias set reports reports-2026-03 --expect reports-2026-02
  maxleaf alias remove reports --expect reports-2026-03`;

const SET_HELP = `
Example:
  maxleaf alias set reports reports-2026-03 --expect reports-2026-02`;

const RENAME_HELP = `
The new name is an alias: no object is moved. Where the old name is an alias too it is removed, unless --keep is given. An
index's own name stays valid as long as the index is there.

Examples:
  maxleaf rename reports quarterly-reports
  maxleaf rename current live --keep`;

export function addAlias(program: Command, context: CommandContext): void {
  const alias = program
    .command("alias")
    .description("list other names of indexes; set and remove them")
    .option("--json", "print one JSON document")
    .addHelpText("after", HELP)
    .action(async (_options: Options, command: Command) => await list(context, command.optsWithGlobals<Options>()));
  alias
    .command("list")
    .description("the same as maxleaf alias")
    .option("--json", "print one JSON document")
    .action(async (_options: Options, command: Command) => await list(context, command.optsWithGlobals<Options>()));
  alias
    .command("set")
    .description("lead a name to an index, new or in place of the one that it leads to")
    .argument("<name>", "of the alias", indexName)
    .argument("<index>", "where it leads; of an alias: where that leads now", indexName)
    .option("--expect <index>", "only when it leads there now", indexName)
    .option("--json", "print one JSON document")
    .addHelpText("after", SET_HELP)
    .action(async (name: string, index: string, _options: Options, command: Command) => {
      await set(context, { name, index }, command.optsWithGlobals<Options>());
    });
  alias
    .command("remove")
    .description("remove a name; the index that it leads to stays")
    .argument("<name>", "of the alias", indexName)
    .option("--expect <index>", "only when it leads there now", indexName)
    .option("--json", "print one JSON document")
    .action(async (name: string, _options: Options, command: Command) => {
      await remove(context, name, command.optsWithGlobals<Options>());
    });
}

export function addRename(program: Command, context: CommandContext): void {
  program
    .command("rename")
    .description("give an index another name")
    .argument("<from>", "an index, or an alias of one", indexName)
    .argument("<to>", "the new name", indexName)
    .option("--keep", "keep the old name where it is an alias")
    .option("--json", "print one JSON document")
    .addHelpText("after", RENAME_HELP)
    .action(async (from: string, to: string, _options: Options, command: Command) => {
      const { keep: keepOld, json, ...options } = command.optsWithGlobals<Options>();
      const { renameIndex } = await import("../../indexing/change-aliases.ts");
      await withStore(context, { ...options, title: "maxleaf rename", endsItself: true }, async (store) => {
        const renamed = await renameIndex({ store }, { from, to, keepOld });
        const { index, name, removed } = renamed;
        const old = removed === undefined ? `${from} stays a name of it` : `${removed} is no name of it any more`;
        const text = `${name} leads to ${index}; ${old}\n`;
        context.terminal.out(json === true ? `${JSON.stringify(renamed)}\n` : text);
      });
    });
}

async function list(context: CommandContext, options: Options): Promise<void> {
  const [{ listAliases }, { readManifests }] = await Promise.all([
    import("../../../shared/format/aliases.ts"),
    import("../index-access.ts"),
  ]);
  await withStore(context, { ...options, title: "maxleaf alias" }, async (store) => {
    const [aliases, manifests] = await Promise.all([listAliases(store), readManifests(store)]);
    const indexes = new Set(manifests.map(({ index }) => index));
    const described = aliases.map((alias) => ({ ...asJson(alias), problem: problemOf(alias, indexes) }));
    const rows = described.map(({ name, index, changedAt, problem = "" }) => [name, index, changedAt, problem]);
    const none = "no aliases: maxleaf alias set NAME INDEX\n";
    const text = rows.length === 0 ? none : table(["alias", "index", "changed", ""], rows);
    context.terminal.out(options.json === true ? `${JSON.stringify({ aliases: described })}\n` : text);
  });
}

function problemOf({ name, index }: Alias, indexes: ReadonlySet<string>): string | undefined {
  if (indexes.has(name)) return "an index has this name and wins";
  return indexes.has(index) ? undefined : "there is no such index";
}

async function set(context: CommandContext, asked: { name: string; index: string }, options: Options): Promise<void> {
  const { expect: expected, json, ...globals } = options;
  const { setAlias } = await import("../../indexing/change-aliases.ts");
  await withStore(context, { ...globals, title: "maxleaf alias set", endsItself: true }, async (store) => {
    const { previous, ...alias } = await setAlias({ store }, { ...asked, expected });
    const before = previous === undefined || previous === alias.index ? "" : `, and no more to ${previous}`;
    const text = `${alias.name} leads to ${alias.index}${before}\n`;
    context.terminal.out(json === true ? `${JSON.stringify({ ...asJson(alias), previous })}\n` : text);
  });
}

async function remove(context: CommandContext, name: string, options: Options): Promise<void> {
  const { expect: expected, json, ...globals } = options;
  const { removeAlias } = await import("../../indexing/change-aliases.ts");
  await withStore(context, { ...globals, title: "maxleaf alias remove", endsItself: true }, async (store) => {
    const alias = await removeAlias({ store }, { name, expected });
    const text = `${name} leads to ${alias.index} no more\n`;
    context.terminal.out(json === true ? `${JSON.stringify({ removed: asJson(alias) })}\n` : text);
  });
}

function asJson({ name, index, changedAtMs }: Alias) {
  return { name, index, changedAt: new Date(changedAtMs).toISOString() };
}
