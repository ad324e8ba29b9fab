/**
 * Calibration: what share of the exact top 10 each setting of a search finds on an index, and what it costs. Measured through
 * the engine itself and kept in the manifest, from which a search for a wanted accuracy takes the cheapest setting.
 *
 * @module
 */
import type { EncodedQuery, SearchableIndex, SearchRequest } from "../../shared/engine/contract.ts";
import { MaxleafError, quote } from "../../shared/errors.ts";
import { commitManifest, readManifest } from "../../shared/format/manifest-store.ts";
import type { Calibration, Manifest } from "../../shared/format/manifest.ts";
import type { KernelModule } from "../../shared/kernel/webassembly.ts";
import { systemClock } from "../../shared/ports.ts";
import { seededRandom } from "../../shared/seeded-random.ts";
import type { ExecutionProvider } from "../models/onnx-session.ts";
import { CALIBRATION_DEPTH, ExactAnswers } from "./calibration/exact-answers.ts";
import { LivePages, pageKey } from "./calibration/live-pages.ts";
import { holdingsOf, openHoldings } from "./calibration/open-holdings.ts";
import { sampleQueries } from "./calibration/sample-queries.ts";
import { type GridPoint, settingsGrid } from "./calibration/settings-grid.ts";
import { type CommitTarget, draftOf } from "./commit-changes.ts";
import { MatrixRunner } from "./matrix-runner.ts";

/** Questions drawn when none are given. Ten pages each: a recall of .98 is then known to about ±.01. */
export const DEFAULT_QUERY_COUNT = 32;
/** Pages that exact answers are taken from; beyond that a sample. */
export const MAX_CALIBRATION_PAGES = 20_000;
/** Below this every search may score all pages by their codes in a few milliseconds: four times the default candidates. */
export const MIN_CALIBRATED_PAGES = 512;
const GROWTH_TO_CALIBRATE = 2;
/** Below this recall cheaper settings are of no use to anybody. */
const LEAST_RECALL = 0.9;
/** Questions are asked again until this has passed: a thread's CPU time moves in steps of up to 10 ms. */
const LEAST_MEASURED_MS = 100;
/** Share of the time limit that exact answers may take. */
const EXACT_TIME_SHARE = 0.5;
const CALIBRATION_SEED = 7;

export interface CalibrationOptions extends CommitTarget {
  kernelModule: KernelModule;
  /** Questions of the user's; drawn from the index when absent. */
  queries?: readonly EncodedQuery[] | undefined;
  /** Questions to draw; {@link DEFAULT_QUERY_COUNT}. */
  queryCount?: number | undefined;
  /** Pages that exact answers are taken from, at most; {@link MAX_CALIBRATION_PAGES}. */
  maxPages?: number | undefined;
  /** Most milliseconds to take, about: what is measured by then is kept. */
  timeLimitMs?: number | undefined;
  threads?: number | undefined;
  /** Where exact answers are computed; `auto` by default. */
  executionProvider?: ExecutionProvider | undefined;
  signal?: AbortSignal | undefined;
  /** `share` is 0 … 1. */
  onProgress?: ((progress: { stage: "exact" | "searching"; share: number }) => void) | undefined;
}

/**
 * Whether ingestion should calibrate an index that it brought from `before` to `after`: it is large enough for settings to
 * matter, and new, twice as large, or has an inverted file that nothing was measured with.
 */
export function needsCalibration(before: Manifest | undefined, after: Manifest): boolean {
  const pages = searchablePagesOf(after);
  if (after.codebook === undefined || pages < MIN_CALIBRATED_PAGES) return false;
  const { calibration, inverted } = after;
  if (calibration === undefined || before?.codebook?.id !== after.codebook.id) return true;
  if (pages >= GROWTH_TO_CALIBRATE * searchablePagesOf(before)) return true;
  return inverted !== undefined && calibration.points.every(({ path }) => path !== "pruned");
}

function searchablePagesOf({ segments }: Pick<Manifest, "segments">): number {
  return segments.reduce((sum, { searchablePageCount }) => sum + searchablePageCount, 0);
}

/** One calibration at work. */
interface Work {
  options: CalibrationOptions;
  manifest: Manifest;
  pages: LivePages;
  queries: readonly EncodedQuery[];
  answers: ExactAnswers;
  endMs: number;
}

/**
 * Measures the index and commits what was found.
 *
 * @returns the manifest with its calibration; undefined when the index has no page that can be found.
 * @throws MaxleafError `index_not_found`, `invalid_request` for an empty list of questions, `commit_conflict` when the index
 *   was made anew meanwhile, `model_unavailable` when CUDA is asked for and is not there, and those of reading and searching.
 */
export async function calibrateIndex(options: CalibrationOptions): Promise<Manifest | undefined> {
  const { store, index, queries: given, timeLimitMs = Infinity, clock = systemClock } = options;
  const manifest = await readManifest(store, index);
  if (manifest === undefined) throw new MaxleafError("index_not_found", `there is no index ${quote(index)}`);
  const pages = await LivePages.read(store, manifest);
  if (manifest.codebook === undefined || pages.count === 0) return undefined;
  const random = seededRandom(CALIBRATION_SEED);
  const wanted = options.queryCount ?? DEFAULT_QUERY_COUNT;
  const queries = given ?? (await sampleQueries(pages, manifest, wanted, random));
  if (queries.length === 0) throw new MaxleafError("invalid_request", "there is no question to calibrate with");
  const endMs = clock.nowMs() + timeLimitMs;
  const answers = new ExactAnswers(queries.length, manifest.recipe);
  const work: Work = { options, manifest, pages, queries, answers, endMs };
  const { threads, executionProvider } = options;
  const runner = await MatrixRunner.create({ threads, executionProvider });
  try {
    await answerExactly(work, runner);
    const points = await measureGrid(work, runner);
    const sampledPages = work.answers.pageCount < pages.count ? { sampledPages: work.answers.pageCount } : {};
    return await commitCalibration(options, manifest, {
      measuredAtMs: clock.nowMs(),
      queries: queries.length,
      k: CALIBRATION_DEPTH,
      source: given === undefined ? "sampled" : "given",
      ...sampledPages,
      points,
    });
  } finally {
    await runner.dispose();
  }
}

/** Scores all pages, or a sample: as many as asked for and as there is time for. */
async function answerExactly({ options, pages, queries, answers, endMs }: Work, runner: MatrixRunner): Promise<void> {
  const { maxPages = MAX_CALIBRATION_PAGES, clock = systemClock, signal, onProgress } = options;
  const beginMs = clock.nowMs();
  const stopMs = beginMs + EXACT_TIME_SHARE * (endMs - beginMs);
  const runs = pages.count <= maxPages ? pages.all() : pages.draw(maxPages, seededRandom(CALIBRATION_SEED + 1));
  const total = Math.min(pages.count, maxPages);
  await answers.add(runner, queries, runs, (done) => {
    signal?.throwIfAborted();
    onProgress?.({ stage: "exact", share: Math.min(1, done / total) });
    return done === 0 || clock.nowMs() < stopMs;
  });
}

async function measureGrid(work: Work, runner: MatrixRunner): Promise<Calibration["points"]> {
  const { options, manifest, pages, endMs } = work;
  const { clock = systemClock } = options;
  const points: Calibration["points"] = [];
  let left = holdingsOf(manifest).length;
  for await (const { holding, index } of openHoldings(options, manifest)) {
    const nowMs = clock.nowMs();
    const ownEndMs = nowMs + (endMs - nowMs) / left;
    left -= 1;
    const grid = settingsGrid(holding, pages.count, manifest.recipe.interaction);
    if (work.answers.pageCount < pages.count) await addDeepAnswers(work, runner, index, grid[0]);
    points.push(...(await measurePoints({ ...work, endMs: ownEndMs }, index, grid)));
  }
  return points;
}

/** The best pages that the deepest search finds: a sample of pages alone would hardly have any of the true answers. */
async function addDeepAnswers(
  { pages, queries, answers }: Work,
  runner: MatrixRunner,
  index: SearchableIndex,
  deepest: GridPoint | undefined,
): Promise<void> {
  if (deepest === undefined) return;
  const found = new Set<string>();
  for (const query of queries) {
    for (const key of await search(index, query, deepest)) if (!answers.has(key)) found.add(key);
  }
  await answers.add(runner, queries, pages.pick(found));
}

/** Goes from dear to cheap; leaves out what is cheaper in every way than something that found too little already. */
async function measurePoints(
  { options, queries, answers, endMs }: Work,
  index: SearchableIndex,
  grid: readonly GridPoint[],
): Promise<Calibration["points"]> {
  const { clock = systemClock, signal, onProgress } = options;
  const points: Calibration["points"] = [];
  for (const [at, settings] of grid.entries()) {
    signal?.throwIfAborted();
    if (clock.nowMs() >= endMs) break;
    const isHopeless = points.some((point) => point.recall < LEAST_RECALL && isAtMost(settings, point));
    if (!isHopeless) points.push(await measurePoint(index, queries, answers, settings));
    onProgress?.({ stage: "searching", share: (at + 1) / grid.length });
  }
  return points;
}

function isAtMost(settings: GridPoint, point: GridPoint): boolean {
  return settings.nprobe <= point.nprobe && settings.candidates <= point.candidates && settings.exact <= point.exact;
}

async function measurePoint(
  index: SearchableIndex,
  queries: readonly EncodedQuery[],
  answers: ExactAnswers,
  settings: GridPoint,
): Promise<Calibration["points"][number]> {
  let recall = 0;
  let searches = 0;
  const beginMs = performance.now();
  const before = process.threadCpuUsage();
  do {
    for (const [position, query] of queries.entries()) {
      const found = await search(index, query, settings);
      if (searches < queries.length) recall += answers.recall(position, found) / queries.length;
      searches += 1;
    }
  } while (performance.now() - beginMs < LEAST_MEASURED_MS);
  const { user, system } = process.threadCpuUsage(before);
  return { ...settings, recall: Math.min(1, recall), costUs: (user + system) / searches };
}

async function search(
  index: SearchableIndex,
  query: EncodedQuery,
  { nprobe, candidates, exact }: GridPoint,
): Promise<string[]> {
  const request: SearchRequest = { query, k: CALIBRATION_DEPTH, candidates, exact, bare: true };
  const { hits } = await index.search(nprobe === 0 ? request : { ...request, nprobe });
  return hits.map(({ documentId, pageNumber }) => pageKey(documentId, pageNumber));
}

async function commitCalibration(
  target: CommitTarget,
  measured: Manifest,
  calibration: Calibration,
): Promise<Manifest> {
  return await commitManifest(
    target.store,
    target.index,
    (current) => {
      if (current === undefined || current.codebook?.id !== measured.codebook?.id) {
        throw new MaxleafError("commit_conflict", `index ${quote(target.index)} was made anew while it was calibrated`);
      }
      return { ...draftOf(current, current.segments), calibration };
    },
    target,
  );
}
