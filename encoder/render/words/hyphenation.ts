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
/**
 * Parts that English joins with a hyphen that stays. Of 193 line ends with a hyphen on 791 filing pages almost all were
 * such compounds ("risk-" / "adjusted"); articles and books set by TeX are the other way round.
 */
const COMPOUND_FIRSTS = new Set(
  "all co cost cross ex fixed full half high long low mid multi non self short single third two well year".split(" "),
);
const COMPOUND_SECONDS = new Set(
  (
    "adjusted average backed based bearing by controlled dependent driven end factor free funded going issued led level " +
    "line looking made making old only owned party range rate related scale side size specific sponsored term time type up " +
    "volume weighted wide year"
  ).split(" "),
);
/** "short- and long-term": the hyphen is no cut at all. */
const SUSPENDED_BEFORE = new Set("and or to nor versus".split(" "));

type WordCounts = ReadonlyMap<string, number>;

/**
 * Joins the last word of a line with the first of the next when a hyphen cut it and the rest goes on in lower case. The
 * hyphen itself stays when the page writes the word so elsewhere, or both its parts as words, or when it looks like a
 * compound.
 *
 * @param lines - words line by line, in reading order. Not changed.
 */
export function joinHyphenated<W extends PlacedWord>(lines: readonly (readonly W[])[]): W[] {
  const known = countWords(lines.flat());
  const joined: W[] = [];
  let openEnd = false;
  for (const line of lines) {
    const [first] = line;
    if (first === undefined) continue;
    const cut = openEnd ? joined.at(-1) : undefined;
    const whole = cut === undefined ? undefined : join(cut.text, first.text, known);
    if (cut === undefined || whole === undefined) joined.push(first);
    else joined[joined.length - 1] = { ...cut, text: whole };
    // One by one: a line may have more words than a call may have arguments.
    for (const word of line.slice(1)) joined.push(word);
    openEnd = true;
  }
  return joined
    .map((word) => ({ ...word, text: word.text.replaceAll("\u00ad", "") }))
    .filter((word) => word.text !== "");
}

function join(left: string, right: string, known: WordCounts): string | undefined {
  const stem = CUT.exec(left)?.[1];
  if (stem === undefined || !CONTINUES.test(right)) return undefined;
  if (SUSPENDED_BEFORE.has(plain(right))) return undefined;
  const whole = stem + right;
  if (left.endsWith("\u00ad") || known.has(plain(whole))) return whole;
  return isCompound(stem, right, known) ? `${stem}-${right}` : whole;
}

function isCompound(stem: string, right: string, known: WordCounts): boolean {
  const [first, second] = [plain(stem), plain(right).replace(/-$/u, "")];
  if (first.includes("-") || second.includes("-") || known.has(`${first}-${second}`)) return true;
  if (COMPOUND_FIRSTS.has(first) || COMPOUND_SECONDS.has(second)) return true;
  // The second part is itself counted once.
  return known.has(first) && (known.get(second) ?? 0) > 1;
}

function countWords(words: readonly PlacedWord[]): WordCounts {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(plain(word.text), (counts.get(plain(word.text)) ?? 0) + 1);
  return counts;
}

function plain(word: string): string {
  return word
    .toLowerCase()
    .replace(/[\u2010\u2011]/gu, "-")
    .replace(LETTERS_ONLY, "");
}
