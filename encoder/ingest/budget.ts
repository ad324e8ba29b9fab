/**
 * A limited amount of something (pages in memory, bytes of sources) that work takes before it begins and gives back.
 *
 * @module
 */

interface Waiting {
  amount: number;
  admit: () => void;
}

/** First come, first served: a large request is not overtaken for ever by small ones. */
export class Budget {
  readonly #limit: number;
  readonly #waiting: Waiting[] = [];
  #taken = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** What is taken now. */
  get taken(): number {
    return this.#taken;
  }

  /** Waits until `amount` fits. More than the whole budget is let in alone. */
  async take(amount: number): Promise<void> {
    if (this.#waiting.length === 0 && this.#fits(amount)) {
      this.#taken += amount;
      return;
    }
    await new Promise<void>((admit) => this.#waiting.push({ amount, admit }));
  }

  /** Gives back what {@link take} took. */
  give(amount: number): void {
    this.#taken -= amount;
    for (let next = this.#waiting[0]; next !== undefined && this.#fits(next.amount); next = this.#waiting[0]) {
      this.#waiting.shift();
      this.#taken += next.amount;
      next.admit();
    }
  }

  #fits(amount: number): boolean {
    return this.#taken === 0 || this.#taken + amount <= this.#limit;
  }
}
