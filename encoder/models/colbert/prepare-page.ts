/**
 * A page as the transformer takes it: windows of the model's document length, each a document of its own with [CLS], marker and
 * [SEP], and which of their positions become vectors of the page.
 *
 * @module
 */
import { MAX_VECTORS_PER_PAGE } from "../../../shared/limits.ts";
import { NO_REGION } from "../../../shared/page.ts";
import type { PageWords } from "../model.ts";
import { boxesOf, pageWordsOf } from "../text/page-text.ts";
import type { WordPiece } from "../text/word-tokenizer.ts";
import { type ColbertFacts, SPECIALS_PER_TEXT } from "./facts.ts";
import type { ColbertVocabulary } from "./vocabulary.ts";

export interface PageWindow {
  ids: number[];
  /** Positions whose vectors are kept, ascending. */
  kept: number[];
  /** `[kept]`: index of the word, or `NO_REGION` for [CLS], marker and [SEP]. */
  wordOfKept: number[];
}

export interface PreparedPage {
  /** Words that got in, none with white space inside. */
  words: string[];
  /** `[words, 4]` in `COORDINATE_MAX` units. */
  boxes: Uint16Array;
  windows: PageWindow[];
  /** Kept positions of all windows. */
  vectorCount: number;
  wordsLeftOut: number;
}

/**
 * Cuts a page into windows, in order and without gaps. A word stays whole unless it alone is longer than a window. The page ends
 * before the word that would take it beyond `MAX_VECTORS_PER_PAGE`; what follows is counted in `wordsLeftOut`.
 *
 * The windows do not overlap: tokens in two windows would be encoded twice.
 */
export function preparePage(page: PageWords, facts: ColbertFacts, vocabulary: ColbertVocabulary): PreparedPage {
  const source = pageWordsOf(page);
  const filler = new WindowFiller(facts, vocabulary);
  let wordCount = 0;
  // Region numbers stop before NO_REGION.
  for (const { text } of source.slice(0, NO_REGION)) {
    if (!filler.add(text, wordCount)) break;
    wordCount++;
  }
  const words = source.slice(0, wordCount);
  return {
    words: words.map(({ text }) => text),
    boxes: boxesOf(words, page),
    windows: filler.finish(),
    vectorCount: filler.vectorCount,
    wordsLeftOut: source.length - wordCount,
  };
}

class WindowFiller {
  vectorCount = 0;
  readonly #facts: ColbertFacts;
  readonly #vocabulary: ColbertVocabulary;
  readonly #windows: PageWindow[] = [];
  #open: PageWindow | undefined;

  constructor(facts: ColbertFacts, vocabulary: ColbertVocabulary) {
    this.#facts = facts;
    this.#vocabulary = vocabulary;
  }

  /** False, and nothing added, if the page cannot have this word's vectors any more. */
  add(text: string, word: number): boolean {
    const { tokenizer } = this.#vocabulary;
    if (this.#open !== undefined) {
      const following = tokenizer.splitWord(text, "next");
      // [SEP] is still to come.
      if (this.#open.ids.length + following.length < this.#facts.documentLength) {
        return this.#reserve(following, 0) && this.#write(this.#open, following, word);
      }
    }
    const opening = inChunks(tokenizer.splitWord(text, "first"), this.#facts.documentLength - SPECIALS_PER_TEXT);
    if (!this.#reserve(opening.flat(), opening.length)) return false;
    for (const chunk of opening) this.#write(this.#openWindow(), chunk, word);
    return true;
  }

  finish(): PageWindow[] {
    this.#closeWindow();
    return this.#windows;
  }

  #reserve(pieces: readonly WordPiece[], newWindows: number): boolean {
    const kept = pieces.filter(({ id }) => !this.#vocabulary.skiplist.has(id)).length;
    const vectorCount = this.vectorCount + kept + newWindows * SPECIALS_PER_TEXT;
    if (vectorCount > MAX_VECTORS_PER_PAGE) return false;
    this.vectorCount = vectorCount;
    return true;
  }

  #write({ ids, kept, wordOfKept }: PageWindow, pieces: readonly WordPiece[], word: number): true {
    for (const { id } of pieces) {
      if (!this.#vocabulary.skiplist.has(id)) {
        kept.push(ids.length);
        wordOfKept.push(word);
      }
      ids.push(id);
    }
    return true;
  }

  #openWindow(): PageWindow {
    this.#closeWindow();
    const { cls, document } = this.#facts.tokens;
    this.#open = { ids: [cls.id, document.id], kept: [0, 1], wordOfKept: [NO_REGION, NO_REGION] };
    return this.#open;
  }

  #closeWindow(): void {
    if (this.#open === undefined) return;
    const { ids, kept, wordOfKept } = this.#open;
    kept.push(ids.length);
    wordOfKept.push(NO_REGION);
    ids.push(this.#facts.tokens.sep.id);
    this.#windows.push(this.#open);
    this.#open = undefined;
  }
}

/** Empty for a word of nothing visible. */
function inChunks(pieces: readonly WordPiece[], length: number): (readonly WordPiece[])[] {
  const count = Math.ceil(pieces.length / length);
  return Array.from({ length: count }, (_, i) => pieces.slice(i * length, (i + 1) * length));
}
