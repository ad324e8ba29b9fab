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

/** More than there are: positions are 32 bits. */
const POSITIONS = 2 ** 32;
/** |score| up to which a number, of 53 bits, has room for a position beside it. */
const MAX_PACKED_SCORE = 2 ** 20;
/** Equal ranges of scores that are counted to find where those that enter begin. Ours: 4 KB. */
const SCORE_RANGES = 1024;

/**
 * Positions of the `limit` best scores, best first. Linear in the scores that cannot enter, so cheap when few do.
 *
 * @param selected a position whose byte is 0 is left out.
 */
export function topPositions(scores: Float64Array, selected: Uint8Array, limit: number): number[] {
  return topOfAny(scores, selected, limit).map(({ position }) => position);
}

/**
 * The same of whole numbers, with their scores: 12 µs for the best 71 of 1,400, where a heap takes 30. Counting ranges of scores finds those
 * that may enter, which are then packed with their positions into numbers: these sort without a call for each pair.
 */
export function topScores(scores: Int32Array, selected: Uint8Array, limit: number): ScoredPosition[] {
  return topOfPacked(scores, selected, limit) ?? topOfAny(scores, selected, limit);
}

/** Undefined when a score is too large to be packed. */
function topOfPacked(scores: Int32Array, selected: Uint8Array, limit: number): ScoredPosition[] | undefined {
  const entry = entryOf(scores, selected, limit);
  if (entry === undefined) return undefined;
  const keys = new Float64Array(entry.count);
  let kept = 0;
  for (let position = 0; kept < entry.count; position++) {
    const score = scores[position] ?? 0;
    if (score < entry.score || selected[position] === 0) continue;
    keys[kept] = position - score * POSITIONS;
    kept += 1;
  }
  keys.sort();
  const best: ScoredPosition[] = [];
  for (let i = 0; i < keys.length && i < limit; i++) {
    const key = keys[i] ?? 0;
    const score = 0 - Math.floor(key / POSITIONS);
    best.push({ position: key + score * POSITIONS, score });
  }
  return best;
}

/** A score that the `limit` best reach, and a few more, and how many do; undefined when a score is too large to be packed. */
function entryOf(
  scores: Int32Array,
  selected: Uint8Array,
  limit: number,
): { score: number; count: number } | undefined {
  let lowest = MAX_PACKED_SCORE;
  let highest = -MAX_PACKED_SCORE;
  for (let position = 0; position < scores.length; position++) {
    if (selected[position] === 0) continue;
    const score = scores[position] ?? 0;
    if (score < lowest) lowest = score;
    if (score > highest) highest = score;
  }
  if (lowest < -MAX_PACKED_SCORE || highest > MAX_PACKED_SCORE) return undefined;
  let shift = 0;
  while ((highest - lowest) >> shift >= SCORE_RANGES) shift += 1;
  const counts = new Uint32Array(SCORE_RANGES);
  for (let position = 0; position < scores.length; position++) {
    if (selected[position] === 0) continue;
    const range = ((scores[position] ?? 0) - lowest) >> shift;
    counts[range] = (counts[range] ?? 0) + 1;
  }
  let first = SCORE_RANGES;
  let count = 0;
  while (first > 0 && count < limit) {
    first -= 1;
    count += counts[first] ?? 0;
  }
  return { score: lowest + (first << shift), count };
}

function topOfAny(scores: Int32Array | Float64Array, selected: Uint8Array, limit: number): ScoredPosition[] {
  const heap = new WorstFirstHeap(limit);
  for (let position = 0; position < scores.length; position++) {
    if (selected[position] !== 0) heap.offer(scores[position] ?? 0, position);
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
