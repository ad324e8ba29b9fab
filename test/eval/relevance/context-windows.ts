/**
 * Windows that see more than they give vectors for: a prefix, the words around them, the end and the beginning of the pages next
 * to theirs. Each goes through the model as a page of its own, and only the vectors of its own words are kept.
 *
 * @module
 */
import type { PageWord } from "../../../encoder/models/model.ts";

export interface WindowContext {
  /** In front of the window that begins with word `start` of the page. */
  prefixOf: (start: number) => readonly string[];
  /** Tokens before and after every window that it only looks at. */
  overlapTokens: number;
  /** Whether these may be of the page before and after. */
  acrossPages: boolean;
  /** Words of the page that windows may begin with, unless none of them is in reach; absent: all. */
  rowStarts?: ReadonlySet<number> | undefined;
}

export interface ContextWindow {
  words: PageWord[];
  /** Tokens of `words` that are the window's own: `[skip, skip + count)`. */
  skip: number;
  count: number;
  /** Tokens of the prefix, which are the first. */
  prefixTokens: number;
}

/** Tokens of a window of all-MiniLM-L6-v2 without [CLS] and [SEP]. */
const WINDOW_CAPACITY = 254;
/** Of a prefix, which is cut behind a word. */
export const MAX_PREFIX_TOKENS = 64;

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
  { prefixOf, overlapTokens, acrossPages, rowStarts }: WindowContext,
  tokensOf: (word: string) => number,
): ContextWindow[] {
  const lengthOf = (words: readonly PageWord[]) => words.reduce((sum, { text }) => sum + tokensOf(text), 0);
  const own = pages[page] ?? [];
  const before = acrossPages ? (pages[page - 1] ?? []) : [];
  const after = acrossPages ? (pages[page + 1] ?? []) : [];
  const all = [...before, ...own, ...after];
  const windows: ContextWindow[] = [];
  for (let first = 0; first < own.length;) {
    const prefix = prefixOf(first).map((text): PageWord => ({ text, box: NOWHERE }));
    const prefixWords = prefix.slice(0, forth(prefix, 0, MAX_PREFIX_TOKENS, tokensOf));
    const prefixTokens = lengthOf(prefixWords);
    const fitting = forth(own, first, WINDOW_CAPACITY - prefixTokens - 2 * overlapTokens, tokensOf);
    const end = lastRowStart(rowStarts, first, Math.max(fitting, first + 1), own.length);
    const [start, stop] = [before.length + first, before.length + end];
    const left = all.slice(back(all, start, overlapTokens, tokensOf), start);
    const right = all.slice(stop, forth(all, stop, overlapTokens, tokensOf));
    windows.push({
      words: [...prefixWords, ...left, ...all.slice(start, stop), ...right],
      skip: prefixTokens + lengthOf(left),
      count: lengthOf(all.slice(start, stop)),
      prefixTokens,
    });
    first = end;
  }
  return windows;
}

/** Where the window of words `[first, end)` ends so that no row is cut that fits into a window. */
function lastRowStart(
  rowStarts: ReadonlySet<number> | undefined,
  first: number,
  end: number,
  wordCount: number,
): number {
  if (rowStarts === undefined || end === wordCount) return end;
  let at = end;
  while (at > first && !rowStarts.has(at)) at--;
  return at > first ? at : end;
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
