/**
 * The one form of a question that is encoded, cached and echoed.
 *
 * @module
 */
import { MaxleafError, quote } from "../../shared/errors.ts";
import { MAX_QUERY_CHARS } from "../../shared/limits.ts";

/**
 * `query` well-formed, in NFC, trimmed, with runs of white space made one space: what differs only so is one cache entry,
 * and token offsets count in this text.
 *
 * Errors: `empty_query`, `query_too_long` (UTF-16 code units, as the schemas count).
 */
export function normalizeQuery(query: string): string {
  const text = query.toWellFormed().normalize("NFC").replaceAll(/\s+/g, " ").trim();
  if (text === "") throw new MaxleafError("empty_query", `the query ${quote(query)} has nothing to search for`);
  if (text.length > MAX_QUERY_CHARS) {
    throw new MaxleafError(
      "query_too_long",
      `the query has ${text.length} characters, more than ${MAX_QUERY_CHARS}; it begins with ${quote(text, 40)}`,
    );
  }
  return text;
}
