/**
 * Which words of a snippet are marked.
 *
 * @module
 */
import type { Match } from "./types.ts";

export interface SnippetPart {
  text: string;
  marked: boolean;
}

/**
 * English words that match themselves on nearly every page. Their boxes are drawn like any other, but marking them in a
 * snippet would hide the words that tell pages apart.
 */
const FUNCTION_WORDS = new Set(
  (
    "a an and are as at be but by can did do does for from had has have how i in is it its many much of on or that the " +
    "their there these this to was we were what when where which who why will with"
  ).split(" "),
);

/** Words of a page that tell why it matched: best matches of the query's tokens, compared by {@link wordKey}. */
export function tellingWords(matches: readonly Match[]): Set<string> {
  const keys = matches.map((match) => wordKey(match.text ?? ""));
  return new Set(keys.filter((key) => key !== "" && !FUNCTION_WORDS.has(key)));
}

/** `word` in lower case without the punctuation around it: `"Sales,"` and `sales` are the same word. */
export function wordKey(word: string): string {
  return word
    .normalize("NFKC")
    .toLowerCase()
    .replace(/^[^\p{L}\p{N}]+|[^\p{L}\p{N}]+$/gu, "");
}

/** `snippet` cut where marking begins and ends; the parts joined are the snippet. Words are what whitespace separates. */
export function markWords(snippet: string, keys: ReadonlySet<string>): SnippetPart[] {
  const parts: SnippetPart[] = [];
  for (const text of snippet.split(/(\s+)/)) {
    if (text === "") continue;
    const marked = keys.has(wordKey(text));
    const last = parts.at(-1);
    if (last !== undefined && last.marked === marked) last.text += text;
    else parts.push({ text, marked });
  }
  return parts;
}
