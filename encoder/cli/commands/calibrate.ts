/**
 * `maxleaf calibrate`.
 *
 * @module
 */
import { availableParallelism } from "node:os";
import type { Command } from "commander";
import type { EncodedQuery } from "../../../shared/engine/contract.ts";
import type { Calibration, Manifest } from "../../../shared/format/manifest.ts";
import { requireSameRecipe } from "../../../shared/recipe/mismatch.ts";
import type { LoadOptions } from "../../models/model.ts";
import type { CommandContext, GlobalOptions } from "../context.ts";
import { counted, table } from "../format.ts";
import { loadOptionsOf } from "../load-options.ts";
import { type Device, deviceOption, indexName, integer } from "../option-values.ts";
import { withStore } from "../with-store.ts";

interface Options extends GlobalOptions {
  index: string;
  queries?: string;
  maxPages?: number;
  threads?: number;
  device: Device;
  json?: boolean;
}

/** A larger sample takes hours to answer exactly. */
const MAX_MAX_PAGES = 1_000_000;

const HELP = `
Searches the index with many settings, compares each with the top 10 by the exact vectors that it keeps, and keeps the
share that was found and the CPU time in the index. A search that asks for an accuracy (0.95, 0.98, 0.995) then takes the cheapest setting that reached
it. Ingestion does this when an index is new or has doubled, with questions made from the index itself; your own are better.

The file of questions has one on each line, as it is or as {"text": "…"}.

Examples:
  maxleaf calibrate --index reports
  maxleaf calibrate --index reports --queries questions.txt --json`;

export function addCalibrate(program: Command, context: CommandContext): void {
  program
    .command("calibrate")
    .description("measure what search settings find on an index and what they cost")
    .requiredOption("-i, --index <name>", "the index", indexName)
    .option("--queries <file>", "questions to measure with (default: made from the index)")
    .option("--max-pages <number>", "pages to answer from exactly (default: 20,000)", integer(1, MAX_MAX_PAGES))
    .option("--threads <number>", "threads of exact answers", integer(1, availableParallelism()))
    .addOption(deviceOption("where exact answers are computed"))
    .option("--json", "print one JSON document")
    .addHelpText("after", HELP)
    .action(async (_options: Options, command: Command) => {
      const given = command.optsWithGlobals<Options>();
      const { index: name, queries: file, maxPages, threads, device, json = false, ...globals } = given;
      const [{ requireManifest }, { calibrateIndex }, { loadKernel }, { showStageProgress }, { resolveIndexName }] =
        await Promise.all([
          import("../index-access.ts"),
          import("../../indexing/calibrate.ts"),
          import("../load-kernel.ts"),
          import("../stage-progress.ts"),
          import("../../../shared/format/aliases.ts"),
        ]);
      await withStore(context, { ...globals, title: "maxleaf calibrate" }, async (store) => {
        const index = await resolveIndexName(store, name);
        const manifest = await requireManifest(store, index);
        const modelOptions = { ...loadOptionsOf(globals, context), threads };
        const queries = file === undefined ? undefined : await encodeQuestions(file, manifest, modelOptions);
        const kernelModule = await loadKernel();
        const progress = showStageProgress(context.terminal, json);
        try {
          const { signal } = context;
          const onProgress = (at: { stage: "exact" | "searching"; share: number }) =>
            progress.update(at.stage === "exact" ? "answering exactly" : "searching", at.share);
          const how = { maxPages, threads, executionProvider: device, signal, onProgress };
          const calibrated = await calibrateIndex({ store, index, kernelModule, queries, ...how });
          progress.stop();
          context.terminal.out(json ? `${JSON.stringify(toJson(index, calibrated))}\n` : asText(index, calibrated));
        } finally {
          progress.stop();
        }
      });
    });
}

async function encodeQuestions(file: string, manifest: Manifest, options: LoadOptions): Promise<EncodedQuery[]> {
  const [{ readQuestions }, { loadModel }] = await Promise.all([
    import("../read-questions.ts"),
    import("../../models/registry.ts"),
  ]);
  const questions = await readQuestions(file);
  const model = await loadModel(manifest.recipe.name, options);
  try {
    requireSameRecipe(manifest.index, manifest, model);
    const encoded: EncodedQuery[] = [];
    for (const question of questions) encoded.push(await model.encodeQuery(question));
    return encoded;
  } finally {
    await model.dispose();
  }
}

function toJson(index: string, manifest: Manifest | undefined) {
  return { index, manifestVersion: manifest?.version, calibration: manifest?.calibration };
}

function asText(index: string, manifest: Manifest | undefined): string {
  const calibration = manifest?.calibration;
  if (calibration === undefined) return `${index} has no page that can be found: nothing to do\n`;
  const rows = calibration.points.map(({ path, nprobe, candidates, exact, recall, costUs }) => [
    path,
    nprobe === 0 ? "all" : String(nprobe),
    candidates,
    exact,
    recall.toFixed(3),
    (costUs / 1_000).toFixed(1),
  ]);
  const header = ["path", "nprobe", "candidates", "exact", "recall@10", "CPU ms"];
  return `${index}: ${questionsOf(calibration)}${sampleOf(calibration)}\n${table(header, rows)}`;
}

function questionsOf({ queries, source }: Calibration): string {
  return source === "given" ? counted(queries, "question") : `${counted(queries, "question")} made from the index`;
}

function sampleOf({ sampledPages }: Calibration): string {
  return sampledPages === undefined ? "" : `, exact answers from a sample of ${counted(sampledPages, "page")}`;
}
