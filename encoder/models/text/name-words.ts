/**
 * The words of a document's name: which of a company's reports a page is of often stands there alone.
 *
 * @module
 */
import path from "node:path";

/** With marks, for names in decomposed form, as macOS writes them. */
const WORDS = /[\p{L}\p{M}\p{N}]+/gu;

/** Runs of letters and digits of `name`, in order, without those of its folders and its extension. */
export function nameWords(name: string): string[] {
  return path.posix.parse(name).name.match(WORDS) ?? [];
}
