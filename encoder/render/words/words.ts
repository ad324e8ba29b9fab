/**
 * Lines cut into words. Scripts that write no spaces are cut by the Unicode word rules and dictionaries of ICU.
 *
 * @module
 */
import { type Box, union } from "./geometry.ts";
import type { Line } from "./lines.ts";

/** A word as drawn; `box` in points of the page as shown. */
export interface PlacedWord {
  text: string;
  box: Box;
}

const SPACELESS =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;
const segmenter = new Intl.Segmenter(undefined, { granularity: "word" });

/**
 * A letter-spaced word ("T R A F F I C"): pdfjs takes gaps above a tenth of an em for spaces. Where the words of a longer
 * line end cannot be told any more, so only what can be one word is put together.
 */
const LETTER_SPACED = /^\s*(?:\p{L}\p{M}*\s+){3,15}\p{L}\p{M}*\s*$/u;

/** The words of a line in order. Never empty strings. */
export function wordsOf(line: Line): PlacedWord[] {
  if (LETTER_SPACED.test(line.text) && !SPACELESS.test(line.text)) {
    const whole = placedWord(line, 0, line.text.length);
    return whole === undefined ? [] : [whole];
  }
  const words: PlacedWord[] = [];
  for (const match of line.text.matchAll(/\S+/gu)) {
    for (const [from, to] of cuts(match[0])) {
      const word = placedWord(line, match.index + from, match.index + to);
      if (word !== undefined) words.push(word);
    }
  }
  return words;
}

/** Ranges of `text` that are words. Punctuation stays with the word before it. */
function cuts(text: string): [number, number][] {
  if (!SPACELESS.test(text)) return [[0, text.length]];
  const ranges: [number, number][] = [];
  for (const { index, segment, isWordLike } of segmenter.segment(text)) {
    const last = ranges.at(-1);
    if (last !== undefined && isWordLike !== true) last[1] = index + segment.length;
    else ranges.push([index, index + segment.length]);
  }
  return ranges;
}

function placedWord(line: Line, from: number, to: number): PlacedWord | undefined {
  const text = readableText(line.text.slice(from, to));
  const [first, ...rest] = line.boxes.slice(from, to);
  if (text === "" || first === undefined) return undefined;
  return { text, box: rest.reduce(union, first) };
}

/**
 * What nobody can read or search: controls, soft hyphens, zero-width and direction marks, private use (a font without a
 * usable map to Unicode), the replacement character.
 */
const UNREADABLE = /[\p{Cc}\p{Co}\p{Cn}\p{Cs}\s\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufffd]/gu;

/** `raw` in NFKC without what nobody can read. Soft hyphens at the end stay until hyphenated words are joined. */
export function readableText(raw: string): string {
  const softEnd = raw.endsWith("\u00ad") ? "\u00ad" : "";
  const text = raw.normalize("NFKC").replace(UNREADABLE, "");
  return text === "" ? "" : text + softEnd;
}
