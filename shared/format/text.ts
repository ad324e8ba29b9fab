/**
 * The text record of a page: UTF-8, nothing else.
 *
 * @module
 */
import { decodeUtf8 } from "./bytes.ts";

/** Lone surrogates, which UTF-8 cannot hold, become U+FFFD. */
export function encodeText(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function decodeText(bytes: Uint8Array, what: string): string {
  return decodeUtf8(bytes, what);
}
