/**
 * Words cut at a line's end ("infor-" / "mation") made whole. The word gets the box of its first part: a box around both
 * parts would cover two whole lines.
 *
 * @module
 */
import type { PlacedWord } from "./words.ts";

const HYPHENS = "-\u00ad\u2010";
const CUT = new RegExp(`^(.*\\p{L})[${HYPHENS}]$`, "u");
const CONTINUES = /^\p{Ll}/u;
const LETTERS_ONLY = /[^\p{L}\p{M}\p{N}-]/gu;
/** First parts that English writes with a hyphen more often than not: "self-assessment", "cross-border". */
const KEEPS_HYPHEN = new Set([
  "self",
  "well",
  "cross",
  "ex",
  "half",
  "all",
  "mid",
  "non",
  "year",
  "co",
  "long",
  "short",
]);

/**
 * Joins the last word of a line with the first of the next when a hyphen cut it and the rest goes on in lower case. The
 * hyphen itself stays when the page writes the word so elsewhere, or the word has another hyphen, or begins like a compound.
 *
 * @param lines - words line by line, in reading order. Not changed.
 */
export function joinHyphenated(lines: readonly (readonly PlacedWord[])[]): PlacedWord[] {
  const known = new Set(lines.flat().map((word) => plain(word.text)));
  const joined: PlacedWord[] = [];
  let openEnd = false;
  for (const line of lines) {
    const [first, ...rest] = line;
    if (first === undefined) continue;
    const cut = openEnd ? joined.at(-1) : undefined;
    const whole = cut === undefined ? undefined : join(cut.text, first.text, known);
    if (cut === undefined || whole === undefined) joined.push(first);
    else joined[joined.length - 1] = { text: whole, box: cut.box };
    joined.push(...rest);
    openEnd = true;
  }
  return joined
    .map((word) => ({ text: word.text.replaceAll("\u00ad", ""), box: word.box }))
    .filter((word) => word.text !== "");
}

function join(left: string, right: string, known: ReadonlySet<string>): string | undefined {
  const stem = CUT.exec(left)?.[1];
  if (stem === undefined || !CONTINUES.test(right)) return undefined;
  const whole = stem + right;
  if (left.endsWith("\u00ad") || known.has(plain(whole))) return whole;
  const hyphenated = `${stem}-${right}`;
  const keeps = stem.includes("-") || KEEPS_HYPHEN.has(plain(stem)) || known.has(plain(hyphenated));
  return keeps ? hyphenated : whole;
}

function plain(word: string): string {
  return word
    .toLowerCase()
    .replace(/[\u2010\u2011]/gu, "-")
    .replace(LETTERS_ONLY, "");
}
