/**
 * The best few of many pages, offered one by one in order.
 *
 * @module
 */

interface ScoredPage {
  page: number;
  score: number;
}

export class BestPages {
  readonly #capacity: number;
  /** At most twice the capacity; cut back when full, so that an offer costs little. */
  #kept: ScoredPage[] = [];
  #worst = Number.NEGATIVE_INFINITY;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** Of equal scores the page offered first is the better one. */
  offer(page: number, score: number): void {
    if (score <= this.#worst) return;
    this.#kept.push({ page, score });
    if (this.#kept.length < 2 * this.#capacity) return;
    this.#kept = this.list();
    this.#worst = this.#kept.at(-1)?.score ?? this.#worst;
  }

  /** Best first. */
  list(): ScoredPage[] {
    return this.#kept.toSorted((a, b) => b.score - a.score || a.page - b.page).slice(0, this.#capacity);
  }
}
