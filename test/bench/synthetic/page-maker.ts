/**
 * Synthetic pages that are like the real ones they are made from, as many as wanted. A page is
 *
 * 1. sentences (runs of 8 to 24 vectors) of one real page and of the 15 real pages most like it, until it has the size of some
 *    real page: thousands of pages about one thing, as in a large collection, each saying another part of it. Sizes, and
 *    which centroids go together, are those of real pages;
 * 2. a quarter of its distinct centroids replaced, each everywhere on the page, by the centroid of a random real vector of the
 *    same cell: pages from the same sources differ, while every centroid stays as popular as it is in the real corpus;
 * 3. for every vector, the residual of a random real vector of its centroid in the first half of the dimensions and of another
 *    in the second half, both the code and the exact values: residuals and coding errors are real ones.
 *
 * So exact vectors are of about length 1, not exactly, and neighbours on a page are less alike than real ones.
 *
 * @module
 */
import type { PageCodes, PageVectors } from "../../../shared/format/contract.ts";
import { pageNeighbours } from "./page-neighbours.ts";
import type { CodedPool } from "./pool.ts";

const REPLACED_SHARE = 0.25;
/** Vectors of a run: a sentence, more or less. */
const MIN_RUN_VECTORS = 8;
const MAX_RUN_VECTORS = 24;
/** Real pages that a page is put together from. */
const PAGES_OF_A_KIND = 16;

export interface SyntheticPage {
  codes: PageCodes;
  exact: PageVectors;
}

export class PageMaker {
  readonly #pool: CodedPool;
  readonly #seed: number;
  /** Real vectors by centroid: those of centroid c are `members[memberOffsets[c] … memberOffsets[c + 1])`. */
  readonly #members: Uint32Array;
  readonly #memberOffsets: Uint32Array;
  /** `[centroids, 2]`: the range in `members` of the vectors of each centroid's cell. */
  readonly #cellMembers: Uint32Array;
  /** By page: itself and the pages most like it. */
  readonly #kinds: readonly Uint32Array[];
  readonly #words: { codes: Int32Array; values: Int32Array; perCode: number; perVector: number };

  constructor(pool: CodedPool, seed: number) {
    this.#pool = pool;
    this.#seed = seed;
    const { codebook, centroidIds } = pool;
    if (codebook.subspaces % 8 !== 0 || codebook.dim % 8 !== 0) throw new Error("halves must be whole 32-bit words");
    this.#kinds = pageNeighbours(pool, PAGES_OF_A_KIND);
    this.#memberOffsets = offsetsByCentroid(centroidIds, codebook.centroidCount);
    const filled = this.#memberOffsets.slice();
    this.#members = new Uint32Array(centroidIds.length);
    centroidIds.forEach((centroid, vector) => {
      const at = filled[centroid] ?? 0;
      this.#members[at] = vector;
      filled[centroid] = at + 1;
    });
    this.#cellMembers = new Uint32Array(2 * codebook.centroidCount);
    const { offsets } = codebook.cells;
    for (let cell = 0; cell + 1 < offsets.length; cell++) {
      const [first = 0, end = 0] = offsets.subarray(cell, cell + 2);
      for (let centroid = first; centroid < end; centroid++) {
        this.#cellMembers[2 * centroid] = this.#memberOffsets[first] ?? 0;
        this.#cellMembers[2 * centroid + 1] = this.#memberOffsets[end] ?? 0;
      }
    }
    this.#words = {
      codes: new Int32Array(pool.codes.buffer, pool.codes.byteOffset, pool.codes.byteLength / 4),
      values: new Int32Array(pool.values.buffer, pool.values.byteOffset, pool.values.byteLength / 4),
      perCode: codebook.subspaces / 4,
      perVector: codebook.dim / 4,
    };
  }

  /** Page `number` of the corpus; always the same one. */
  page(number: number): SyntheticPage {
    const chance = new Chance(mix(this.#seed, number));
    const sources = this.#drawSources(chance);
    const { codebook, scale } = this.#pool;
    const count = sources.length;
    const centroidIds = new Uint16Array(count);
    const codes = new Int32Array(count * this.#words.perCode);
    const values = new Int32Array(count * this.#words.perVector);
    const pageSeed = chance.integer();
    for (let vector = 0; vector < count; vector++) {
      const centroid = this.#centroidFor(this.#pool.centroidIds[sources[vector] ?? 0] ?? 0, pageSeed);
      const first = this.#memberOffsets[centroid] ?? 0;
      const members = (this.#memberOffsets[centroid + 1] ?? 0) - first;
      const left = this.#members[first + chance.below(members)] ?? 0;
      const right = this.#members[first + chance.below(members)] ?? 0;
      centroidIds[vector] = centroid;
      copyHalves(this.#words.codes, left, right, codes, vector, this.#words.perCode);
      copyHalves(this.#words.values, left, right, values, vector, this.#words.perVector);
    }
    return {
      codes: { centroidIds, codes: new Uint8Array(codes.buffer, 0, count * codebook.subspaces) },
      exact: { scales: new Float32Array(count).fill(scale), values: new Int8Array(values.buffer) },
    };
  }

  /** Real vectors that the page's runs consist of. */
  #drawSources(chance: Chance): Uint32Array {
    const { pageOffsets } = this.#pool;
    const sizeOf = (page: number): number => (pageOffsets[page + 1] ?? 0) - (pageOffsets[page] ?? 0);
    const kind = this.#kinds[chance.below(this.#kinds.length)] ?? new Uint32Array(1);
    const sources = new Uint32Array(sizeOf(chance.below(this.#kinds.length)));
    for (let filled = 0; filled < sources.length;) {
      const page = kind[chance.below(kind.length)] ?? 0;
      const wanted = MIN_RUN_VECTORS + chance.below(MAX_RUN_VECTORS - MIN_RUN_VECTORS + 1);
      const length = Math.min(wanted, sizeOf(page), sources.length - filled);
      const first = (pageOffsets[page] ?? 0) + chance.below(sizeOf(page) - length + 1);
      for (let i = 0; i < length; i++) sources[filled + i] = first + i;
      filled += length;
    }
    return sources;
  }

  /** `centroid`, or what takes its place on the page with this seed. */
  #centroidFor(centroid: number, pageSeed: number): number {
    const draw = mix(pageSeed, centroid);
    if ((draw & 0xffff) >= REPLACED_SHARE * 0x1_0000) return centroid;
    const [first = 0, end = 0] = this.#cellMembers.subarray(2 * centroid, 2 * centroid + 2);
    const member = this.#members[first + (mix(draw, 1) % (end - first))] ?? 0;
    return this.#pool.centroidIds[member] ?? centroid;
  }
}

/** The first half of row `left` and the second half of row `right` of `rows` become row `to` of `target`. */
function copyHalves(
  rows: Int32Array,
  left: number,
  right: number,
  target: Int32Array,
  to: number,
  wordsPerRow: number,
): void {
  const half = wordsPerRow >> 1;
  const start = to * wordsPerRow;
  for (let i = 0; i < half; i++) target[start + i] = rows[left * wordsPerRow + i] ?? 0;
  for (let i = half; i < wordsPerRow; i++) target[start + i] = rows[right * wordsPerRow + i] ?? 0;
}

/** `[centroids + 1]`: how many vectors have a smaller centroid. */
function offsetsByCentroid(centroidIds: Uint16Array, centroidCount: number): Uint32Array {
  const offsets = new Uint32Array(centroidCount + 1);
  for (const centroid of centroidIds) offsets[centroid + 1] = (offsets[centroid + 1] ?? 0) + 1;
  for (let centroid = 0; centroid < centroidCount; centroid++) {
    offsets[centroid + 1] = (offsets[centroid + 1] ?? 0) + (offsets[centroid] ?? 0);
  }
  return offsets;
}

/** Two numbers to one of 32 bits that looks random (the finaliser of MurmurHash3). */
function mix(a: number, b: number): number {
  let hash = Math.imul(a ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(b + 0x7f4a7c15, 0xc2b2ae35);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** Chance for half a billion draws: the project's own source costs ten times as much (mulberry32, by T. Ettinger). */
class Chance {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  /** 32 bits. */
  integer(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let value = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value;
    return (value ^ (value >>> 14)) >>> 0;
  }

  /** 0 ≤ x < 1. */
  unit(): number {
    return this.integer() / 0x1_0000_0000;
  }

  /** 0 ≤ n < `limit`. */
  below(limit: number): number {
    return Math.floor(this.unit() * limit);
  }
}
