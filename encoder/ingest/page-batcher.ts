/**
 * Gathers pages of several documents into one call of the model: a folder of one-page images is encoded as fast as one
 * long document.
 *
 * @module
 */
import type { Model, ModelPage, PageInput } from "../models/model.ts";

/** Pages of one call: 11 windows of 256 tokens, 1 to 2 s on two cores, which is how long Ctrl-C has to wait. */
const MAX_BATCH_PAGES = 4;

interface Waiting {
  page: PageInput;
  resolve: (page: ModelPage) => void;
  reject: (error: unknown) => void;
}

export interface PageBatcherOptions {
  /** When it is aborted, pages that still wait are refused with its reason. */
  signal?: AbortSignal | undefined;
  /** Calls of the model at a time; default 1. */
  batchesAtOnce?: number | undefined;
  /** Told of each call that gave pages how long it took. */
  onBatch?: ((seconds: number) => void) | undefined;
}

export class PageBatcher {
  readonly #model: Pick<Model, "encodePages">;
  readonly #options: PageBatcherOptions;
  readonly #waiting: Waiting[] = [];
  #encoding = 0;

  constructor(model: Pick<Model, "encodePages">, options: PageBatcherOptions = {}) {
    this.#model = model;
    this.#options = options;
  }

  /** Encodes `page` together with whatever else is waiting when the model becomes free. */
  encode(page: PageInput): Promise<ModelPage> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ page, resolve, reject });
      const { batchesAtOnce = 1 } = this.#options;
      if (this.#encoding < batchesAtOnce) void this.#encodeWaiting();
    });
  }

  async #encodeWaiting(): Promise<void> {
    this.#encoding++;
    while (this.#waiting.length > 0) await this.#encodeBatch(this.#waiting.splice(0, MAX_BATCH_PAGES));
    this.#encoding--;
  }

  async #encodeBatch(batch: readonly Waiting[]): Promise<void> {
    const { signal, onBatch } = this.#options;
    try {
      signal?.throwIfAborted();
      const begunMs = performance.now();
      const pages = await this.#model.encodePages(batch.map(({ page }) => page));
      if (pages.length !== batch.length) throw new Error(`the model gave ${pages.length} pages for ${batch.length}`);
      onBatch?.((performance.now() - begunMs) / 1_000);
      pages.forEach((page, position) => batch[position]?.resolve(page));
    } catch (error) {
      // One document's page must not fail another's: alone, only the culprit fails.
      if (batch.length === 1 || signal?.aborted === true) for (const { reject } of batch) reject(error);
      else for (const waiting of batch) await this.#encodeBatch([waiting]);
    }
  }
}
