/**
 * Names that callers choose, and the ids and object keys made from them. Nothing a caller sends is ever part of an
 * object key unless it passed {@link parseIndexName} or is a hash.
 *
 * @module
 */
import { MaxleafError, quote } from "./errors.ts";
import { MAX_DOCUMENT_NAME_BYTES, MAX_INDEX_NAME_CHARS } from "./limits.ts";

const INDEX_NAME = /^[a-z0-9][a-z0-9_-]*$/;
const DOCUMENT_ID = /^[0-9a-f]{20}$/;

/** `name`, or `invalid_name`: lower-case letters, digits, `-` and `_`, first a letter or digit, 1 to 63 characters. */
export function parseIndexName(name: string): string {
  if (name.length <= MAX_INDEX_NAME_CHARS && INDEX_NAME.test(name)) return name;
  throw new MaxleafError(
    "invalid_name",
    `${quote(name)} is no index name: use 1 to ${MAX_INDEX_NAME_CHARS} lower-case letters, digits, "-" or "_", beginning with a letter or digit`,
  );
}

/** `name`, or `invalid_name`: what a person calls a document (a relative path), without `..`, NUL or control characters. */
export function parseDocumentName(name: string): string {
  const fail = (why: string): never => {
    throw new MaxleafError("invalid_name", `${quote(name)} is no document name: it ${why}`);
  };
  if (name.length === 0) return fail("is empty");
  if (new TextEncoder().encode(name).byteLength > MAX_DOCUMENT_NAME_BYTES) {
    return fail(`is longer than ${MAX_DOCUMENT_NAME_BYTES} bytes`);
  }
  // oxlint-disable-next-line no-control-regex -- control characters are what is being refused
  if (/[\u0000-\u001f\u007f]/.test(name)) return fail("has a control character");
  if (name.startsWith("/") || name.split(/[/\\]/).includes(".."))
    return fail('leaves its folder ("..", or a leading "/")');
  return name;
}

/** Whether `id` has the form of {@link documentIdOf}'s result. */
export function isDocumentId(id: string): boolean {
  return DOCUMENT_ID.test(id);
}

/** `id`, or `invalid_name`. */
export function parseDocumentId(id: string): string {
  if (isDocumentId(id)) return id;
  throw new MaxleafError("invalid_name", `${quote(id)} is no document id: an id is 20 hex digits`);
}

/** The id of a document: the first 80 bits of its name's SHA-256, in hex. Equal names are the same document. */
export async function documentIdOf(name: string): Promise<string> {
  return (await sha256Hex(new TextEncoder().encode(parseDocumentName(name)))).slice(0, 20);
}

/** SHA-256 of `bytes`, 64 hex digits. */
export async function sha256Hex(bytes: Uint8Array): Promise<string> {
  // A copy, because Web Crypto's types refuse views of shared memory, which `bytes` may be.
  const digest = await crypto.subtle.digest("SHA-256", bytes.slice());
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
