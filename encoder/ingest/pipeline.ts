/**
 * The ingestion pipeline: read → render → encode and store the images → index.
 *
 * Rendering runs in processes of its own, encoding in the model's threads and storing on the network; all three overlap,
 * within a document and across documents. Memory is bounded by DOCUMENTS_AT_ONCE sources and as many times PAGES_AT_ONCE (or
 * PICTURED_PAGES_AT_ONCE) pages. A document enters the index only after all its images are stored, so that no hit ever points at a missing one.
 *
 * @module
 */
import PQueue from "p-queue";
import { type ErrorCode, MaxleafError, toMaxleafError } from "../../shared/errors.ts";
import type { DocumentEntry, EncodedPage } from "../../shared/page.ts";
import { systemClock } from "../../shared/ports.ts";
import { newRevision } from "../../shared/revision.ts";
import { layout } from "../../shared/store/layout.ts";
import type { ObjectStore } from "../../shared/store/object-store.ts";
import { removeObjects } from "../indexing/commit-changes.ts";
import type { LiveDocument } from "../indexing/document-index.ts";
import { type IndexingProgress, IndexWriter } from "../indexing/index-writer.ts";
import type { Model, ModelPage } from "../models/model.ts";
import type { ExecutionProvider } from "../models/onnx-session.ts";
import type { PageReader } from "../ocr/page-reader.ts";
import { type ReadScan, ScanReading } from "../ocr/scan-reading.ts";
import { MAX_RENDER_PROCESSES } from "../render/limits.ts";
import { RenderPool } from "../render/render-pool.ts";
import type { RenderedDocument } from "../render/rendered-document.ts";
import type { RenderedPage } from "../render/rendered-page.ts";
import type { Discovery, FoundFile } from "./discover.ts";
import { type DocumentSource, isUnchanged, readSource } from "./document-source.ts";
import { encodePage } from "./encode-page.ts";
import { mapInOrder } from "./map-in-order.ts";
import { PageBatcher } from "./page-batcher.ts";
import { emptyReport, type IngestReport, type PageNotice } from "./report.ts";

/** Sources in memory: one more than there are render processes, so that one is read while the others are rendered. */
const DOCUMENTS_AT_ONCE = MAX_RENDER_PROCESSES + 1;
/** Pages of one document between its renderer and the index: images of about 250 kB and vectors of 350 kB each. */
const PAGES_AT_ONCE = 8;
/**
 * The same for a model that looks at pages: raw pictures of 12 MB, and the model's tensors of up to 53 MB for the one that it
 * looks at. One page is encoded while the next is drawn; the renderer holds one more.
 */
const PICTURED_PAGES_AT_ONCE = 2;
/** A commit's worth: about one full segment (see plan-segments.ts), 3,100 pages of text. What a crash loses at most. */
const COMMIT_VECTORS = 2_000_000;
const COMMIT_PAGES = 4_096;

/** Failures that would meet every other file too. */
const FATAL: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "store_unavailable",
  "model_unavailable",
  "recipe_mismatch",
  "commit_conflict",
  "commit_expired",
]);

/** What happens, for progress bars. */
export interface IngestObserver {
  onPage?(file: FoundFile, page: number, pageCount: number, searchable: boolean): void;
  /** A file is done with: ingested, unchanged or failed. */
  onFile?(file: FoundFile, outcome: "added" | "replaced" | "unchanged" | "failed"): void;
  onCommit?(progress: IndexingProgress): void;
  /** A file that was added, or took the place of an older version, is in the index. */
  onCommitted?(file: FoundFile): void;
  onWarning?(message: string, cause: unknown): void;
}

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
  const { store, index, model, threads, executionProvider, observer } = options;
  const writer = await IndexWriter.open({
    store,
    index,
    recipe: model.recipe,
    threads,
    executionProvider,
    onProgress: (progress) => observer?.onCommit?.(progress),
    onWarning: (message, cause) => observer?.onWarning?.(message, cause),
  });
  const renderPool = new RenderPool();
  try {
    return await new Ingestion(options, writer, renderPool, await writer.liveDocuments()).run();
  } finally {
    renderPool.close();
    await writer.close();
  }
}

class Ingestion {
  readonly #options: IngestOptions;
  readonly #writer: IndexWriter;
  readonly #renderPool: RenderPool;
  readonly #live: ReadonlyMap<string, LiveDocument>;
  readonly #batcher: PageBatcher;
  readonly #scans: ScanReading | undefined;
  readonly #report: IngestReport;
  /** Aborted by the caller's signal or by the first fatal failure. */
  readonly #stop = new AbortController();
  #fatal: MaxleafError | undefined;
  #uncommittedPages = 0;
  #uncommitted: FoundFile[] = [];

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
    this.#batcher = new PageBatcher(options.model, this.#stop.signal);
    const { pageReader, model } = options;
    // A model that looks at pages needs no words of them.
    const readsScans = pageReader !== undefined && model.pictureLongEdgePx === undefined;
    this.#scans = readsScans ? new ScanReading(pageReader) : undefined;
    this.#report = emptyReport(options.index, options.model.recipe.name);
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
      const queue = new PQueue({ concurrency: DOCUMENTS_AT_ONCE });
      await queue.addAll(found.files.map((file) => async () => await this.#ingest(file)));
    } finally {
      signal?.removeEventListener("abort", stop);
    }
    if (this.#fatal !== undefined) throw this.#fatal;
    await this.#commit();
    report.interrupted = this.#stop.signal.aborted;
    report.failed.sort((a, b) => (a.name < b.name ? -1 : 1));
    report.seconds = (systemClock.nowMs() - begunMs) / 1_000;
    report.pagesPerSecond = report.pages / report.seconds;
    report.ocrPagesPerSecond = this.#scans?.pagesPerSecond ?? 0;
    return report;
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
        observer?.onFile?.(file, "unchanged");
        return;
      }
      await this.#add(file, source, live);
      const outcome = live === undefined ? "added" : "replaced";
      this.#report[outcome]++;
      this.#uncommitted.push(file);
      observer?.onFile?.(file, outcome);
      if (this.#writer.pendingVectors >= COMMIT_VECTORS || this.#uncommittedPages >= COMMIT_PAGES) await this.#commit();
    } catch (error) {
      this.#noteFailure(file, error);
    }
  }

  #noteFailure(file: FoundFile, error: unknown): void {
    // What fails after a stop fails because of it, or is tried again by the next run.
    if (this.#stop.signal.aborted) return;
    const failure = toMaxleafError(error);
    if (FATAL.has(failure.code)) {
      this.#fatal ??= failure;
      this.#stopWorking();
      return;
    }
    const cause = failure.cause instanceof Error && failure.code === "internal" ? `: ${failure.cause.message}` : "";
    this.#report.failed.push({ name: file.name, code: failure.code, reason: failure.message + cause });
    this.#options.observer?.onFile?.(file, "failed");
  }

  async #add(file: FoundFile, source: DocumentSource, live: LiveDocument | undefined): Promise<void> {
    const { store, index } = this.#options;
    const metadata = file.metadata ?? this.#options.metadata;
    const { pictureLongEdgePx } = this.#options.model;
    const document = await this.#renderPool.open({ name: source.name, bytes: source.bytes }, { pictureLongEdgePx });
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
      await this.#writer.addDocument(entry, this.#encodedPages(file, entry, document));
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

  /** The pages of a document, each after its images are stored. Counts them when the last one is through. */
  async *#encodedPages(file: FoundFile, entry: DocumentEntry, document: RenderedDocument): AsyncGenerator<EncodedPage> {
    const { observer, model } = this.#options;
    const counts = { pages: 0, searchablePages: 0, pagesReadByOcr: 0, vectors: 0 };
    const notices: PageNotice[] = [];
    const work = async (page: RenderedPage) => {
      this.#throwIfStopped();
      const [read] = await Promise.all([this.#encode(page), this.#storeImages(entry, page)]);
      // The picture is not needed any more, and the page may have to wait for those before it.
      return { page: { ...page, picture: undefined }, ...read };
    };
    const pagesAtOnce = model.pictureLongEdgePx === undefined ? PAGES_AT_ONCE : PICTURED_PAGES_AT_ONCE;
    for await (const { page, encoded, problem } of mapInOrder(document, pagesAtOnce, work)) {
      this.#throwIfStopped();
      notices.push(...noticesOf(entry.name, page, encoded));
      if (problem !== undefined) notices.push({ name: entry.name, page: page.pageNumber, ...problem });
      counts.pages++;
      counts.vectors += encoded.vectorCount;
      if (encoded.vectorCount > 0) counts.searchablePages++;
      if (encoded.textSource === "ocr") counts.pagesReadByOcr++;
      observer?.onPage?.(file, page.pageNumber, entry.pageCount, encoded.vectorCount > 0);
      yield encoded;
    }
    this.#report.pageNotices.push(...notices);
    const report = this.#report;
    report.pages += counts.pages;
    report.searchablePages += counts.searchablePages;
    report.pagesReadByOcr += counts.pagesReadByOcr;
    report.pagesWithoutText += counts.pages - counts.searchablePages;
    report.vectors += counts.vectors;
    this.#uncommittedPages += counts.pages;
  }

  /** The page encoded, its words read from its image where it has no others. */
  async #encode(rendered: RenderedPage): Promise<{ encoded: ModelPage } & Pick<ReadScan, "problem">> {
    const { page, problem: unread }: ReadScan = (await this.#scans?.read(rendered)) ?? { page: rendered };
    this.#throwIfStopped();
    const { encoded, problem = unread } = await encodePage(page, this.#options.model, this.#batcher);
    const { textSource } = page;
    const marked = textSource === undefined || encoded.vectorCount === 0 ? encoded : { ...encoded, textSource };
    return { encoded: marked, ...(problem === undefined ? {} : { problem }) };
  }

  async #storeImages(entry: DocumentEntry, page: RenderedPage): Promise<void> {
    const { store, index } = this.#options;
    const image = { contentType: "image/webp" };
    const at = [index, entry.id, entry.revision, page.pageNumber] as const;
    await Promise.all([
      store.put(layout.pageImage(...at), page.image, image),
      store.put(layout.pageThumbnail(...at), page.thumbnail, image),
    ]);
  }

  async #commit(): Promise<void> {
    if (this.#options.discard?.aborted === true) return;
    this.#uncommittedPages = 0;
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

  #throwIfStopped(): void {
    if (this.#stop.signal.aborted) throw new MaxleafError("internal", "the ingestion was stopped");
  }
}

function noticesOf(name: string, page: RenderedPage, encoded: ModelPage): PageNotice[] {
  const notices: PageNotice[] = [];
  if (page.problem !== undefined) notices.push({ name, page: page.pageNumber, ...page.problem });
  if (encoded.wordsLeftOut > 0) {
    const reason = `page ${page.pageNumber}: its last ${encoded.wordsLeftOut} words are too many for one page and cannot be found`;
    notices.push({ name, page: page.pageNumber, code: "words_left_out", reason });
  }
  return notices;
}
