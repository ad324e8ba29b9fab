/**
 * Questions to token ids, with the characters that each stands for.
 *
 * Unlike the tokenizers' own entry point this never reads a marker out of a question: one that spells `<image>` is text, where
 * the model would otherwise look for a picture that is not there. Markers are put in by the recipes, as ids.
 *
 * @module
 */
import { readFile } from "node:fs/promises";
import { Tokenizer } from "@huggingface/tokenizers";
import { MaxleafError, quote } from "../../../shared/errors.ts";

/** A token and the half-open range of UTF-16 units of the text that it stands for. */
export interface TextToken {
  id: number;
  start: number;
  end: number;
}

/** What is used of the package's `Tokenizer`, which arrives untyped (see `minilm/tokens.ts`). */
interface TokenizerParts {
  normalizer: { normalize(text: string): string } | null;
  pre_tokenizer: { pre_tokenize(text: string): string[] } | null;
  model: { encode(words: string[]): string[] } | null;
  token_to_id(token: string): number | undefined;
}

/** SentencePiece's stand-in for a space. */
const VISIBLE_SPACE = "▁";
/** A byte that is no part of a known piece: `<0xE2>`. */
const BYTE_PIECE = /^<0x([0-9A-F]{2})>$/u;

export class TextTokenizer {
  readonly #parts: TokenizerParts;
  readonly #bytesOf: (piece: string) => Uint8Array;

  /** @param byteLevel - Whether the pieces spell bytes, as GPT-2's do, or characters, as SentencePiece's. */
  constructor(parts: TokenizerParts, byteLevel: boolean) {
    this.#parts = parts;
    this.#bytesOf = byteLevel ? byteLevelBytes : sentencePieceBytes;
  }

  /**
   * The tokens of `text`. Where the tokenizer changed the text (composed its accents, say), every range is the whole text.
   *
   * Errors: `model_unavailable` for a tokenizer that has no model or lacks its own pieces.
   */
  encode(text: string): TextToken[] {
    const { normalizer, pre_tokenizer: preTokenizer, model } = this.#parts;
    if (model === null) throw new MaxleafError("model_unavailable", "the tokenizer file has no model");
    const normalized = normalizer === null ? text : normalizer.normalize(text);
    const words = preTokenizer === null ? [normalized] : preTokenizer.pre_tokenize(normalized);
    const pieces = model.encode(words);
    const ranges = this.#ranges(text, pieces);
    return pieces.map((piece, i) => {
      const id = this.#parts.token_to_id(piece);
      if (id === undefined) {
        throw new MaxleafError("model_unavailable", `the vocabulary lacks its own piece ${quote(piece)}`);
      }
      const [start, end] = ranges?.[i] ?? [0, text.length];
      return { id, start, end };
    });
  }

  /** Undefined if the pieces do not spell `text`. */
  #ranges(text: string, pieces: readonly string[]): [number, number][] | undefined {
    const units = unitsOfBytes(text);
    const bytes = new TextEncoder().encode(text);
    const ranges: [number, number][] = [];
    let position = 0;
    for (const piece of pieces) {
      const spelled = this.#bytesOf(piece);
      if (spelled.some((byte, i) => byte !== bytes[position + i])) return undefined;
      const next = position + spelled.length;
      // A piece that is part of a character stands for all of it.
      const start = units[position]?.[0] ?? text.length;
      ranges.push([start, units[next - 1]?.[1] ?? start]);
      position = next;
    }
    return position === bytes.length ? ranges : undefined;
  }
}

/**
 * The tokenizer of a model's folder.
 *
 * Errors: `model_unavailable` if a file cannot be read or is none of a tokenizer.
 */
export async function loadTextTokenizer(tokenizerPath: string, configPath: string): Promise<TextTokenizer> {
  const [tokenizer, config] = await Promise.all([readJson(tokenizerPath), readJson(configPath)]);
  try {
    const parts: TokenizerParts = new Tokenizer(tokenizer, config);
    return new TextTokenizer(parts, hasByteLevelPart(tokenizer));
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    const message = `${quote(tokenizerPath, 200)} is no tokenizer that this build can read: ${why}`;
    throw new MaxleafError("model_unavailable", message, { cause });
  }
}

async function readJson(path: string): Promise<Record<string, unknown>> {
  try {
    const parsed: unknown = JSON.parse(await readFile(path, "utf8"));
    if (typeof parsed === "object" && parsed !== null) return Object.fromEntries(Object.entries(parsed));
    throw new TypeError("it holds no JSON object");
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new MaxleafError("model_unavailable", `${quote(path, 200)} cannot be read: ${why}`, { cause });
  }
}

/** Whether it splits or joins by `ByteLevel`, alone or in a sequence. */
function hasByteLevelPart({ pre_tokenizer: preTokenizer, decoder }: Record<string, unknown>): boolean {
  return JSON.stringify([preTokenizer, decoder]).includes('"ByteLevel"');
}

/** `[bytes]`: the range, in the text, of the character that each byte of its UTF-8 is of. */
function unitsOfBytes(text: string): [number, number][] {
  let unit = 0;
  return Array.from(text).flatMap((character) => {
    const range: [number, number] = [unit, unit + character.length];
    unit += character.length;
    return Array.from(new TextEncoder().encode(character), () => range);
  });
}

/** GPT-2's alphabet: printable bytes stand for themselves, the other 68 for U+0100 and on, in order. */
const BYTE_OF_CHARACTER: ReadonlyMap<string, number> = new Map(
  (() => {
    const isPrintable = (byte: number) =>
      (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || (byte >= 0xae && byte <= 0xff);
    let other = 0x100;
    return Array.from({ length: 256 }, (_, byte): [string, number] => [
      String.fromCharCode(isPrintable(byte) ? byte : other++),
      byte,
    ]);
  })(),
);

function byteLevelBytes(piece: string): Uint8Array {
  return Uint8Array.from(piece, (character) => BYTE_OF_CHARACTER.get(character) ?? 0);
}

function sentencePieceBytes(piece: string): Uint8Array {
  const byte = BYTE_PIECE.exec(piece)?.[1];
  if (byte !== undefined) return Uint8Array.of(Number.parseInt(byte, 16));
  return new TextEncoder().encode(piece.replaceAll(VISIBLE_SPACE, " "));
}
