/**
 * Words to tokens, the same way for pages and queries.
 *
 * The tokenizers of the text models split at white space before anything else (BERT, XLM-R) or begin a token with the space
 * before a word (byte-level BPE), so encoding word by word gives the ids that encoding the whole text gives, and every id's
 * word is known without offsets (which the tokenizer does not report).
 *
 * `@huggingface/tokenizers` is the tokenizer of transformers.js alone: 37 kB without dependencies, where transformers.js
 * loads ONNX Runtime a second time, as WASM.
 *
 * @module
 */
import { Tokenizer } from "@huggingface/tokenizers";
import { LRUCache } from "lru-cache";
import { z } from "zod";
import { MaxleafError } from "../../../shared/errors.ts";
import { alignParts, type PartKind, sourceRanges } from "./alignment.ts";

/** A token and the half-open character range of its word that it stands for. */
export interface WordPiece {
  id: number;
  /** For people: as in a WordPiece vocabulary, without the `##` of a continuation; else the word's own characters. */
  text: string;
  start: number;
  end: number;
}

/** Whether a word opens the text or has a space before it. Byte-level tokenizers tell them apart, others do not. */
export type WordPlace = "first" | "next";

/** Distinct words kept with their pieces; a report of 200 pages has about 10,000. */
const CACHED_WORDS = 20_000;
/** Longer "words" (links, base64) rarely come twice and would fill the memory. */
const MAX_CACHED_WORD_CHARS = 64;
/**
 * Longer "words" are split in stretches of so many characters. The library's Unigram runs out of stack between 100,000 and
 * 1,000,000 characters; no text has such words. WordPiece takes any length: it makes one unknown piece of more than 100 letters.
 */
const MAX_WHOLE_WORD_CHARS = 10_000;

/**
 * What is used of the package's `Tokenizer`. Its declarations import each other without file extensions, which
 * `nodenext` does not resolve, so it arrives untyped.
 */
interface TokenizerParts {
  normalizer: { normalize(text: string): string } | null;
  pre_tokenizer: { pre_tokenize(text: string): string[] } | null;
  model: ((words: string[]) => string[]) | null;
  token_to_id(token: string): number | undefined;
}

/** What is read of `tokenizer.json` besides what the package does with it. */
const tokenizerFileSchema = z.object({
  pre_tokenizer: z.object({ type: z.string(), pretokenizers: z.array(z.object({ type: z.string() })).optional() }),
  model: z.object({
    type: z.string().optional(),
    unk_token: z.string().nullish(),
    unk_id: z.number().nullish(),
    continuing_subword_prefix: z.string().nullish(),
  }),
});

/** Splits words into tokens. */
export class WordTokenizer {
  /** The id of what the vocabulary does not know; undefined where nothing is unknown (byte-level BPE). */
  readonly unknownId: number | undefined;
  readonly #partKind: PartKind;
  readonly #continuation: string;
  readonly #normalize: (text: string) => string;
  readonly #preTokenize: (text: string) => string[];
  readonly #encode: (words: string[]) => string[];
  readonly #idOf: (piece: string) => number | undefined;
  readonly #cache = new LRUCache<string, readonly WordPiece[]>({ max: CACHED_WORDS });

  /**
   * @param file content of `tokenizer.json`, and `config` that of `tokenizer_config.json`, both parsed.
   * @param lowerCase lower-case the text first, as sentence-transformers does for models that say so.
   */
  constructor(file: unknown, config: unknown, { lowerCase = false }: { lowerCase?: boolean | undefined } = {}) {
    const facts = tokenizerFileSchema.parse(file);
    const parts: TokenizerParts = new Tokenizer(file, config);
    const { normalizer, pre_tokenizer: preTokenizer, model } = parts;
    if (preTokenizer === null || model === null) throw new Error("it lacks its pre-tokenizer or its model");
    this.#partKind = partKindOf(facts.pre_tokenizer);
    this.#continuation = facts.model.type === "WordPiece" ? (facts.model.continuing_subword_prefix ?? "##") : "";
    const lower = lowerCase ? (text: string) => text.toLowerCase() : (text: string) => text;
    this.#normalize = normalizer === null ? lower : (text) => normalizer.normalize(lower(text));
    this.#preTokenize = (text) => preTokenizer.pre_tokenize(text);
    this.#encode = model;
    this.#idOf = (piece) => parts.token_to_id(piece);
    const { unk_id: unknownId, unk_token: unknownToken } = facts.model;
    this.unknownId = unknownId ?? (typeof unknownToken === "string" ? parts.token_to_id(unknownToken) : undefined);
  }

  /**
   * The pieces of one word (no white space inside). Empty if nothing is left of it, as of a zero-width space. A word
   * that spells a marker, like `[SEP]`, is text like any other; where the vocabulary itself has it as a piece (`</s>` in
   * XLM-RoBERTa's), it becomes that, as everywhere else.
   */
  splitWord(word: string, place: WordPlace = "first"): readonly WordPiece[] {
    if (word.length > MAX_WHOLE_WORD_CHARS && this.#partKind !== "characters") return this.#splitStretches(word, place);
    const text = this.#partKind === "bytes" && place === "next" ? ` ${word}` : word;
    const cached = this.#cache.get(text);
    if (cached !== undefined) return cached;
    const pieces = this.#split(text, text.length - word.length);
    if (word.length <= MAX_CACHED_WORD_CHARS) this.#cache.set(text, pieces);
    return pieces;
  }

  /** The id of a whole token, special ones and those added to the vocabulary included. */
  idOf(token: string): number | undefined {
    return this.#idOf(token);
  }

  #splitStretches(word: string, place: WordPlace): WordPiece[] {
    const pieces: WordPiece[] = [];
    for (let from = 0; from < word.length;) {
      const limit = from + MAX_WHOLE_WORD_CHARS;
      // Not between the halves of a surrogate pair.
      const to = (word.codePointAt(limit - 1) ?? 0) > 0xffff ? limit - 1 : limit;
      const part = this.splitWord(word.slice(from, to), from === 0 ? place : "first");
      for (const { id, text, start, end } of part) pieces.push({ id, text, start: start + from, end: end + from });
      from = to;
    }
    return pieces;
  }

  #split(text: string, spaceChars: number): WordPiece[] {
    const normalized = this.#normalize(text);
    const parts = this.#preTokenize(normalized);
    const inNormalized = alignParts(this.#partKind, parts, normalized);
    const toSource = sourceRanges(text, normalized, this.#normalize);
    const pieces: WordPiece[] = [];
    for (const [p, part] of parts.entries()) {
      const places = inNormalized[p] ?? [];
      let offset = 0;
      for (const name of this.#encode([part])) {
        const { id, length } = this.#measure(name, part.length - offset);
        const first = places[offset];
        const last = places[offset + length - 1];
        const [from, to] = toSource(first?.start ?? 0, last?.end ?? 0);
        const start = Math.max(from, spaceChars);
        // A piece that stands for no character, as the `▁` before a word, still has to point somewhere.
        const end = to > start ? to : start + characterLength(text, start);
        const source = text.slice(start, end);
        pieces.push({ id, text: this.#textOf(name, id, source), start: start - spaceChars, end: end - spaceChars });
        offset += length;
      }
    }
    return pieces;
  }

  /** Id of a piece, and how many characters of what is left of its part it stands for. */
  #measure(name: string, left: number): { id: number; length: number } {
    const id = this.#idOf(name) ?? this.unknownId;
    if (id === undefined) throw new MaxleafError("model_unavailable", `the vocabulary lacks its own piece ${name}`);
    // WordPiece has one name for whatever is unknown; Unigram gives the characters themselves.
    if (this.#continuation !== "" && id === this.unknownId) return { id, length: left };
    return { id, length: (name.startsWith(this.#continuation) ? name.slice(this.#continuation.length) : name).length };
  }

  #textOf(name: string, id: number, source: string): string {
    if (this.#continuation === "" || id === this.unknownId) return source;
    return name.startsWith(this.#continuation) ? name.slice(this.#continuation.length) : name;
  }
}

function characterLength(text: string, position: number): number {
  return String.fromCodePoint(text.codePointAt(position) ?? 0).length;
}

function partKindOf(preTokenizer: z.infer<typeof tokenizerFileSchema>["pre_tokenizer"]): PartKind {
  const types = [preTokenizer.type, ...(preTokenizer.pretokenizers ?? []).map(({ type }) => type)];
  if (types.includes("ByteLevel")) return "bytes";
  return types.includes("Metaspace") ? "metaspace" : "characters";
}

/**
 * The tokenizer in the bytes of a `tokenizer.json`, and of a `tokenizer_config.json` if there is one: nothing that is used
 * here stands in the latter alone.
 *
 * Errors: `model_unavailable` for what is no tokenizer, saying why.
 */
export function readTokenizer(
  file: Uint8Array,
  { name, config, lowerCase }: { name: string; config?: Uint8Array | undefined; lowerCase?: boolean | undefined },
): WordTokenizer {
  const parse = (bytes: Uint8Array): unknown => JSON.parse(new TextDecoder().decode(bytes));
  try {
    return new WordTokenizer(parse(file), config === undefined ? {} : parse(config), { lowerCase });
  } catch (cause) {
    const why = cause instanceof z.ZodError ? z.prettifyError(cause) : String(cause);
    throw new MaxleafError("model_unavailable", `the tokenizer of ${name} cannot be read: ${why}`, { cause });
  }
}
