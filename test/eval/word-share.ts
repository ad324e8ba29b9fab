/**
 * How much of a text was found in another, word by word.
 *
 * @module
 */

/** Words of two and more letters and digits, in lower case; everything else separates them. */
function wordsOf(text: string): string[] {
  return text
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} ]+/gu, " ")
    .split(/\s+/)
    .filter((word) => word.length > 1);
}

/** Share of the words of `truth` that `read` has, each as often as it stands there, in any order; 1 for an empty truth. */
export function shareOfWords(truth: string, read: string): number {
  const left = new Map<string, number>();
  for (const word of wordsOf(read)) left.set(word, (left.get(word) ?? 0) + 1);
  const words = wordsOf(truth);
  let found = 0;
  for (const word of words) {
    const count = left.get(word) ?? 0;
    if (count === 0) continue;
    left.set(word, count - 1);
    found++;
  }
  return words.length === 0 ? 1 : found / words.length;
}
