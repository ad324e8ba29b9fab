/**
 * The few words of a page that say why it was found.
 *
 * @module
 */

/** Two or three lines of a result list. */
export const SNIPPET_WORDS = 40;

const CUT = "…";

/**
 * The {@link SNIPPET_WORDS} neighbouring `words` with the largest total `weights`, the first such run, with some room
 * before its first weighty word; `…` where the page goes on. Weights beyond the words are ignored.
 */
export function snippetOf(words: readonly string[], weights: ReadonlyMap<number, number>): string {
  if (words.length === 0) return "";
  const length = Math.min(SNIPPET_WORDS, words.length);
  const start = centred(bestStart(words.length, length, weights), words.length, length, weights);
  const end = start + length;
  const shown = words.slice(start, end).join(" ");
  return `${start > 0 ? `${CUT} ` : ""}${shown}${end < words.length ? ` ${CUT}` : ""}`;
}

function bestStart(wordCount: number, length: number, weights: ReadonlyMap<number, number>): number {
  const weightAt = (word: number): number => Math.max(0, weights.get(word) ?? 0);
  let sum = 0;
  for (let word = 0; word < length; word++) sum += weightAt(word);
  let best = sum;
  let start = 0;
  for (let first = 1; first + length <= wordCount; first++) {
    sum += weightAt(first + length - 1) - weightAt(first - 1);
    // A run must be better by more than what adding and subtracting loses.
    if (sum <= best + 1e-9) continue;
    best = sum;
    start = first;
  }
  return start;
}

/** Moves a run so that what is weighty in it stands in its middle. */
function centred(start: number, wordCount: number, length: number, weights: ReadonlyMap<number, number>): number {
  const inside = [...weights.keys()].filter((word) => word >= start && word < start + length);
  if (inside.length === 0) return start;
  const middle = (Math.min(...inside) + Math.max(...inside)) / 2;
  return Math.min(wordCount - length, Math.max(0, Math.round(middle - (length - 1) / 2)));
}
