/**
 * Which matches are worth showing in a list of results, and which words of a snippet are marked.
 *
 * @module
 */
import type { Match, QueryToken } from "./types.ts";

export interface SnippetPart {
  text: string;
  marked: boolean;
}

/**
 * English words that hold a question together. Their best matches are much the same on every page: marking those would
 * hide the words that tell pages apart.
 */
const FUNCTION_WORDS = new Set(
  (
    "a an and any are as at be but by can could did do does for from had has have how i in into is it its many me much " +
    "must my of on only or s so that the their there these they this to was we were what when where which who whose why " +
    "will with would you your"
  ).split(" "),
);

/**
 * The matches that tell why a page was found: those of the question's own words, not of what holds it together. All of
 * them where the question has nothing else ("who are you?").
 */
export function tellingMatches(matches: readonly Match[], tokens: readonly QueryToken[]): readonly Match[] {
  const telling = matches.filter((match) => {
    const word = wordKey(tokens[match.token]?.text ?? "");
    return word !== "" && !FUNCTION_WORDS.has(word);
  });
  return telling.length === 0 ? matches : telling;
}

/** The words under `matches`, as {@link wordKey}s. */
export function matchedWords(matches: readonly Match[]): Set<string> {
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
