/**
 * One ingestion with its progress shown: what `ingest` and `start` have in common.
 *
 * @module
 */
import { resolveIndexName } from "../../shared/format/aliases.ts";
import { readManifest } from "../../shared/format/manifest-store.ts";
import type { ObjectStore } from "../../shared/store/object-store.ts";
import type { Discovery } from "../ingest/discover.ts";
import { ingestFiles } from "../ingest/pipeline.ts";
import type { IngestReport } from "../ingest/report.ts";
import type { PageReader } from "../ocr/page-reader.ts";
import type { LoadOptions } from "../models/model.ts";
import type { ExecutionProvider } from "../models/onnx-session.ts";
import { DEFAULT_RECIPE, loadModel } from "../models/registry.ts";
import { calibrateIngested } from "./calibrate-ingested.ts";
import type { CommandContext } from "./context.ts";
import { showIngestProgress } from "./progress.ts";

export interface RunIngestOptions {
  /** Its name, or an alias'. */
  index: string;
  found: Discovery;
  /** Default: the index's own, or for a new index the default recipe. */
  recipe?: string | undefined;
  metadata?: Readonly<Record<string, string>> | undefined;
  threads?: number | undefined;
  /** Where models are and where they run. */
  modelOptions?: LoadOptions | undefined;
  executionProvider?: ExecutionProvider | undefined;
  /** Languages of scans, as `parseOcrLanguages` takes them; `undefined`: scans are not read. */
  ocrLanguage?: string | undefined;
  /** Measure afterwards what searches find, when that is due; default: yes. */
  calibrate?: boolean | undefined;
  /** No line per document when nobody watches. */
  quiet?: boolean | undefined;
}

/** Errors: `recipe_not_found`, those of `parseOcrLanguages` and of `ingestFiles`. */
export async function runIngest(
  context: CommandContext,
  store: ObjectStore,
  options: RunIngestOptions,
): Promise<IngestReport> {
  const { found, metadata, threads, executionProvider } = options;
  const { terminal, signal } = context;
  const pageReader = await openPageReader(options.ocrLanguage);
  const index = await resolveIndexName(store, options.index);
  const before = await readManifest(store, index);
  const recipe = options.recipe ?? before?.recipe.name ?? DEFAULT_RECIPE;
  const model = await loadModel(recipe, { ...options.modelOptions, threads });
  const progress = showIngestProgress(found.files, terminal, options.quiet === true);
  const warnings: string[] = [];
  const onWarning = (message: string) => void warnings.push(message);
  try {
    const observer = { ...progress, onWarning };
    const report = await ingestFiles({
      store,
      index,
      model,
      found,
      pageReader,
      metadata,
      threads,
      executionProvider,
      signal,
      observer,
    });
    if (options.calibrate === false || report.manifestVersion === undefined || report.interrupted) return report;
    const onProgress = (share: number) => progress.onCommit?.({ stage: "calibrating", share });
    const calibration = { store, index, before, threads, executionProvider, signal, onProgress, onWarning };
    return { ...report, manifestVersion: (await calibrateIngested(calibration)) ?? report.manifestVersion };
  } finally {
    progress.stop();
    pageReader?.close();
    for (const warning of warnings) terminal.err(`maxleaf: ${warning}\n`);
    await model.dispose();
  }
}

/** Errors: those of `parseOcrLanguages`. */
async function openPageReader(ocrLanguage: string | undefined): Promise<PageReader | undefined> {
  if (ocrLanguage === undefined) return undefined;
  const [{ parseOcrLanguages }, { TesseractReader }] = await Promise.all([
    import("../ocr/languages.ts"),
    import("../ocr/tesseract-reader.ts"),
  ]);
  return new TesseractReader({ languages: parseOcrLanguages(ocrLanguage) });
}
