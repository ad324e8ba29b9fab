/**
 * `maxleaf start`: everything on one machine, in one command. What `npm start` runs.
 *
 * @module
 */
import { stat } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { Command } from "commander";
import type { Discovery } from "../../ingest/discover.ts";
import type { CommandContext, GlobalOptions } from "../context.ts";
import { FALLBACK_INDEX_NAME, indexNameOf } from "../index-name-of.ts";
import { ingestSummary } from "../ingest-report.ts";
import { loadOptionsOf } from "../load-options.ts";
import { noOcrOption, ocrLanguageOf, ocrLanguageOption, type OcrOptions } from "../ocr-options.ts";
import { indexName, portNumber } from "../option-values.ts";
import { type ServedStack, serveUntilStopped } from "../serve-until-stopped.ts";

interface Options extends GlobalOptions, OcrOptions {
  index?: string;
  recipe?: string;
  port?: number;
  encoderPort?: number;
}

/** Files that go into one index. */
interface Batch {
  index: string;
  found: Discovery;
}

const SAMPLES_FOLDER = fileURLToPath(new URL("../../samples/pdf", import.meta.url));
const SAMPLES_INDEX = "samples";

const HELP = `
Without paths the bundled sample documents are indexed as "samples"; a folder becomes an index that is named after it.
What is indexed already is left alone, so starting again takes seconds.

Examples:
  maxleaf start
  maxleaf start ./reports ./contracts
  maxleaf start ./reports --index everything --port 9000`;

export function addStart(program: Command, context: CommandContext): void {
  program
    .command("start")
    .description("index documents and serve the search page on this machine")
    .argument("[paths...]", "files and folders")
    .option("-i, --index <name>", "one index for all paths", indexName)
    .option("--recipe <name>", "how pages become vectors, for a new index (default: minilm-words)")
    .option("--port <number>", "of the search page (default: 8787, or a free one)", portNumber)
    .option("--encoder-port <number>", "of the encoder service (default: 8788, or a free one)", portNumber)
    .addOption(ocrLanguageOption())
    .addOption(noOcrOption())
    .addHelpText("after", HELP)
    .action(async (paths: string[], _options: Options, command: Command) => {
      const options = command.optsWithGlobals<Options>();
      // Before anything starts: a path that does not exist should not cost a minute.
      const batches = await findBatches(paths, options.index);
      const serving = { ...options, taskOcrLanguage: ocrLanguageOf(options) };
      await serveUntilStopped(context, serving, "maxleaf start", async (stack) => {
        await ingestBatches(context, stack, batches, options);
      });
    });
}

async function findBatches(paths: readonly string[], index: string | undefined): Promise<Batch[]> {
  const { discoverFiles } = await import("../../ingest/discover.ts");
  const pathsOf = new Map<string, string[]>();
  if (paths.length === 0) pathsOf.set(index ?? SAMPLES_INDEX, [SAMPLES_FOLDER]);
  for (const path of paths) {
    const name = index ?? (await defaultIndexOf(path));
    pathsOf.set(name, [...(pathsOf.get(name) ?? []), path]);
  }
  const batches: Batch[] = [];
  for (const [name, group] of pathsOf) batches.push({ index: name, found: await discoverFiles(group) });
  return batches;
}

async function defaultIndexOf(path: string): Promise<string> {
  const info = await stat(path).catch(() => undefined);
  return info?.isDirectory() === true ? indexNameOf(path) : FALLBACK_INDEX_NAME;
}

async function ingestBatches(
  context: CommandContext,
  stack: ServedStack,
  batches: readonly Batch[],
  options: Options,
): Promise<void> {
  const { runIngest } = await import("../run-ingest.ts");
  const { recipe } = options;
  const modelOptions = loadOptionsOf(options, context);
  const ocrLanguage = ocrLanguageOf(options);
  for (const { index, found } of batches) {
    const report = await runIngest(context, stack.store, { index, found, recipe, modelOptions, ocrLanguage });
    context.terminal.out(ingestSummary(report));
    if (report.interrupted) return;
  }
}
