/**
 * What is done with one rendered page: its words are read where it is a scan, it is encoded, and its images are stored.
 *
 * @module
 */
import { MaxleafError } from "../../shared/errors.ts";
import type { DocumentEntry } from "../../shared/page.ts";
import { layout } from "../../shared/store/layout.ts";
import type { ObjectStore } from "../../shared/store/object-store.ts";
import { timed } from "../indexing/stage-times.ts";
import type { Model, ModelPage } from "../models/model.ts";
import type { PageReader } from "../ocr/page-reader.ts";
import { type ReadScan, ScanReading } from "../ocr/scan-reading.ts";
import type { RenderedPage } from "../render/rendered-page.ts";
import { encodePage } from "./encode-page.ts";
import { PageBatcher } from "./page-batcher.ts";
import type { PageNotice } from "./report.ts";
import type { OnStage } from "./stages.ts";

export interface PageWorkOptions {
  store: ObjectStore;
  index: string;
  model: Model;
  pageReader?: PageReader | undefined;
  onStage?: OnStage | undefined;
  /** Pages that have not begun a step when it is aborted fail. */
  signal: AbortSignal;
}

/** A page that is ready for the index. */
export interface FinishedPage {
  encoded: ModelPage;
  /** What did not go well. */
  notices: PageNotice[];
}

export class PageWork {
  readonly #options: PageWorkOptions;
  readonly #batcher: PageBatcher;
  readonly #scans: ScanReading | undefined;

  constructor(options: PageWorkOptions) {
    const { model, pageReader, signal, onStage } = options;
    this.#options = options;
    this.#batcher = new PageBatcher(model, {
      signal,
      batchesAtOnce: model.pictureLongEdgePx === undefined ? TEXT_BATCHES_AT_ONCE : 1,
      onBatch: (seconds) => onStage?.("encode", seconds),
    });
    // A model that looks at pages needs no words of them.
    const readsScans = pageReader !== undefined && model.pictureLongEdgePx === undefined;
    this.#scans = readsScans ? new ScanReading(pageReader) : undefined;
  }

  get ocrPagesPerSecond(): number {
    return this.#scans?.pagesPerSecond ?? 0;
  }

  /** Does all for a page of `entry`. Its images are stored when it returns. */
  async finish(entry: DocumentEntry, page: RenderedPage): Promise<FinishedPage> {
    this.#throwIfStopped();
    const [{ encoded, problem }] = await Promise.all([this.#encode(entry, page), this.#storeImages(entry, page)]);
    const notices = noticesOf(entry.name, page, encoded);
    if (problem !== undefined) notices.push({ name: entry.name, page: page.pageNumber, ...problem });
    return { encoded, notices };
  }

  /** The page encoded, its words read from its image where it has no others. */
  async #encode(
    entry: DocumentEntry,
    rendered: RenderedPage,
  ): Promise<{ encoded: ModelPage } & Pick<ReadScan, "problem">> {
    const { page, problem: unread } = await this.#read(rendered);
    this.#throwIfStopped();
    const { encoded, problem = unread } = await encodePage(
      { ...page, documentName: entry.name },
      this.#options.model,
      this.#batcher,
    );
    const { textSource } = page;
    const marked = textSource === undefined || encoded.vectorCount === 0 ? encoded : { ...encoded, textSource };
    return { encoded: marked, ...(problem === undefined ? {} : { problem }) };
  }

  async #read(rendered: RenderedPage): Promise<ReadScan> {
    const scans = this.#scans;
    if (scans === undefined || !scans.concerns(rendered)) return { page: rendered };
    return await timed(this.#options.onStage, "ocr", async () => await scans.read(rendered));
  }

  async #storeImages(entry: DocumentEntry, page: RenderedPage): Promise<void> {
    const { store, index, onStage } = this.#options;
    const image = { contentType: "image/webp" };
    const at = [index, entry.id, entry.revision, page.pageNumber] as const;
    await timed(onStage, "store_images", async () => {
      await Promise.all([
        store.put(layout.pageImage(...at), page.image, image),
        store.put(layout.pageThumbnail(...at), page.thumbnail, image),
      ]);
    });
  }

  #throwIfStopped(): void {
    if (this.#options.signal.aborted) throw new MaxleafError("internal", "the ingestion was stopped");
  }
}

/** While one batch ends, in whose last windows some sessions have nothing left to do, the next has begun. */
const TEXT_BATCHES_AT_ONCE = 2;

function noticesOf(name: string, page: RenderedPage, encoded: ModelPage): PageNotice[] {
  const notices: PageNotice[] = [];
  if (page.problem !== undefined) notices.push({ name, page: page.pageNumber, ...page.problem });
  if (encoded.wordsLeftOut > 0) {
    const reason = `page ${page.pageNumber}: its last ${encoded.wordsLeftOut} words are too many for one page and cannot be found`;
    notices.push({ name, page: page.pageNumber, code: "words_left_out", reason });
  }
  return notices;
}
