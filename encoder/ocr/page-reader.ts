/**
 * What reads a page that is only a picture. Ingestion knows this and no recogniser.
 *
 * @module
 */
import type { PageWord } from "../models/model.ts";

/** A word that was recognised. */
export interface ReadWord extends PageWord {
  /** How sure the recogniser is, 0…1; comparable only within one recogniser. */
  confidence: number;
}

export interface PageReading {
  words: ReadWord[];
  /** What it took, without waiting for a process and starting it. */
  readMs: number;
}

/** Reads pictures of pages. Calls may overlap: they wait in turn for a process. */
export interface PageReader {
  /**
   * The words of a page in reading order; words that are likely no words are left out, words cut at a line's end are
   * whole. Empty for a picture without text.
   *
   * @param picture an image file (WebP, PNG, …) of the page as shown.
   *
   * Errors: `render_timeout` after the time a page may take, `file_unreadable` when the recogniser fails on this
   * picture, `model_unavailable` when it does not start at all.
   */
  read(picture: Uint8Array): Promise<PageReading>;
  /** Ends what is under way; nothing can be read afterwards. */
  close(): void;
}
