/**
 * `maxleaf ingest`.
 *
 * @module
 */
import { availableParallelism } from "node:os";
import type { Command } from "commander";
import type { CommandContext, GlobalOptions } from "../context.ts";
import { ingestExitCode, ingestSummary } from "../ingest-report.ts";
import { loadOptionsOf } from "../load-options.ts";
import { type Device, deviceOption, indexName, integer, metadata } from "../option-values.ts";
import { noOcrOption, ocrLanguageOf, ocrLanguageOption, type OcrOptions } from "../ocr-options.ts";
import { withStore } from "../with-store.ts";

interface Options extends GlobalOptions, OcrOptions {
  index: string;
  recipe?: string;
  meta?: Record<string, string>;
  threads?: number;
  device: Device;
  /** Commander's name for `--no-calibrate` not given. */
  calibrate: boolean;
  json?: boolean;
}

const HELP = `
Documents are called by their path below the given folder. Running it again skips what has not changed, replaces what
has, and finishes what was interrupted. A file that cannot be read fails alone: its reason is printed, exit code 3.

Examples:
  maxleaf ingest ./reports --index reports
  maxleaf ingest scan.tiff contract.pdf --index contracts --meta year=2023 --meta customer=acme
  maxleaf ingest ./reports --index reports --json > report.json`;

export function addIngest(program: Command, context: CommandContext): void {
  program
    .command("ingest")
    .description("add PDF, image and office files, or folders of them, to an index")
    .argument("<paths...>", "files and folders")
    .requiredOption("-i, --index <name>", "the index; created when absent", indexName)
    .option("--recipe <name>", "how pages become vectors, for a new index (default: minilm-words)")
    .option("--meta <key=value>", "a filterable field of the documents; may be repeated", metadata)
    .option("--threads <number>", "threads of the model", integer(1, availableParallelism()))
    .addOption(deviceOption("where codebooks are trained and vectors coded"))
    .addOption(ocrLanguageOption())
    .addOption(noOcrOption())
    .option("--no-calibrate", "do not measure what searches find (maxleaf calibrate does it later)")
    .option("--json", "print one JSON document")
    .addHelpText("after", HELP)
    .action(async (paths: string[], _options: Options, command: Command) => {
      const given = command.optsWithGlobals<Options>();
      const { index, recipe, meta, threads, device, calibrate, json = false, ...globals } = given;
      const [{ discoverFiles }, { runIngest }] = await Promise.all([
        import("../../ingest/discover.ts"),
        import("../run-ingest.ts"),
      ]);
      const found = await discoverFiles(paths);
      await withStore(context, { ...globals, title: "maxleaf ingest", endsItself: true }, async (store) => {
        const options = {
          index,
          found,
          recipe,
          metadata: meta,
          threads,
          modelOptions: loadOptionsOf(globals, context),
          executionProvider: device,
          ocrLanguage: ocrLanguageOf(given),
          calibrate,
          quiet: json,
        };
        const report = await runIngest(context, store, options);
        context.terminal.out(json ? `${JSON.stringify(report)}\n` : ingestSummary(report));
        context.exitCode = ingestExitCode(report);
      });
    });
}
