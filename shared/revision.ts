/**
 * Revisions: one for each time that a document is ingested. They are part of the keys of its source and images, so that no
 * two ingestions ever share an object: what removes one version's objects cannot hurt another version, even when both are
 * of the very same bytes.
 *
 * @module
 */
import { sha256Hex } from "./names.ts";

/** 64 bits of the source's SHA-256, in hex: two versions with equal ones are taken for the same bytes. */
const CONTENT_CHARS = 16;
/** 32 random bits, in hex. They only tell apart the ingestions of the same bytes as the same document. */
const NONCE_BYTES = 4;

/** Content hash and nonce; older indexes have revisions of the content hash alone. */
const REVISION = /^[0-9a-f]{16}(?:[0-9a-f]{8})?$/;

/** Whether `text` has the form of a revision. */
export function isRevision(text: string): boolean {
  return REVISION.test(text);
}

/** What the revisions of a source of `bytes` begin with. */
export async function contentHashOf(bytes: Uint8Array): Promise<string> {
  return (await sha256Hex(bytes)).slice(0, CONTENT_CHARS);
}

/** A revision that nothing has yet, for a source with this content hash. */
export function newRevision(contentHash: string): string {
  const nonce = crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
  return contentHash + Array.from(nonce, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Whether `revision` is of a source with this content hash. */
export function isOfContent(revision: string, contentHash: string): boolean {
  return revision.slice(0, CONTENT_CHARS) === contentHash;
}
