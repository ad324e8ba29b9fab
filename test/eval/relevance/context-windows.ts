/**
 * Windows that see more than they give vectors for: a prefix, the words around them, the end and the beginning of the pages next
 * to theirs. Each goes through the model as a page of its own, and only the vectors of its own words are kept.
 *
 * @module
 */
import type { PageWord } from "../../../encoder/models/model.ts";

export interface WindowContext {
  /** In front of every window. */
  prefix: readonly string[];
  /** Tokens before and after every window that it only looks at. */
  overlapTokens: number;
  /** Whether these may be of the page before and after. */
  acrossPages: boolean;
}

export interface ContextWindow {
  words: PageWord[];
  /** Tokens of `words` that are the window's own: `[skip, skip + count)`. */
  skip: number;
  count: number;
}

/** Tokens of a window of all-MiniLM-L6-v2 without [CLS] and [SEP]. */
const WINDOW_CAPACITY = 254;

const NOWHERE = [0, 0, 1, 1] as const;

/**
 * Windows of the page `words[page]`.
 *
 * @param pages words of a document's pages.
 * @param tokensOf how many tokens a word has.
 */
export function contextWindows(
  pages: readonly (readonly PageWord[])[],
  page: number,
  { prefix, overlapTokens, acrossPages }: WindowContext,
  tokensOf: (word: string) => number,
): ContextWindow[] {
  const lengthOf = (words: readonly PageWord[]) => words.reduce((sum, { text }) => sum + tokensOf(text), 0);
  const prefixWords = prefix.map((text): PageWord => ({ text, box: NOWHERE }));
  const prefixTokens = lengthOf(prefixWords);
  const own = pages[page] ?? [];
  const before = acrossPages ? (pages[page - 1] ?? []) : [];
  const after = acrossPages ? (pages[page + 1] ?? []) : [];
  const all = [...before, ...own, ...after];
  const capacity = WINDOW_CAPACITY - prefixTokens - 2 * overlapTokens;
  const windows: ContextWindow[] = [];
  const end = before.length + own.length;
  for (let start = before.length; start < end;) {
    let stop = start;
    let count = 0;
    while (stop < end && (count + tokensOf(all[stop]?.text ?? "") <= capacity || stop === start)) {
      count += tokensOf(all[stop]?.text ?? "");
      stop++;
    }
    const left = all.slice(back(all, start, overlapTokens, tokensOf), start);
    const right = all.slice(stop, forth(all, stop, overlapTokens, tokensOf));
    windows.push({
      words: [...prefixWords, ...left, ...all.slice(start, stop), ...right],
      skip: prefixTokens + lengthOf(left),
      count,
    });
    start = stop;
  }
  return windows;
}

function back(words: readonly PageWord[], from: number, tokens: number, tokensOf: (word: string) => number): number {
  let at = from;
  let room = tokens;
  while (at > 0 && (room -= tokensOf(words[at - 1]?.text ?? "")) >= 0) at--;
  return at;
}

function forth(words: readonly PageWord[], from: number, tokens: number, tokensOf: (word: string) => number): number {
  let at = from;
  let room = tokens;
  while (at < words.length && (room -= tokensOf(words[at]?.text ?? "")) >= 0) at++;
  return at;
}
