/**
 * What is kept of what tesseract recognised. The numbers behind both bounds are in docs/scans.md.
 *
 * @module
 */
import { joinHyphenated } from "../render/words/hyphenation.ts";
import { readableText } from "../render/words/words.ts";
import type { ReadWord } from "./page-reader.ts";
import type { RecognisedWord } from "./protocol.ts";

/** Words below are left out: 14 of 3,808 right words fall below, and two thirds of what is made of foreign scripts. */
export const MIN_WORD_CONFIDENCE = 0.5;
/**
 * A page whose words have a lower mean is in none of the languages, or no text at all, and nothing is kept of it. Ten
 * pages of English had 0.85 to 0.96, eight of nine pages of other scripts at most 0.43.
 */
export const MIN_PAGE_CONFIDENCE = 0.6;

/** Of all words; 0 without any. */
export function meanConfidence(lines: readonly (readonly RecognisedWord[])[]): number {
  const words = lines.flat();
  return words.reduce((sum, { confidence }) => sum + confidence, 0) / Math.max(1, words.length);
}

/** The words of `lines` that are likely words, in order; those cut at a line's end are whole. */
export function keptWords(lines: readonly (readonly RecognisedWord[])[]): ReadWord[] {
  if (meanConfidence(lines) < MIN_PAGE_CONFIDENCE) return [];
  const kept = lines.map((line) =>
    line.flatMap(({ text, box, confidence }) => {
      const readable = readableText(text);
      return confidence < MIN_WORD_CONFIDENCE || readable === "" ? [] : [{ text: readable, box, confidence }];
    }),
  );
  return joinHyphenated(kept);
}
