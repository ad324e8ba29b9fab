/**
 * Scores pages by the words of a question: BM25 over all live pages of the index, whatever the filter.
 *
 * A term's postings are decoded as a whole, so its document frequency is counted over pages that are still there: deleting a
 * document changes the scores as if it had never been.
 *
 * @module
 */
import { decodePostings, type Postings } from "../../format/lexical/postings.ts";
import { postingsIn } from "../../format/lexical/blocks.ts";
import { hashTerm } from "../../format/lexical/term-hash.ts";
import { termsOf } from "../../format/lexical/terms.ts";
import type { ReadSession } from "../read-session.ts";
import type { PageSelection } from "../selection.ts";
import type { IndexSnapshot } from "../snapshot.ts";
import { comesBefore, topPositions } from "../top-k.ts";
import { inverseFrequency, termScore } from "./bm25.ts";
import { type LexicalGroup, type LexicalGroups, maskOf } from "./lexical-groups.ts";
import type { TermCache } from "./term-cache.ts";

/**
 * Bytes of blocks that a question may read. A word that half of a million pages have takes half a megabyte, so that ten of
 * them fit; a longer question leaves the words out that most pages have, whose weight is the smallest.
 */
export const MAX_TERM_BYTES = 8 * 1024 * 1024;

/** A page that has some of the words. */
export interface LexicalPage {
  /** See `IndexSnapshot.locate`. */
  position: number;
  score: number;
}

/** What the words of a question found. */
export interface LexicalRanking {
  /** Best first; equal scores by position. */
  pages: LexicalPage[];
  /** Inverse document frequency of every term that was looked up and that some page has. */
  weights: ReadonlyMap<string, number>;
  /** Different terms of the question. */
  terms: number;
  /** Of them, those that were not looked up: see {@link MAX_TERM_BYTES}. */
  termsLeftOut: number;
  /** 0 of a page that has none of the words. */
  scoreOf(position: number): number;
}

export interface LexicalWork {
  snapshot: IndexSnapshot;
  session: ReadSession;
  cache: TermCache;
}

/** The `limit` best pages of `selection`. Errors: `path_unavailable`, see `LexicalHolder`; those of reading. */
export async function rankByTerms(
  text: string,
  selection: PageSelection,
  limit: number,
  { snapshot, session, cache }: LexicalWork,
): Promise<LexicalRanking> {
  const all = await snapshot.lexical.groupsOf(snapshot, session.store);
  const asked = askedTerms(text);
  const affordable = withinBudget(asked, all.groups);
  const blocks = await Promise.all(
    all.groups.map(async ({ index }) => {
      const wanted = affordable.flatMap(({ hash }) => index.blockOf(hash) ?? []);
      const read = await cache.read(index, wanted, { store: session.store, sideBySide: all.groups.length });
      session.cacheHits += read.cacheHits;
      return read.blocks;
    }),
  );
  const scoring = new Scoring(all, selection);
  const weights = new Map<string, number>();
  for (const { term, hash, times } of affordable) {
    const postings = all.groups.map((group, i) => postingsOf(group, hash, blocks[i]));
    const weight = scoring.add(postings, times);
    if (weight > 0) weights.set(term, weight);
  }
  return {
    pages: scoring.best(limit),
    weights,
    terms: asked.length,
    termsLeftOut: asked.length - affordable.length,
    scoreOf: (position) => scoring.scoreOf(snapshot, position),
  };
}

export interface AskedTerm {
  term: string;
  hash: bigint;
  /** A term counts as often as it is asked. */
  times: number;
}

function askedTerms(text: string): AskedTerm[] {
  const times = new Map<string, number>();
  for (const term of termsOf(text)) times.set(term, (times.get(term) ?? 0) + 1);
  return Array.from(times, ([term, count]) => ({ term, hash: hashTerm(term), times: count }));
}

/** The terms with the fewest bytes, as many as `maxBytes` allow and one at least, in the order in which they are asked. */
export function withinBudget(
  asked: readonly AskedTerm[],
  groups: readonly Pick<LexicalGroup, "index">[],
  maxBytes = MAX_TERM_BYTES,
): AskedTerm[] {
  const costs = new Map(
    asked.map((term) => [
      term,
      groups.reduce(
        (sum, { index }) => sum + (mapDefined(index.blockOf(term.hash), (block) => index.blockBytes(block)) ?? 0),
        0,
      ),
    ]),
  );
  const taken = new Set<AskedTerm>();
  let bytes = 0;
  for (const term of asked.toSorted((a, b) => (costs.get(a) ?? 0) - (costs.get(b) ?? 0))) {
    bytes += costs.get(term) ?? 0;
    if (bytes > maxBytes && taken.size > 0) break;
    taken.add(term);
  }
  return asked.filter((term) => taken.has(term));
}

function mapDefined<T, U>(value: T | undefined, change: (value: T) => U): U | undefined {
  return value === undefined ? undefined : change(value);
}

/** Undefined when no page of the group has the term. */
function postingsOf(
  { index }: LexicalGroup,
  hash: bigint,
  blocks: ReadonlyMap<number, Uint8Array> | undefined,
): Postings | undefined {
  const block = index.blockOf(hash);
  const bytes = block === undefined ? undefined : blocks?.get(block);
  if (bytes === undefined) return undefined;
  const what = `terms of ${index.id}, block ${block}`;
  const stored = postingsIn(bytes, hash, what);
  return stored === undefined ? undefined : decodePostings(stored, index.pageCount, what);
}

/** Sums the scores of all pages, term by term. */
class Scoring {
  readonly #all: LexicalGroups;
  readonly #scores: Float64Array[];
  /** By group, `[pages]`: 1 for pages that may be returned, and for those of them that have a term. */
  readonly #selected: Uint8Array[];
  readonly #matched: Uint8Array[];

  constructor(all: LexicalGroups, selection: PageSelection) {
    this.#all = all;
    this.#scores = all.groups.map(({ index }) => new Float64Array(index.pageCount));
    this.#matched = all.groups.map(({ index }) => new Uint8Array(index.pageCount));
    this.#selected = all.groups.map(({ index, segments }) =>
      maskOf(segments, index.pageCount, (segment) => selection.masks.get(segment)),
    );
  }

  /** Adds a term that was asked `times` times; gives its inverse document frequency, 0 of a term that no page has. */
  add(postings: readonly (Postings | undefined)[], times: number): number {
    const { groups, pages, meanLength } = this.#all;
    let found = 0;
    for (const [i, { livePages }] of groups.entries()) {
      for (const page of postings[i]?.pages ?? []) found += livePages[page] ?? 0;
    }
    if (found === 0) return 0;
    const idf = inverseFrequency(pages, found);
    for (const [i, { index }] of groups.entries()) {
      const ofGroup = postings[i];
      if (ofGroup !== undefined) this.#addTo(i, ofGroup, index.lengths, { idf: times * idf, meanLength });
    }
    return idf;
  }

  best(limit: number): LexicalPage[] {
    const best = this.#all.groups.flatMap((group, i) => {
      const scores = this.#scores[i] ?? new Float64Array(0);
      const pages = topPositions(scores, this.#matched[i] ?? new Uint8Array(0), limit);
      return pages.map((page) => ({ position: positionOf(group, page), score: scores[page] ?? 0 }));
    });
    best.sort((a, b) => (comesBefore(a.score, a.position, b.score, b.position) ? -1 : 1));
    return best.slice(0, limit);
  }

  scoreOf(snapshot: IndexSnapshot, position: number): number {
    const { segment, page } = snapshot.locate(position);
    for (const [i, { segments }] of this.#all.groups.entries()) {
      let first = 0;
      for (const other of segments) {
        if (other === segment) return this.#scores[i]?.[first + page] ?? 0;
        first += other.reader.pageCount;
      }
    }
    return 0;
  }

  #addTo(
    group: number,
    { pages, counts }: Postings,
    lengths: Uint16Array,
    { idf, meanLength }: { idf: number; meanLength: number },
  ): void {
    const scores = this.#scores[group];
    const selected = this.#selected[group];
    const matched = this.#matched[group];
    if (scores === undefined || selected === undefined || matched === undefined) return;
    for (let i = 0; i < pages.length; i++) {
      const page = pages[i] ?? 0;
      if (selected[page] !== 1) continue;
      scores[page] = (scores[page] ?? 0) + termScore(idf, counts[i] ?? 0, (lengths[page] ?? 0) / meanLength);
      matched[page] = 1;
    }
  }
}

/** Position in the index of page `page` of the group. */
function positionOf({ segments }: LexicalGroup, page: number): number {
  let first = 0;
  for (const segment of segments) {
    if (page < first + segment.reader.pageCount) return segment.firstPosition + page - first;
    first += segment.reader.pageCount;
  }
  throw new RangeError(`no page of the terms is at position ${page}`);
}
