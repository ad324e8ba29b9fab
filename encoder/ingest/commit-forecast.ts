/**
 * Foretells the first commit of an ingestion, so that what it needs can be made before it is due.
 *
 * @module
 */
import type { FoundFile } from "./discover.ts";

/**
 * A codebook is trained on the first two fifths of its pages: of 500 pages 127,000 vectors, about the sample that it would take of
 * all (131,072). Later, training and the coding after it would not be over with the last page; what training does not see is coded a
 * little less closely, as any later document is.
 */
const TRAINING_SHARE = 0.4;

export class CommitForecast {
  readonly #commitVectors: number;
  #bytes: number;
  #doneBytes = 0;
  #vectors = 0;

  /** @param commitVectors - A commit has about so many at most. */
  constructor(files: readonly FoundFile[], commitVectors: number) {
    this.#commitVectors = commitVectors;
    this.#bytes = files.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** A page of `file` is encoded. */
  page({ bytes }: FoundFile, pageCount: number, vectors: number): void {
    this.#doneBytes += bytes / pageCount;
    this.#vectors += vectors;
  }

  /** A file that no pages came of: unchanged or failed. */
  without({ bytes }: FoundFile): void {
    this.#bytes -= bytes;
  }

  /** Vectors that the commit will have if the files to come are like those before, by size; 0 before the first page. */
  get expectedVectors(): number {
    if (this.#doneBytes <= 0) return 0;
    const share = Math.min(1, this.#doneBytes / Math.max(this.#bytes, this.#doneBytes));
    return Math.min(this.#commitVectors, Math.round(this.#vectors / share));
  }

  /** Enough of it is there to train on. */
  get isTrainable(): boolean {
    return this.#vectors > 0 && this.#vectors >= TRAINING_SHARE * this.expectedVectors;
  }
}
