/**
 * `maxleaf update`.
 *
 * @module
 */
import type { Command } from "commander";
import type { ObjectStore } from "../../../shared/store/object-store.ts";
import type { CommandContext, GlobalOptions } from "../context.ts";
import { counted } from "../format.ts";
import { indexName, metadata } from "../option-values.ts";
import { withStore } from "../with-store.ts";

interface Options extends GlobalOptions {
  index: string;
  set?: Record<string, string>;
  unset?: string[];
  discard?: boolean;
  json?: boolean;
}

const HELP = `
Changes the fields that searches can be filtered by. Nothing is encoded again: what is written is small, and searches see it
as soon as they read the index anew. All documents change in one step, or none does.

What has changed is kept beside the pages until maxleaf compact writes it into them. --discard forgets instead what is kept
there, for all documents: for when maxleaf doctor finds it damaged.

Examples:
  maxleaf update 2023/annual-report.pdf --index reports --set year=2023 --set team=finance
  maxleaf update a.pdf b.pdf --index reports --unset team`;

export function addUpdate(program: Command, context: CommandContext): void {
  program
    .command("update")
    .description("change metadata of documents, without encoding them again")
    .argument("[document...]", "their names or ids (see maxleaf documents)")
    .requiredOption("-i, --index <name>", "the index", indexName)
    .option("--set <key=value>", "give a field this value; may be repeated", metadata)
    .option("--unset <key>", "remove a field; may be repeated", collectKeys)
    .option("--discard", "forget all changes that were not compacted yet")
    .option("--json", "print one JSON document")
    .addHelpText("after", HELP)
    .action(async (documents: string[], _options: Options, command: Command) => {
      const options = command.optsWithGlobals<Options>();
      checkUsage(command, documents, options);
      await withStore(context, { ...options, title: "maxleaf update", endsItself: true }, async (store) => {
        const done = options.discard === true ? await discard(store, options) : await update(store, documents, options);
        context.terminal.out(options.json === true ? `${JSON.stringify(done.json)}\n` : done.text);
      });
    });
}

function collectKeys(key: string, keys: string[] | undefined): string[] {
  return [...(keys ?? []), key];
}

function checkUsage(command: Command, documents: readonly string[], { set, unset, discard: discards }: Options): void {
  const refuse = (message: string) => command.error(`maxleaf: ${message}`, { exitCode: 2 });
  const changes = set !== undefined || unset !== undefined;
  if (discards === true) {
    if (documents.length > 0 || changes) refuse("--discard is for all documents, and takes no --set or --unset");
    return;
  }
  if (documents.length === 0) refuse("name the documents to update");
  if (!changes) refuse("say what to change: --set key=value, --unset key");
  const both = unset?.find((key) => set !== undefined && Object.hasOwn(set, key));
  if (both !== undefined) refuse(`field ${JSON.stringify(both)} cannot be set and unset`);
}

interface Done {
  json: object;
  text: string;
}

async function update(
  store: ObjectStore,
  named: readonly string[],
  { index: name, set, unset }: Options,
): Promise<Done> {
  const { findDocuments } = await import("../index-access.ts");
  const { updateMetadata } = await import("../../indexing/update-metadata.ts");
  const { resolveIndexName } = await import("../../../shared/format/aliases.ts");
  const index = await resolveIndexName(store, name);
  const removed = Object.fromEntries((unset ?? []).map((key) => [key, null]));
  const documents = await findDocuments(store, index, named);
  const patches = new Map(documents.map(({ entry }) => [entry.id, { ...set, ...removed }]));
  const { manifest, changed, unchanged } = await updateMetadata({ store, index }, patches);
  const json = {
    index,
    updated: changed.map(({ id, name: documentName, metadata: fields }) => ({
      id,
      name: documentName,
      metadata: fields,
    })),
    unchanged: unchanged.map(({ id, name: documentName }) => ({ id, name: documentName })),
    manifestVersion: manifest.version,
  };
  const same = unchanged.length === 0 ? "" : `; ${counted(unchanged.length, "document")} had it like that already`;
  return { json, text: `updated ${counted(changed.length, "document")} of ${index}${same}\n` };
}

async function discard(store: ObjectStore, { index: name }: Options): Promise<Done> {
  const { discardUpdates } = await import("../../indexing/update-metadata.ts");
  const { resolveIndexName } = await import("../../../shared/format/aliases.ts");
  const index = await resolveIndexName(store, name);
  const { manifest, documents } = await discardUpdates({ store, index });
  return {
    json: { index, discarded: documents, manifestVersion: manifest.version },
    text: `forgot the changed metadata of ${counted(documents, "document")} of ${index}\n`,
  };
}
