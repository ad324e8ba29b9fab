/**
 * The best few of many scores, in an order that never depends on chance: higher scores first, equal ones by position.
 *
 * @module
 */

/** Whether (score a, position a) comes before (score b, position b). */
export function comesBefore(scoreA: number, positionA: number, scoreB: number, positionB: number): boolean {
  return scoreA > scoreB || (scoreA === scoreB && positionA < positionB);
}

export interface ScoredPosition {
  position: number;
  score: number;
}

/** Positions of the `limit` best scores: as {@link topScores}. */
export function topPositions(scores: Int32Array | Float64Array, selected: Uint8Array, limit: number): number[] {
  return topScores(scores, selected, limit).map(({ position }) => position);
}

/**
 * The `limit` best scores with their positions, best first. Linear in the scores that cannot enter, so cheap when few do.
 *
 * @param selected a position whose byte is 0 is left out.
 */
export function topScores(scores: Int32Array | Float64Array, selected: Uint8Array, limit: number): ScoredPosition[] {
  const heap = new WorstFirstHeap(limit);
  let { floor } = heap;
  for (let position = 0; position < scores.length; position++) {
    const score = scores[position] ?? 0;
    if (score <= floor || selected[position] === 0) continue;
    heap.offer(score, position);
    floor = heap.floor;
  }
  return heap.best();
}

/** Keeps the best `capacity` offers; its root is the worst of them. */
export class WorstFirstHeap {
  readonly #scores: Float64Array;
  readonly #positions: Uint32Array;
  #size = 0;

  constructor(capacity: number) {
    this.#scores = new Float64Array(capacity);
    this.#positions = new Uint32Array(capacity);
  }

  /** What a score must be above to enter, where positions are offered in ascending order; −∞ while there is room. */
  get floor(): number {
    if (this.#size < this.#scores.length) return Number.NEGATIVE_INFINITY;
    return this.#size === 0 ? Number.POSITIVE_INFINITY : this.#score(0);
  }

  offer(score: number, position: number): void {
    if (this.#size < this.#scores.length) {
      this.#set(this.#size, score, position);
      this.#size += 1;
      this.#rise(this.#size - 1);
      return;
    }
    if (this.#size === 0 || !comesBefore(score, position, this.#score(0), this.#position(0))) return;
    this.#set(0, score, position);
    this.#sink();
  }

  /** Best first. */
  positions(): number[] {
    return this.best().map(({ position }) => position);
  }

  /** The same with their scores. */
  best(): ScoredPosition[] {
    return Array.from({ length: this.#size }, (_, slot) => ({
      position: this.#position(slot),
      score: this.#score(slot),
    })).toSorted((a, b) => b.score - a.score || a.position - b.position);
  }

  #score(slot: number): number {
    return this.#scores[slot] ?? 0;
  }

  #position(slot: number): number {
    return this.#positions[slot] ?? 0;
  }

  #set(slot: number, score: number, position: number): void {
    this.#scores[slot] = score;
    this.#positions[slot] = position;
  }

  #isWorse(slot: number, other: number): boolean {
    return comesBefore(this.#score(other), this.#position(other), this.#score(slot), this.#position(slot));
  }

  #swap(a: number, b: number): void {
    const score = this.#score(a);
    const position = this.#position(a);
    this.#set(a, this.#score(b), this.#position(b));
    this.#set(b, score, position);
  }

  #rise(from: number): void {
    let slot = from;
    while (slot > 0) {
      const parent = (slot - 1) >> 1;
      if (!this.#isWorse(slot, parent)) return;
      this.#swap(slot, parent);
      slot = parent;
    }
  }

  #sink(): void {
    let slot = 0;
    for (;;) {
      const left = 2 * slot + 1;
      const right = left + 1;
      let worst = slot;
      if (left < this.#size && this.#isWorse(left, worst)) worst = left;
      if (right < this.#size && this.#isWorse(right, worst)) worst = right;
      if (worst === slot) return;
      this.#swap(slot, worst);
      slot = worst;
    }
  }
}
