/**
 * Work on indexes that goes on beside everything else: one piece at a time for each index, and once more when it was asked for
 * again meanwhile.
 *
 * @module
 */

export class BackgroundWork<Input> {
  readonly #work: (index: string, input: Input) => Promise<void>;
  readonly #running = new Map<string, Promise<void>>();
  /** The first input since the work under way began. */
  readonly #waiting = new Map<string, Input>();

  /** @param work must not reject. */
  constructor(work: (index: string, input: Input) => Promise<void>) {
    this.#work = work;
  }

  /** Begins the work, or has it begin when that under way ends. Of inputs that come meanwhile only the first is taken. */
  start(index: string, input: Input): void {
    if (!this.#waiting.has(index)) this.#waiting.set(index, input);
    if (!this.#running.has(index)) this.#running.set(index, this.#run(index));
  }

  /** Resolves when nothing is under way any more. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running.values());
  }

  async #run(index: string): Promise<void> {
    for (let input = this.#take(index); input !== undefined; input = this.#take(index)) {
      await this.#work(index, input.value);
    }
    this.#running.delete(index);
  }

  #take(index: string): { value: Input } | undefined {
    const value = this.#waiting.get(index);
    if (!this.#waiting.delete(index) || value === undefined) return undefined;
    return { value };
  }
}
