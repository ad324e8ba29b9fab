/**
 * The ingestion pipeline: read → render → encode and store the images → index.
 *
 * Rendering runs in processes of its own, encoding in the model's threads and storing on the network; all three overlap,
 * within a document and across documents, and commits run beside them. Memory is bounded by the constants below, whatever the
 * files: a page is drawn only when there is a place for it, and encoded pages wait for their commit on the disk. A document
 * enters the index only after all its images are stored, so that no hit ever points at a missing one.
 *
 * @module
 */
import { type ErrorCode, MaxleafError, toMaxleafError } from "../../shared/errors.ts";
import type { DocumentEntry, EncodedPage } from "../../shared/page.ts";
import { systemClock } from "../../shared/ports.ts";
import { newRevision } from "../../shared/revision.ts";
import { layout } from "../../shared/store/layout.ts";
import type { ObjectStore } from "../../shared/store/object-store.ts";
import { removeObjects } from "../indexing/commit-changes.ts";
import type { LiveDocument } from "../indexing/document-index.ts";
import { IndexWriter } from "../indexing/index-writer.ts";
import { counted, whileRunning } from "../metrics/ingest-metrics.ts";
import type { Model } from "../models/model.ts";
import type { ExecutionProvider } from "../models/onnx-session.ts";
import type { PageReader } from "../ocr/page-reader.ts";
import { MAX_RENDER_PROCESSES } from "../render/limits.ts";
import { RenderPool } from "../render/render-pool.ts";
import type { RenderedDocument } from "../render/rendered-document.ts";
import type { RenderedPage } from "../render/rendered-page.ts";
import type { Discovery, FoundFile } from "./discover.ts";
import { type DocumentSource, isUnchanged, readSource } from "./document-source.ts";
import { type Amount, BackgroundCommits, type CommitLimits } from "./background-commits.ts";
import { Budget } from "./budget.ts";
import { CommitForecast } from "./commit-forecast.ts";
import { mapAsDone } from "./map-as-done.ts";
import type { IngestObserver } from "./observer.ts";
import { PageWork } from "./page-work.ts";
import { emptyReport, type IngestReport, type PageNotice } from "./report.ts";
import type { OnStage } from "./stages.ts";

/** Documents begun and not done: one more than there are render processes, so that one is read while the others are rendered. */
export const DOCUMENTS_AT_ONCE = MAX_RENDER_PROCESSES + 1;
/** Bytes of their sources, each of which its render processes hold twice besides. A larger one is alone. */
const SOURCE_BYTES_AT_ONCE = 128 * 1024 * 1024;
/**
 * Pages of all documents between renderers and index: images of about 250 kB, vectors of 350 kB and words of 100 kB each. Two
 * batches of the model, and as many again that are stored, read or wait for the model.
 */
export const PAGES_AT_ONCE = 16;
/**
 * The same for a model that looks at pages: raw pictures of 12 MB, and the model's tensors of up to 53 MB for those of a batch.
 * One batch is encoded while the next is drawn.
 */
export const PICTURED_PAGES_AT_ONCE = 8;
export const COMMIT_LIMITS: CommitLimits = {
  /** About one full segment (see plan-segments.ts), 3,100 pages of text. What a crash loses at most, beside what is under way. */
  commitAt: { vectors: 2_000_000, pages: 4_096 },
  /** At 132 bytes a vector .8 GB of temporary files, beside those of documents that are not finished. */
  maxPending: 3,
};

/** A commit of so many takes longer than half a minute, beside which the second that opening the model again takes is nothing. */
const MODEL_RESTS_AT_VECTORS = 200_000;

/**
 * The process keeps some 170 MB of what training took; two sessions and two renderers beside them had 1.56 GB. Half of the renderers keep up:
 * rendering pages of text takes a third of the processor time (docs/benchmarks.md).
 */
const RENDERERS_LEFT_AFTER_TRAINING = 0.5;

/** Failures that would meet every other file too. */
const FATAL: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "store_unavailable",
  "model_unavailable",
  "recipe_mismatch",
  "commit_conflict",
  "commit_expired",
]);

export interface IngestOptions {
  store: ObjectStore;
  index: string;
  model: Model;
  found: Discovery;
  /** Reads pages without a text layer, for a model that works from words. Absent: they stay without words. */
  pageReader?: PageReader | undefined;
  /** Put on every document that has none of its own. Absent: a replaced document keeps its own. */
  metadata?: Readonly<Record<string, string>> | undefined;
  threads?: number | undefined;
  /** Where the codebook is trained and vectors are coded; `auto` by default. */
  executionProvider?: ExecutionProvider | undefined;
  /** Stops the ingestion: files not finished are left for the next run, finished ones are committed. */
  signal?: AbortSignal | undefined;
  /** When it is aborted too, nothing more is committed: what was finished is dropped. */
  discard?: AbortSignal | undefined;
  /** When commits begin, instead of COMMIT_LIMITS, and the vectors from which on the model rests while the last one is made. */
  commitLimits?: (CommitLimits & { modelRestsAt?: number | undefined }) | undefined;
  observer?: IngestObserver | undefined;
}

/**
 * Ingests files into an index, which is created when absent. Safe to run again at any time: what is in the index
 * unchanged is left alone, a file that fails leaves its older version in place.
 *
 * Errors: `recipe_mismatch`, `store_unavailable`, `model_unavailable`, `commit_conflict`; everything else is a failed
 * file in the report.
 */
export async function ingestFiles(options: IngestOptions): Promise<IngestReport> {
  const observer = counted(options.observer);
  return await whileRunning(async () => await ingestObserved({ ...options, observer }));
}

async function ingestObserved(options: IngestOptions): Promise<IngestReport> {
  const { store, index, model, threads, executionProvider, observer } = options;
  const renderPool = new RenderPool();
  const writer = await IndexWriter.open({
    store,
    index,
    recipe: model.recipe,
    keepsMetadata: options.metadata === undefined,
    threads,
    executionProvider,
    onProgress: (progress) => observer?.onCommit?.(progress),
    onWarning: (message, cause) => observer?.onWarning?.(message, cause),
    onLargeTraining: async (isUnderWay) => {
      renderPool.limitProcesses(isUnderWay ? 0 : RENDERERS_LEFT_AFTER_TRAINING);
      await model.makeRoom?.(isUnderWay);
    },
    onStage: (stage, seconds) => observer?.onStage?.(stage, seconds),
  });
  try {
    return await new Ingestion(options, writer, renderPool, await writer.liveDocuments()).run();
  } finally {
    renderPool.close();
    await writer.close();
  }
}

interface PageCounts extends Amount {
  searchablePages: number;
  pagesReadByOcr: number;
}

class Ingestion {
  readonly #options: IngestOptions;
  readonly #writer: IndexWriter;
  readonly #renderPool: RenderPool;
  readonly #live: ReadonlyMap<string, LiveDocument>;
  readonly #work: PageWork;
  readonly #commits: BackgroundCommits;
  readonly #forecast: CommitForecast;
  readonly #places: Budget;
  readonly #sourceBytes = new Budget(SOURCE_BYTES_AT_ONCE);
  readonly #report: IngestReport;
  /** Aborted by the caller's signal or by the first fatal failure. */
  readonly #stop = new AbortController();
  #fatal: MaxleafError | undefined;
  readonly #aheadCalls: Promise<void>[] = [];
  /** Documents that wait for a commit, which it is told to. */
  readonly #uncommitted: FoundFile[] = [];

  constructor(
    options: IngestOptions,
    writer: IndexWriter,
    renderPool: RenderPool,
    live: ReadonlyMap<string, LiveDocument>,
  ) {
    this.#options = options;
    this.#writer = writer;
    this.#renderPool = renderPool;
    this.#live = live;
    const { store, index, model, pageReader, observer } = options;
    const onStage: OnStage = (stage, seconds) => observer?.onStage?.(stage, seconds);
    this.#work = new PageWork({ store, index, model, pageReader, onStage, signal: this.#stop.signal });
    this.#places = new Budget(model.pictureLongEdgePx === undefined ? PAGES_AT_ONCE : PICTURED_PAGES_AT_ONCE);
    const { commitLimits: limits = COMMIT_LIMITS } = options;
    this.#forecast = new CommitForecast(options.found.files, limits.commitAt.vectors);
    this.#commits = new BackgroundCommits({
      limits,
      commit: async () => await this.#commit(),
      // Documents of a commit that failed have been told as done: only the failure of all makes that right.
      onFailure: (error) => this.#fail(toMaxleafError(error)),
    });
    this.#report = emptyReport(index, model.recipe.name);
  }

  async run(): Promise<IngestReport> {
    const { found, signal } = this.#options;
    const report = this.#report;
    const begunMs = systemClock.nowMs();
    report.skippedFiles = found.skipped;
    for (const { path, reason } of found.unreadable)
      report.failed.push({ name: path, code: "file_unreadable", reason });
    const stop = () => this.#stopWorking();
    if (signal?.aborted === true) stop();
    signal?.addEventListener("abort", stop, { once: true });
    try {
      const files = found.files.values();
      await Promise.all(Array.from({ length: DOCUMENTS_AT_ONCE }, async () => await this.#ingestAll(files)));
      await this.#commits.idle();
      await Promise.all(this.#aheadCalls);
    } finally {
      signal?.removeEventListener("abort", stop);
    }
    if (this.#fatal !== undefined) throw this.#fatal;
    // Their memory is better used by the last commit.
    this.#renderPool.close();
    const { commitLimits, model } = this.#options;
    if (this.#commits.pendingVectors >= (commitLimits?.modelRestsAt ?? MODEL_RESTS_AT_VECTORS)) await model.rest?.();
    await this.#commits.finish();
    report.interrupted = this.#stop.signal.aborted;
    report.failed.sort((a, b) => (a.name < b.name ? -1 : 1));
    report.pageNotices.sort((a, b) => (a.name === b.name ? a.page - b.page : a.name < b.name ? -1 : 1));
    report.seconds = (systemClock.nowMs() - begunMs) / 1_000;
    report.pagesPerSecond = report.pages / report.seconds;
    report.ocrPagesPerSecond = this.#work.ocrPagesPerSecond;
    return report;
  }

  /** Takes the next file as long as there is one; several calls share `files`. */
  async #ingestAll(files: Iterator<FoundFile>): Promise<void> {
    for (let next = files.next(); next.done !== true; next = files.next()) {
      await this.#commits.room();
      const bytes = next.value.bytes;
      await this.#sourceBytes.take(bytes);
      await this.#ingest(next.value);
      this.#sourceBytes.give(bytes);
    }
  }

  /** Never throws: a failure is noted where it belongs. */
  async #ingest(file: FoundFile): Promise<void> {
    if (this.#stop.signal.aborted) return;
    const { observer } = this.#options;
    try {
      const source = await readSource(file);
      const live = this.#live.get(source.id);
      if (isUnchanged(live, source, file.metadata ?? this.#options.metadata)) {
        this.#report.unchanged++;
        this.#forecast.without(file);
        observer?.onFile?.(file, "unchanged");
        return;
      }
      const added = await this.#add(file, source, live);
      const outcome = live === undefined ? "added" : "replaced";
      this.#report[outcome]++;
      this.#uncommitted.push(file);
      observer?.onFile?.(file, outcome);
      this.#commits.added(added);
    } catch (error) {
      this.#noteFailure(file, error);
    }
  }

  #noteFailure(file: FoundFile, error: unknown): void {
    // What fails after a stop fails because of it, or is tried again by the next run.
    if (this.#stop.signal.aborted) return;
    const failure = toMaxleafError(error);
    if (FATAL.has(failure.code)) {
      this.#fail(failure);
      return;
    }
    const cause = failure.cause instanceof Error && failure.code === "internal" ? `: ${failure.cause.message}` : "";
    this.#forecast.without(file);
    this.#report.failed.push({ name: file.name, code: failure.code, reason: failure.message + cause });
    this.#options.observer?.onFile?.(file, "failed");
  }

  #fail(failure: MaxleafError): void {
    this.#fatal ??= failure;
    this.#stopWorking();
  }

  async #add(file: FoundFile, source: DocumentSource, live: LiveDocument | undefined): Promise<Amount> {
    const { store, index, observer } = this.#options;
    const metadata = file.metadata ?? this.#options.metadata;
    const { pictureLongEdgePx } = this.#options.model;
    const onRendered = (renderMs: number) => observer?.onStage?.("render", renderMs / 1_000);
    const { name, bytes } = source;
    const document = await this.#renderPool.open({ name, bytes }, { pictureLongEdgePx, onRendered });
    const entry: DocumentEntry = {
      id: source.id,
      name: source.name,
      revision: newRevision(source.contentHash),
      contentType: document.contentType,
      sourceBytes: source.bytes.byteLength,
      pageCount: document.pageCount,
      addedAtMs: systemClock.nowMs(),
      metadata: { ...(metadata ?? live?.entry.metadata) },
    };
    try {
      const key = layout.source(index, entry.id, entry.revision);
      await store.put(key, source.bytes, { contentType: entry.contentType });
      const counts = { pages: 0, searchablePages: 0, pagesReadByOcr: 0, vectors: 0 };
      await this.#writer.addDocument(entry, this.#encodedPages(file, entry, document, counts));
      return counts;
    } catch (error) {
      await this.#discard(entry);
      throw error;
    } finally {
      await document.close();
    }
  }

  /** Removes what was stored of a document that failed; its revision is this ingestion's alone. */
  async #discard(entry: DocumentEntry): Promise<void> {
    if (this.#stop.signal.aborted) return;
    const { store, index, observer } = this.#options;
    const onWarning = (message: string, cause: unknown) => observer?.onWarning?.(message, cause);
    await removeObjects({ store, index, onWarning }, [{ entry, searchablePages: 0, places: [] }]);
  }

  /** The pages of a document, as they come, each after its images are stored. Counts them when the last one is through. */
  async *#encodedPages(
    file: FoundFile,
    entry: DocumentEntry,
    document: RenderedDocument,
    counts: PageCounts,
  ): AsyncGenerator<EncodedPage> {
    const { observer } = this.#options;
    const notices: PageNotice[] = [];
    const finish = async (page: RenderedPage) => await this.#work.finish(entry, page);
    for await (const { encoded, notices: own } of mapAsDone(document, this.#places, finish)) {
      if (this.#stop.signal.aborted) throw new MaxleafError("internal", "the ingestion was stopped");
      notices.push(...own);
      const searchable = encoded.vectorCount > 0;
      counts.pages++;
      counts.vectors += encoded.vectorCount;
      if (searchable) counts.searchablePages++;
      if (encoded.textSource === "ocr") counts.pagesReadByOcr++;
      observer?.onPage?.(file, encoded.pageNumber, entry.pageCount, searchable);
      this.#forecast.page(file, entry.pageCount, encoded.vectorCount);
      if (searchable) this.#workAhead();
      yield encoded;
    }
    this.#report.pageNotices.push(...notices);
    const report = this.#report;
    report.pages += counts.pages;
    report.searchablePages += counts.searchablePages;
    report.pagesReadByOcr += counts.pagesReadByOcr;
    report.pagesWithoutText += counts.pages - counts.searchablePages;
    report.vectors += counts.vectors;
  }

  /** Begins what the next commit needs: at the first page, for an index with a codebook, and when a new one can be trained. */
  #workAhead(): void {
    const due = this.#forecast.isTrainable ? 2 : 1;
    if (due <= this.#aheadCalls.length) return;
    const { expectedVectors } = this.#forecast;
    // Whatever keeps it from working, the commit meets too.
    this.#aheadCalls.push(this.#writer.workAhead(expectedVectors).catch(() => undefined));
  }

  async #commit(): Promise<void> {
    if (this.#options.discard?.aborted === true) return;
    const added = this.#uncommitted.splice(0);
    const commit = await this.#writer.commit();
    for (const file of added) this.#options.observer?.onCommitted?.(file);
    if (commit === undefined) return;
    this.#report.manifestVersion = commit.manifestVersion;
    this.#report.codebookStale = commit.codebookStale;
    if (commit.drift !== undefined) this.#report.drift = Math.max(this.#report.drift ?? 0, commit.drift);
  }

  /** Lets nothing new begin and ends what would take long: pages being rendered or read, and documents waiting for that. */
  #stopWorking(): void {
    this.#stop.abort();
    this.#renderPool.close();
    this.#options.pageReader?.close();
  }
}
