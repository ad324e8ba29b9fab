/**
 * Reads a file for ingestion and decides whether the index has it already.
 *
 * @module
 */
import { readFile, stat } from "node:fs/promises";
import { MaxleafError, quote } from "../../shared/errors.ts";
import { documentIdOf } from "../../shared/names.ts";
import { contentHashOf, isOfContent } from "../../shared/revision.ts";
import type { LiveDocument } from "../indexing/document-index.ts";
import { MAX_SOURCE_BYTES } from "../render/limits.ts";
import { type FoundFile, reasonOf } from "./discover.ts";

export interface DocumentSource {
  id: string;
  name: string;
  bytes: Uint8Array;
  /** See `contentHashOf`: what its revision begins with. */
  contentHash: string;
}

/**
 * A found file's content. The size is checked before anything is read.
 *
 * Errors: `invalid_name`, `file_too_large`, `file_unreadable`.
 */
export async function readSource(file: FoundFile): Promise<DocumentSource> {
  const id = await documentIdOf(file.name);
  const bytes = await readLimited(file);
  return { id, name: file.name, bytes, contentHash: await contentHashOf(bytes) };
}

async function readLimited({ name, path }: FoundFile): Promise<Uint8Array> {
  try {
    const { size } = await stat(path);
    if (size <= MAX_SOURCE_BYTES) return await readFile(path);
    const message = `${quote(name)} has ${size} bytes; the limit is ${MAX_SOURCE_BYTES}`;
    throw new MaxleafError("file_too_large", message);
  } catch (cause) {
    if (cause instanceof MaxleafError) throw cause;
    throw new MaxleafError("file_unreadable", `${quote(name)} cannot be read: ${reasonOf(cause)}`, { cause });
  }
}

/** Whether `live` holds exactly this source. Metadata counts only if some is given: without, a document keeps its own. */
export function isUnchanged(
  live: LiveDocument | undefined,
  source: DocumentSource,
  metadata: Readonly<Record<string, string>> | undefined,
): boolean {
  if (live === undefined || !isOfContent(live.entry.revision, source.contentHash)) return false;
  return metadata === undefined || sameFields(live.entry.metadata, metadata);
}

function sameFields(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && a[key] === b[key]);
}
