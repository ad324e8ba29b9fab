/**
 * A page is longer than the model's window: which tokens go into which window.
 *
 * @module
 */

/** Half-open token range of one window, without [CLS] and [SEP]. */
export interface TokenWindow {
  start: number;
  end: number;
}

/**
 * Cuts `wordOfToken.length` tokens into windows of at most `capacity`, in order and without gaps. A word stays whole
 * unless it alone is longer than a window.
 *
 * The windows do not overlap: tokens in two windows would be encoded twice. What an overlap would gain was not measured.
 *
 * @param wordOfToken word index of every token, ascending.
 * @param capacity tokens per window, at least 1.
 */
export function planWindows(wordOfToken: ArrayLike<number>, capacity: number): TokenWindow[] {
  const windows: TokenWindow[] = [];
  let start = 0;
  while (start < wordOfToken.length) {
    const end = windowEnd(wordOfToken, start, capacity);
    windows.push({ start, end });
    start = end;
  }
  return windows;
}

function windowEnd(wordOfToken: ArrayLike<number>, start: number, capacity: number): number {
  const limit = start + capacity;
  if (limit >= wordOfToken.length) return wordOfToken.length;
  let end = limit;
  while (end > start && wordOfToken[end] === wordOfToken[end - 1]) end--;
  return end > start ? end : limit;
}
