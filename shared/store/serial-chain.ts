/**
 * How many reads had to wait for each other.
 *
 * @module
 */

/**
 * Length of the longest chain of reads in which each began after the one before had ended. Reads that run side by side are
 * one link.
 */
export class SerialChain {
  #length = 0;
  #ended = 0;

  get length(): number {
    return this.#length;
  }

  /** Runs `read` as part of the chain; a read that fails counts like any other. */
  async run<T>(read: () => Promise<T>): Promise<T> {
    const link = this.#ended + 1;
    this.#length = Math.max(this.#length, link);
    try {
      return await read();
    } finally {
      this.#ended = Math.max(this.#ended, link);
    }
  }
}
