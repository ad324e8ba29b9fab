/**
 * The terms of a text, for pages and questions alike: whoever indexes, searches or evaluates by words splits them here.
 *
 * Terms are runs of letters and digits in lower case, of the text in NFKC: no stemming and no stop words, so that all languages
 * that separate words are treated alike. Chinese and Japanese do not: a run of their characters gives every pair of
 * neighbours (as Lucene's CJKBigramFilter does), and a character that stands alone itself. What that is worth was not measured:
 * there is no such set here. Thai, Lao, Khmer and Burmese do not either; a run of theirs is one term.
 *
 * @module
 */

/** A letter or digit, then more of them and the marks that belong to them. */
const RUN = /[\p{L}\p{N}][\p{L}\p{N}\p{M}]*/gu;
/** What is written without spaces between words. */
const UNSPACED = /[\p{Script_Extensions=Han}\p{Script_Extensions=Hiragana}\p{Script_Extensions=Katakana}]+/gu;
/** Most texts have none: then the runs need no second look. */
const HAS_UNSPACED = /[\p{Script_Extensions=Han}\p{Script_Extensions=Hiragana}\p{Script_Extensions=Katakana}]/u;

/** The terms of `text` in their order, repeated as they are. */
export function termsOf(text: string): string[] {
  const normal = text.normalize("NFKC").toLowerCase();
  const runs = normal.match(RUN) ?? [];
  return HAS_UNSPACED.test(normal) ? runs.flatMap(splitRun) : runs;
}

function splitRun(run: string): string[] {
  const terms: string[] = [];
  let end = 0;
  for (const { 0: unspaced, index } of run.matchAll(UNSPACED)) {
    if (index > end) terms.push(run.slice(end, index));
    terms.push(...pairsOf(unspaced));
    end = index + unspaced.length;
  }
  if (end < run.length) terms.push(run.slice(end));
  return terms;
}

function pairsOf(text: string): string[] {
  const characters = Array.from(text);
  if (characters.length === 1) return [text];
  return characters.slice(1).map((character, i) => `${characters[i] ?? ""}${character}`);
}
