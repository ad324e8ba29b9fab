/**
 * Cursors of document lists: the name after which the next page begins, so that a list stays whole while documents come
 * and go.
 *
 * @module
 */
import { MaxleafError, quote } from "../../shared/errors.ts";

/** The cursor after `name`: base64url of its UTF-8. */
export function encodeCursor(name: string): string {
  const binary = String.fromCharCode(...new TextEncoder().encode(name));
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** The name inside `cursor`. Errors: `invalid_request`. */
export function decodeCursor(cursor: string): string {
  try {
    const binary = atob(cursor.replaceAll("-", "+").replaceAll("_", "/"));
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(
      Uint8Array.from(binary, (char) => char.charCodeAt(0)),
    );
  } catch (cause) {
    throw new MaxleafError(
      "invalid_request",
      `${quote(cursor)} is no cursor; pass the "nextCursor" of the page before`,
      { cause },
    );
  }
}
