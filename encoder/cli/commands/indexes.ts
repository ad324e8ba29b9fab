/**
 * `maxleaf indexes`.
 *
 * @module
 */
import type { Command } from "commander";
import type { CommandContext, GlobalOptions } from "../context.ts";
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
      const [{ readManifests }, { indexTable, summaryOf }] = await Promise.all([
        import("../index-access.ts"),
        import("../index-summary.ts"),
      ]);
      await withStore(context, { ...options, title: "maxleaf indexes" }, async (store) => {
        const indexes = (await readManifests(store)).map(summaryOf);
        context.terminal.out(options.json === true ? `${JSON.stringify({ indexes })}\n` : indexTable(indexes));
      });
    });
}
