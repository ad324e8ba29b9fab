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
import type { TermCounts, TermWeighting } from "../contract.ts";
import type { ReadSession } from "../read-session.ts";
import type { PageSelection } from "../selection.ts";
import type { IndexSnapshot } from "../snapshot.ts";
import { comesBefore, topPositions } from "../top-k.ts";
import { inverseFrequency, termScore } from "./bm25.ts";
import { type LexicalGroup, type LexicalGroups, maskOf } from "./lexical-groups.ts";
import type { WordWeights } from "./question-words.ts";
import type { TermCache } from "./term-cache.ts";
import { cheapestTerms, meanLengthOf } from "./term-weighting.ts";

/** A page that has some of the words. */
export interface LexicalPage {
  /** See `IndexSnapshot.locate`. */
  position: number;
  score: number;
}

/** What the words of a question found. */
export interface LexicalRanking extends WordWeights {
  /** Best first; equal scores by position. */
  pages: LexicalPage[];
  /** Different terms of the question. */
  terms: number;
  /** Of them, those that were not looked up: see `MAX_TERM_BYTES`. */
  termsLeftOut: number;
  /** 0 of a page that has none of the words. */
  scoreOf(position: number): number;
}

export interface LexicalWork {
  snapshot: IndexSnapshot;
  session: ReadSession;
  cache: TermCache;
  /** Of all pages, where the snapshot has a part of them; undefined: by its own. */
  weighting?: TermWeighting | undefined;
}

/** The `limit` best pages of `selection`. Errors: `path_unavailable`, see `LexicalHolder`; those of reading. */
export async function rankByTerms(
  text: string,
  selection: PageSelection,
  limit: number,
  work: LexicalWork,
): Promise<LexicalRanking> {
  const { snapshot, session, weighting } = work;
  const all = await snapshot.lexical.groupsOf(snapshot, session.store);
  const asked = askedTerms(text);
  const affordable =
    weighting === undefined ? withinBudget(asked, all.groups) : asked.filter(({ term }) => weighting.found.has(term));
  const blocks = await readBlocks(affordable, all, work);
  const scoring = new Scoring(all, selection, weighting ?? all);
  const weights = new Map<string, number>();
  for (const { term, hash, times } of affordable) {
    const postings = all.groups.map((group, i) => postingsOf(group, hash, blocks[i]));
    const found = weighting === undefined ? livePagesOf(all.groups, postings) : (weighting.found.get(term) ?? 0);
    const weight = scoring.add(postings, times, found);
    if (weight > 0) weights.set(term, weight);
  }
  return {
    pages: scoring.best(limit),
    weights,
    meanLength: scoring.meanLength,
    terms: asked.length,
    termsLeftOut: asked.length - affordable.length,
    scoreOf: (position) => scoring.scoreOf(snapshot, position),
  };
}

/** How many live pages have each word of `text`. Errors: as of {@link rankByTerms}. */
export async function countTerms(text: string, work: LexicalWork): Promise<TermCounts> {
  const { snapshot, session } = work;
  const all = await snapshot.lexical.groupsOf(snapshot, session.store);
  const asked = askedTerms(text);
  const affordable = new Set(withinBudget(asked, all.groups));
  const blocks = await readBlocks([...affordable], all, work);
  const terms = asked.map((askedTerm) => {
    const { term, hash } = askedTerm;
    const bytes = bytesOf(hash, all.groups);
    if (!affordable.has(askedTerm)) return { term, bytes, found: undefined };
    const postings = all.groups.map((group, i) => postingsOf(group, hash, blocks[i]));
    return { term, bytes, found: livePagesOf(all.groups, postings) };
  });
  return { pages: all.pages, pageTerms: all.pageTerms, terms };
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

/** The terms with the fewest bytes of blocks, see {@link cheapestTerms}. */
export function withinBudget(
  asked: readonly AskedTerm[],
  groups: readonly Pick<LexicalGroup, "index">[],
  maxBytes?: number,
): AskedTerm[] {
  return cheapestTerms(asked, ({ hash }) => bytesOf(hash, groups), maxBytes);
}

function bytesOf(hash: bigint, groups: readonly Pick<LexicalGroup, "index">[]): number {
  return groups.reduce((sum, { index }) => {
    const block = index.blockOf(hash);
    return sum + (block === undefined ? 0 : index.blockBytes(block));
  }, 0);
}

/** Of each group, the blocks that `terms` may be in. */
async function readBlocks(
  terms: readonly AskedTerm[],
  { groups }: LexicalGroups,
  { session, cache }: LexicalWork,
): Promise<ReadonlyMap<number, Uint8Array>[]> {
  return await Promise.all(
    groups.map(async ({ index }) => {
      const wanted = terms.flatMap(({ hash }) => index.blockOf(hash) ?? []);
      const read = await cache.read(index, wanted, { store: session.store, sideBySide: groups.length });
      session.cacheHits += read.cacheHits;
      return read.blocks;
    }),
  );
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

/** Of the pages in `postings`, group by group, those that can be found. */
function livePagesOf(groups: readonly LexicalGroup[], postings: readonly (Postings | undefined)[]): number {
  let found = 0;
  for (const [i, { livePages }] of groups.entries()) {
    for (const page of postings[i]?.pages ?? []) found += livePages[page] ?? 0;
  }
  return found;
}

/** Sums the scores of all pages, term by term. */
class Scoring {
  /** Terms of a page. */
  readonly meanLength: number;
  readonly #all: LexicalGroups;
  /** Pages that terms are rare or frequent among. */
  readonly #pages: number;
  readonly #scores: Float64Array[];
  /** By group, `[pages]`: 1 for pages that may be returned, and for those of them that have a term. */
  readonly #selected: Uint8Array[];
  readonly #matched: Uint8Array[];

  constructor(all: LexicalGroups, selection: PageSelection, weighting: Pick<TermWeighting, "pages" | "pageTerms">) {
    this.#all = all;
    this.#pages = weighting.pages;
    this.meanLength = meanLengthOf(weighting);
    this.#scores = all.groups.map(({ index }) => new Float64Array(index.pageCount));
    this.#matched = all.groups.map(({ index }) => new Uint8Array(index.pageCount));
    this.#selected = all.groups.map(({ index, segments }) =>
      maskOf(segments, index.pageCount, (segment) => selection.masks.get(segment)),
    );
  }

  /** Adds a term that was asked `times` times and that `found` pages have; gives its inverse document frequency, 0 if none has it. */
  add(postings: readonly (Postings | undefined)[], times: number, found: number): number {
    if (found === 0) return 0;
    const idf = inverseFrequency(this.#pages, found);
    for (const [i, { index }] of this.#all.groups.entries()) {
      const ofGroup = postings[i];
      if (ofGroup !== undefined) this.#addTo(i, ofGroup, index.lengths, times * idf);
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

  #addTo(group: number, { pages, counts }: Postings, lengths: Uint16Array, idf: number): void {
    const scores = this.#scores[group];
    const selected = this.#selected[group];
    const matched = this.#matched[group];
    if (scores === undefined || selected === undefined || matched === undefined) return;
    for (let i = 0; i < pages.length; i++) {
      const page = pages[i] ?? 0;
      if (selected[page] !== 1) continue;
      scores[page] = (scores[page] ?? 0) + termScore(idf, counts[i] ?? 0, (lengths[page] ?? 0) / this.meanLength);
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
