/**
 * `maxleaf worker`.
 *
 * @module
 */
import { availableParallelism } from "node:os";
import type { Command } from "commander";
import type { CommandContext, GlobalOptions } from "../context.ts";
import { counted } from "../format.ts";
import { loadOptionsOf } from "../load-options.ts";
import { noOcrOption, ocrLanguageOf, ocrLanguageOption, type OcrOptions } from "../ocr-options.ts";
import { type Device, deviceOption, integer, portNumber } from "../option-values.ts";
import { EXIT } from "../exit-codes.ts";
import { withStore } from "../with-store.ts";

interface Options extends GlobalOptions, OcrOptions {
  queue?: string;
  map?: string[];
  concurrency?: number;
  once?: boolean;
  scan?: boolean;
  recipe?: string;
  sourceEndpoint?: string;
  sourceFolder?: string;
  threads?: number;
  device: Device;
  calibrate: boolean;
  maintain: boolean;
  metricsPort?: number;
  metricsHost?: string;
  json?: boolean;
}

/** As `MAX_CONCURRENCY` of the worker, which help must not load. */
const MAX_CONCURRENCY = 1_000;

const HELP = `
A document is called by its key below the prefix. Its object decides what becomes of it, whatever the order of the
notifications: what is in the bucket gets into the index, what is not is deleted from it. Any number of workers may run.
Tasks are what was asked for over HTTP: documents to add, indexes to compact or to train anew.
Ctrl-C or SIGTERM commits what is done and gives back the rest, after 20 s at the latest.

Examples:
  maxleaf worker --queue sqs:https://sqs.eu-west-1.amazonaws.com/123456789012/uploads --map uploads/reports=reports
  maxleaf worker --map inbox=inbox --source-folder ./buckets --scan --once`;

export function addWorker(program: Command, context: CommandContext): void {
  program
    .command("worker")
    .description("do the tasks that a queue gives, and keep indexes up to date with buckets by their notifications")
    .option("--map <bucket/prefix=index>", "which objects are the documents of which index; may be repeated", collect)
    .option(
      "--queue <address>",
      "sqs:URL, cf:ACCOUNT/QUEUE or sqlite:PATH (MAXLEAF_QUEUE; default: queue.sqlite in the data folder)",
    )
    .option("--concurrency <number>", "messages worked on and committed together (default: 32)", concurrency)
    .option("--once", "end when the queue is empty")
    .option("--scan", "first put everything that the buckets and indexes have into the queue")
    .option("--recipe <name>", "how pages become vectors, for a new index (default: minilm-words)")
    .option("--source-endpoint <url>", "of the S3-compatible buckets with the documents (default: AWS)")
    .option("--source-folder <folder>", "the buckets with the documents are folders below this one")
    .option("--threads <number>", "threads of the model", integer(1, availableParallelism()))
    .addOption(deviceOption("where codebooks are trained and vectors coded"))
    .addOption(ocrLanguageOption())
    .addOption(noOcrOption())
    .option("--no-calibrate", "do not measure what searches find (maxleaf calibrate does it later)")
    .option("--no-maintain", "do not compact indexes nor train their codebooks anew when it is due")
    .option("--metrics-port <number>", "serve Prometheus metrics there, under /metrics", portNumber)
    .option("--metrics-host <address>", "for more than this machine, such as 0.0.0.0 (default: 127.0.0.1)")
    .option("--json", "print the counts as one JSON document at the end")
    .addHelpText("after", HELP)
    .action(async (_options: Options, command: Command) => {
      const options = command.optsWithGlobals<Options>();
      const work = { ...options, title: "maxleaf worker", endsItself: true };
      const { runWorkerCommand } = await import("../run-worker.ts");
      const ocrLanguage = ocrLanguageOf(options);
      const modelOptions = loadOptionsOf(options, context);
      await withStore(context, work, async (store) => {
        const { map = [] } = options;
        const report = await runWorkerCommand(context, store, { ...options, map, ocrLanguage, modelOptions });
        const { acknowledged, givenBack, setAside } = report;
        const text = `${counted(acknowledged, "message")} done, ${givenBack} given back, ${setAside} set aside\n`;
        context.terminal.out(options.json === true ? `${JSON.stringify(report)}\n` : text);
        if (setAside > 0) context.exitCode = EXIT.someFilesFailed;
      });
    });
}

const concurrency = integer(1, MAX_CONCURRENCY);

function collect(text: string, previous: string[] = []): string[] {
  return [...previous, text];
}
