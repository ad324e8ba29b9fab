/**
 * `maxleaf eval`.
 *
 * @module
 */
import { availableParallelism } from "node:os";
import { join } from "node:path";
import type { Command } from "commander";
import { abortable } from "../abortable.ts";
import type { CommandContext, GlobalOptions } from "../context.ts";
import { integer, list } from "../option-values.ts";

interface Options extends GlobalOptions {
  dataset: string;
  recipe?: string[];
  maxTokens?: number;
  threads?: number;
  json?: boolean;
}

/** The models' own window; a smaller cut than this many tokens leaves no text. */
const MIN_MAX_TOKENS = 3;
const MAX_MAX_TOKENS = 1_000_000;

const HELP = `
A data set is a folder: corpus.jsonl, queries.jsonl and qrels.tsv for text (as BEIR has them), or pdf/ and
questions.jsonl with the pages that answer. Prints nDCG, recall, MRR and hits of the engine at its default settings
beside exact MaxSim in floats and BM25, milliseconds per query and bytes per page. Encoded pages are kept in the data
folder, so that a second run is fast.

Examples:
  maxleaf eval --dataset encoder/samples
  maxleaf eval --dataset cranfield --recipe minilm-words,minilm-dense --json > report.json`;

export function addEval(program: Command, context: CommandContext): void {
  program
    .command("eval")
    .description("measure how well recipes and engine find what people judged relevant")
    .requiredOption("--dataset <folder>", "the data set")
    .option("--recipe <a,b>", "recipes to compare (default: minilm-words)", list)
    .option("--max-tokens <number>", "cut texts to this many tokens", integer(MIN_MAX_TOKENS, MAX_MAX_TOKENS))
    .option("--threads <number>", "threads of the model", integer(1, availableParallelism()))
    .option("--json", "print one JSON document")
    .addHelpText("after", HELP)
    .action(async (_options: Options, command: Command) => {
      const { dataset, recipe, maxTokens, threads, json = false, dataDir } = command.optsWithGlobals<Options>();
      const [{ runEval }, { formatReport }, { loadKernel }, { showEvalProgress }, { openDataDir }] = await Promise.all([
        import("../../eval/run-eval.ts"),
        import("../../eval/report.ts"),
        import("../load-kernel.ts"),
        import("../eval-progress.ts"),
        import("../../local/data-dir.ts"),
      ]);
      const { path } = await openDataDir(dataDir);
      const progress = showEvalProgress(context.terminal, json);
      try {
        const running = runEval({
          dataset,
          recipes: recipe,
          maxTokens,
          threads,
          cacheFolder: join(path, "eval-cache"),
          kernelModule: await loadKernel(),
          onProgress: (at) => progress.update(at),
        });
        const report = await abortable(running, context.signal);
        progress.stop();
        context.terminal.out(`${json ? JSON.stringify(report) : formatReport(report)}\n`);
      } finally {
        progress.stop();
      }
    });
}
