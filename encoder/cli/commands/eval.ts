/**
 * `maxleaf eval`.
 *
 * @module
 */
import { writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join, parse } from "node:path";
import { type Command, InvalidArgumentError, Option } from "commander";
import type { SearchMode } from "../../../shared/engine/contract.ts";
import type { Evaluation } from "../../eval/run-eval.ts";
import { abortable } from "../abortable.ts";
import type { CommandContext, GlobalOptions } from "../context.ts";
import { loadOptionsOf } from "../load-options.ts";
import { noOcrOption, ocrLanguageOf, ocrLanguageOption, type OcrOptions } from "../ocr-options.ts";
import { integer, list } from "../option-values.ts";
import { addEvalCompare } from "./eval-compare.ts";

interface Options extends GlobalOptions, OcrOptions {
  dataset?: string;
  split?: string;
  recipe?: string[];
  mode?: SearchMode[];
  measure?: string[];
  maxTokens?: number;
  ignoreIdenticalIds?: boolean;
  perQuery?: string;
  run?: string;
  qrels?: string;
  threads?: number;
  json?: boolean;
}

/** The models' own window; a smaller cut than this many tokens leaves no text. */
const MIN_MAX_TOKENS = 3;
const MAX_MAX_TOKENS = 1_000_000;

const HELP = `
A data set is a folder:
  corpus.jsonl, queries.jsonl, qrels/test.tsv or qrels.tsv   texts, as BEIR has them
  corpus/, queries/, qrels/ with parquet files               page images, ViDoRe v2 and v3
  data/ with parquet files                                   page images, ViDoRe v1
  pdf/, questions.jsonl                                      PDFs and the pages that answer

Prints nDCG (linear gain, as trec_eval), recall, MRR, MAP and hits of the engine by vectors and by vectors and words,
beside exact MaxSim in floats and BM25, by language where queries have several, milliseconds per query and bytes per page. Encoded
pages are kept in the data folder, so that a second run is fast.

Examples:
  maxleaf eval --dataset encoder/samples
  maxleaf eval --dataset cranfield --recipe minilm-words,minilm-dense --json > report.json
  maxleaf eval --dataset cranfield --run cranfield.run --per-query cranfield.jsonl
  maxleaf eval compare cranfield.bm25.run cranfield.minilm-words.run --dataset cranfield --measure nDCG@10`;

export function addEval(program: Command, context: CommandContext): void {
  const command = program
    .command("eval")
    .description("measure how well recipes and engine find what people judged relevant")
    .option("--dataset <folder>", "the data set")
    .option("--split <name>", "of its judgements, where there are several (default: test)")
    .option("--recipe <a,b>", "recipes to compare (default: minilm-words)", list)
    .addOption(modeOption())
    .option("--measure <a,b>", "nDCG@k, recall@k, hit@k, MRR, MAP (default: those of the report)", list)
    .option("--max-tokens <number>", "cut texts to this many tokens", integer(MIN_MAX_TOKENS, MAX_MAX_TOKENS))
    .option("--ignore-identical-ids", "never answer a query by the document with its id (ArguAna, Quora)")
    .addOption(ocrLanguageOption())
    .addOption(noOcrOption())
    .option("--run <file>", "write a trec_eval run per system: FILE.bm25.run, FILE.minilm-words.run, …")
    .option("--qrels <file>", "write the judgements as trec_eval reads them")
    .option("--per-query <file>", "write every query's figures and first pages as JSON lines")
    .option("--threads <number>", "threads of the model", integer(1, availableParallelism()))
    .option("--json", "print one JSON document")
    .addHelpText("after", HELP)
    .action(async (_options: Options, self: Command) => await evaluate(self, context));
  addEvalCompare(command, context);
}

/** Without the recipe's own vectors, which are always measured. */
const MODES: readonly SearchMode[] = ["lexical", "hybrid"];

const DEFAULT_MODES: readonly SearchMode[] = ["hybrid"];

function modeOption(): Option {
  return new Option("--mode <a,b>", "rank by words or by both, too (default: hybrid, as a search does)").argParser(
    (text) => {
      const modes = MODES.filter((mode) => list(text).includes(mode));
      if (modes.length === list(text).length) return modes;
      throw new InvalidArgumentError(`There are ${MODES.join(" and ")}.`);
    },
  );
}

async function evaluate(command: Command, context: CommandContext): Promise<void> {
  const { dataset, recipe, json = false, dataDir, ...options } = command.optsWithGlobals<Options>();
  if (dataset === undefined) command.error("error: required option '--dataset <folder>' not specified");
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
      split: options.split,
      recipes: recipe,
      modes: options.mode ?? DEFAULT_MODES,
      measures: options.measure,
      maxTokens: options.maxTokens,
      ocrLanguage: ocrLanguageOf(options),
      ignoreIdenticalIds: options.ignoreIdenticalIds,
      threads: options.threads,
      modelOptions: loadOptionsOf({ ...options, dataDir }, context),
      cacheFolder: join(path, "eval-cache"),
      kernelModule: await loadKernel(),
      onProgress: (at) => progress.update(at),
    });
    const evaluation = await abortable(running, context.signal);
    progress.stop();
    await writeFiles(evaluation, options);
    context.terminal.out(`${json ? JSON.stringify(evaluation.report) : formatReport(evaluation.report)}\n`);
  } finally {
    progress.stop();
  }
}

async function writeFiles(
  evaluation: Evaluation,
  { run, qrels, perQuery, measure }: Pick<Options, "run" | "qrels" | "perQuery" | "measure">,
): Promise<void> {
  const [{ formatRun, formatJudgements }, { formatPerQuery }, { DEFAULT_MEASURES, parseMeasure }] = await Promise.all([
    import("../../eval/run-file.ts"),
    import("../../eval/per-query.ts"),
    import("../../eval/measures.ts"),
  ]);
  const { dataset, systems } = evaluation;
  if (qrels !== undefined) await writeFile(qrels, formatJudgements(dataset));
  if (perQuery !== undefined) {
    await writeFile(perQuery, formatPerQuery(evaluation, (measure ?? DEFAULT_MEASURES).map(parseMeasure)));
  }
  if (run === undefined) return;
  const { dir, name, ext } = parse(run);
  for (const { system, answers } of systems) {
    await writeFile(join(dir, `${name}.${system}${ext || ".run"}`), formatRun(dataset, system, answers));
  }
}
