/**
 * Words to word pieces, the same way for pages and queries.
 *
 * A BERT tokenizer splits at white space first, so encoding word by word gives the ids that encoding the whole text
 * gives, and every id's word is known without offsets (which the tokenizer does not report).
 *
 * `@huggingface/tokenizers` is the tokenizer of transformers.js alone: 37 kB without dependencies, where transformers.js
 * loads ONNX Runtime a second time, as WASM.
 *
 * @module
 */
import { Tokenizer } from "@huggingface/tokenizers";
import { LRUCache } from "lru-cache";
import { MaxleafError } from "../../../shared/errors.ts";
import { readWeights, weightsFiles } from "./weights.ts";

/** A word piece and the half-open character range of its word that it stands for. */
export interface WordPiece {
  id: number;
  /** As in the vocabulary, without the `##` of a continuation; the word's own characters if unknown. */
  text: string;
  start: number;
  end: number;
}

export const CLS_ID = 101;
export const SEP_ID = 102;
export const UNKNOWN_ID = 100;

const CONTINUATION = "##";

/** Distinct words kept with their pieces; a report of 200 pages has about 10,000. */
const CACHED_WORDS = 20_000;
/** Longer "words" (links, base64) rarely come twice and would fill the memory. */
const MAX_CACHED_WORD_CHARS = 64;

/**
 * What is used of the package's `Tokenizer`. Its declarations import each other without file extensions, which
 * `nodenext` does not resolve, so it arrives untyped.
 */
interface TokenizerParts {
  normalizer: { normalize(text: string): string } | null;
  pre_tokenizer: { pre_tokenize(text: string): string[] } | null;
  model: { encode(words: string[]): string[] } | null;
  token_to_id(token: string): number | undefined;
}

/** Splits words into word pieces. */
export class WordTokenizer {
  readonly #normalize: (text: string) => string;
  readonly #preTokenize: (text: string) => string[];
  readonly #encode: (words: string[]) => string[];
  readonly #idOf: (piece: string) => number | undefined;
  readonly #cache = new LRUCache<string, readonly WordPiece[]>({ max: CACHED_WORDS });

  constructor(parts: TokenizerParts) {
    const { normalizer, pre_tokenizer: preTokenizer, model } = parts;
    if (normalizer === null || preTokenizer === null || model === null) {
      throw new MaxleafError("model_unavailable", "the tokenizer file lacks its normaliser, pre-tokenizer or model");
    }
    this.#normalize = (text) => normalizer.normalize(text);
    this.#preTokenize = (text) => preTokenizer.pre_tokenize(text);
    this.#encode = (words) => model.encode(words);
    this.#idOf = (piece) => parts.token_to_id(piece);
  }

  /**
   * The pieces of one word (no white space inside). Empty if nothing is left of it, as of a zero-width space. A word
   * that spells a marker, like `[SEP]`, is text like any other.
   */
  splitWord(word: string): readonly WordPiece[] {
    const cached = this.#cache.get(word);
    if (cached !== undefined) return cached;
    const pieces = this.#split(word);
    if (word.length <= MAX_CACHED_WORD_CHARS) this.#cache.set(word, pieces);
    return pieces;
  }

  #split(word: string): WordPiece[] {
    const normalized = this.#normalize(word);
    const sourceRange = this.#alignment(word, normalized);
    const pieces: WordPiece[] = [];
    let position = 0;
    for (const part of this.#preTokenize(normalized)) {
      position = normalized.indexOf(part, position);
      const names = this.#encode([part]);
      let offset = position;
      for (const name of names) {
        const id = this.#idOf(name);
        if (id === undefined) throw new MaxleafError("model_unavailable", `the vocabulary lacks its own piece ${name}`);
        const text = id === UNKNOWN_ID ? part : name.startsWith(CONTINUATION) ? name.slice(CONTINUATION.length) : name;
        const [start, end] = sourceRange(offset, offset + text.length);
        pieces.push({ id, text: id === UNKNOWN_ID ? word.slice(start, end) : text, start, end });
        offset += text.length;
      }
      position += part.length;
    }
    return pieces;
  }

  /**
   * Maps character ranges of `normalized` to ranges of `word`, by normalising character by character. Where that gives
   * another length (a letter that normalises differently in company), every range is the whole word.
   */
  #alignment(word: string, normalized: string): (from: number, to: number) => [number, number] {
    const starts: number[] = [];
    const ends: number[] = [];
    let position = 0;
    for (const character of word) {
      const end = position + character.length;
      const length = this.#normalize(character).length;
      // A combining mark vanishes when normalised: it belongs to the letter before it.
      if (length === 0 && ends.length > 0) ends[ends.length - 1] = end;
      for (let copy = 0; copy < length; copy++) {
        starts.push(position);
        ends.push(end);
      }
      position = end;
    }
    if (starts.length !== normalized.length) return () => [0, word.length];
    return (from, to) => [starts[from] ?? 0, ends[to - 1] ?? word.length];
  }
}

/** The tokenizer of `weights/`. Errors: `model_unavailable`. */
export async function loadTokenizer(folder?: URL): Promise<WordTokenizer> {
  const [tokenizer, config] = await Promise.all([
    readWeights(weightsFiles.tokenizer, folder),
    readWeights(weightsFiles.tokenizerConfig, folder),
  ]);
  const decoder = new TextDecoder();
  const parts: TokenizerParts = new Tokenizer(
    JSON.parse(decoder.decode(tokenizer)),
    JSON.parse(decoder.decode(config)),
  );
  return new WordTokenizer(parts);
}
