/**
 * `maxleaf eval compare`.
 *
 * @module
 */
import type { Command } from "commander";
import type { CommandContext, GlobalOptions } from "../context.ts";

interface Options extends GlobalOptions {
  dataset?: string;
  split?: string;
  measure?: string[];
  json?: boolean;
}

const DEFAULT_MEASURE = "nDCG@10";

const HELP = `
Takes --dataset, --split, --measure (default: ${DEFAULT_MEASURE}) and --json of maxleaf eval.

Runs are files of trec_eval ("query Q0 document rank score tag"), as maxleaf eval --run or another system writes them.
The interval is the paired bootstrap's over queries: 10,000 resamples, the same ones every time.`;

export function addEvalCompare(evalCommand: Command, context: CommandContext): void {
  evalCommand
    .command("compare")
    .description("compare two runs on one data set, query by query")
    .argument("<run-a>", "a run file")
    .argument("<run-b>", "another")
    .addHelpText("after", HELP)
    .action(async (fileA: string, fileB: string, _options: Options, command: Command) => {
      const { dataset, split, measure = [DEFAULT_MEASURE], json = false } = command.optsWithGlobals<Options>();
      if (dataset === undefined) command.error("error: required option '--dataset <folder>' not specified");
      const [{ compareRuns, formatComparison }, { readDataset }, { parseMeasure }, { readRun }] = await Promise.all([
        import("../../eval/compare.ts"),
        import("../../eval/datasets.ts"),
        import("../../eval/measures.ts"),
        import("../../eval/run-file.ts"),
      ]);
      const measures = measure.map(parseMeasure);
      const set = await readDataset(dataset, split);
      const [a, b] = await Promise.all([readRun(fileA, set), readRun(fileB, set)]);
      const comparisons = measures.map((one) => compareRuns(set, a, b, one));
      context.terminal.out(`${json ? JSON.stringify(comparisons) : comparisons.map(formatComparison).join("\n")}\n`);
    });
}
