/**
 * Documents that are encoded but not yet committed. Their pages lie in spools on disk.
 *
 * @module
 */
import { MaxleafError, quote } from "../../shared/errors.ts";
import { MAX_UNCOMMITTED_MS } from "../../shared/limits.ts";
import type { DocumentEntry, EncodedPage } from "../../shared/page.ts";
import type { Clock } from "../../shared/ports.ts";
import type { SpooledDocument, SpooledPage } from "./build-segment.ts";
import { checkEncodedPage, quantizePage } from "./page-vectors.ts";
import { type PageSpool, type SpoolHold, SpoolRotation } from "./spool-rotation.ts";

export interface HeldDocument extends SpooledDocument {
  hold: SpoolHold;
  /** Its images are stored from then on, its source a moment before. */
  storedSinceMs: number;
}

export class PendingDocuments {
  readonly #dim: number;
  readonly #spools: SpoolRotation;
  readonly #clock: Clock;
  readonly #onSpooled: (spool: PageSpool, page: SpooledPage) => void;
  readonly #pending = new Map<string, HeldDocument>();
  /** Being committed: they keep their spool even when a newer version comes. */
  #taken: readonly HeldDocument[] = [];

  /** @param onSpooled - Told of every page that is in a spool, before its document is complete. */
  constructor(
    dim: number,
    spoolFolder: string | undefined,
    clock: Clock,
    onSpooled: (spool: PageSpool, page: SpooledPage) => void = () => undefined,
  ) {
    this.#dim = dim;
    this.#clock = clock;
    this.#onSpooled = onSpooled;
    this.#spools = new SpoolRotation(spoolFolder);
  }

  /** See `IndexWriter.addDocument`. */
  async add(entry: DocumentEntry, pages: Iterable<EncodedPage> | AsyncIterable<EncodedPage>): Promise<void> {
    const storedSinceMs = this.#clock.nowMs();
    const hold = await this.#spools.hold();
    try {
      const spooled = await this.#spoolPages(hold.spool, entry, pages);
      const vectorCount = spooled.reduce((sum, page) => sum + page.vectorCount, 0);
      const older = this.#pending.get(entry.id);
      this.#pending.set(entry.id, { entry, spool: hold.spool, pages: spooled, vectorCount, hold, storedSinceMs });
      if (older !== undefined && !this.#taken.includes(older)) await older.hold.release();
    } catch (error) {
      await hold.release();
      throw error;
    }
  }

  /** Everything added so far, by name, so that equal documents make an equal index. Call `settle` before taking again. */
  async take(): Promise<readonly HeldDocument[]> {
    this.#taken = [...this.#pending.values()].toSorted((a, b) => (a.entry.name < b.entry.name ? -1 : 1));
    if (this.#taken.length > 0) await this.#spools.rotate();
    return this.#taken;
  }

  /**
   * Lets go of what was taken and is committed or was replaced by a newer version meanwhile; when the commit was refused as too
   * late (`expired`), of what made it so.
   */
  async settle(outcome: "committed" | "expired" | "failed"): Promise<void> {
    const taken = this.#taken;
    this.#taken = [];
    const expiredBeforeMs = this.#clock.nowMs() - MAX_UNCOMMITTED_MS;
    for (const document of taken) {
      const isNewest = this.#pending.get(document.entry.id) === document;
      const isExpired = outcome === "expired" && document.storedSinceMs < expiredBeforeMs;
      if (isNewest && outcome !== "committed" && !isExpired) continue;
      if (isNewest) this.#pending.delete(document.entry.id);
      await document.hold.release();
    }
  }

  async close(): Promise<void> {
    await this.#spools.close();
  }

  async #spoolPages(
    spool: PageSpool,
    { name, pageCount }: DocumentEntry,
    pages: Iterable<EncodedPage> | AsyncIterable<EncodedPage>,
  ): Promise<SpooledPage[]> {
    const spooled = new Map<number, SpooledPage>();
    for await (const page of pages) {
      checkEncodedPage(page, this.#dim);
      const { pageNumber, vectorCount } = page;
      if (spooled.has(pageNumber)) throw new MaxleafError("internal", `page ${pageNumber} was encoded twice`);
      const place: SpooledPage = { ...(await spool.append(quantizePage(page, this.#dim))), vectorCount };
      spooled.set(pageNumber, place);
      this.#onSpooled(spool, place);
    }
    if (spooled.size === 0) throw new MaxleafError("file_empty", `${quote(name)} has no pages`);
    if (spooled.size === pageCount) {
      return [...spooled].toSorted(([a], [b]) => a - b).map(([, page]) => page);
    }
    const message = `${quote(name)} should have ${pageCount} pages but ${spooled.size} were encoded`;
    throw new MaxleafError("internal", message);
  }
}
