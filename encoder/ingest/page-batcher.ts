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

export class PageBatcher {
  readonly #model: Pick<Model, "encodePages">;
  readonly #signal: AbortSignal | undefined;
  readonly #waiting: Waiting[] = [];
  #encoding = false;

  /** @param signal - When it is aborted, pages that still wait are refused with its reason. */
  constructor(model: Pick<Model, "encodePages">, signal?: AbortSignal) {
    this.#model = model;
    this.#signal = signal;
  }

  /** Encodes `page` together with whatever else is waiting when the model becomes free. */
  encode(page: PageInput): Promise<ModelPage> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ page, resolve, reject });
      if (!this.#encoding) void this.#encodeWaiting();
    });
  }

  async #encodeWaiting(): Promise<void> {
    this.#encoding = true;
    while (this.#waiting.length > 0) await this.#encodeBatch(this.#waiting.splice(0, MAX_BATCH_PAGES));
    this.#encoding = false;
  }

  async #encodeBatch(batch: readonly Waiting[]): Promise<void> {
    try {
      this.#signal?.throwIfAborted();
      const pages = await this.#model.encodePages(batch.map(({ page }) => page));
      if (pages.length !== batch.length) throw new Error(`the model gave ${pages.length} pages for ${batch.length}`);
      pages.forEach((page, position) => batch[position]?.resolve(page));
    } catch (error) {
      // One document's page must not fail another's: alone, only the culprit fails.
      if (batch.length === 1 || this.#signal?.aborted === true) for (const { reject } of batch) reject(error);
      else for (const waiting of batch) await this.#encodeBatch([waiting]);
    }
  }
}
