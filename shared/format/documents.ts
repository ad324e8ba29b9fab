/**
 * The document table: a JSON array, since its strings have no fixed form and it is read once per opened segment.
 *
 * @module
 */
import { z } from "zod";
import { MaxleafError } from "../errors.ts";
import { MAX_PAGES_PER_SEGMENT } from "../limits.ts";
import type { DocumentEntry } from "../page.ts";
import { decodeUtf8 } from "./bytes.ts";

const count = z.number().int().nonnegative();

/**
 * A field of this name would set an object's prototype instead of a member, and be lost; the writer refuses it.
 */
export const UNSTORABLE_FIELD = "__proto__";

export const documentEntrySchema = z.strictObject({
  id: z.string(),
  name: z.string(),
  revision: z.string(),
  contentType: z.string(),
  sourceBytes: count,
  pageCount: count,
  addedAtMs: z.number(),
  metadata: z.record(z.string(), z.string()),
}) satisfies z.ZodType<DocumentEntry>;

const documentTableSchema = z.array(documentEntrySchema).max(MAX_PAGES_PER_SEGMENT);

/** `document` as it is stored: members in the schema's order, metadata by name, so that equal ones have equal bytes. */
export function storedDocument(document: DocumentEntry): DocumentEntry {
  return { ...documentEntrySchema.parse(document), metadata: Object.fromEntries(sortedFields(document)) };
}

export function encodeDocuments(documents: readonly DocumentEntry[]): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(documentTableSchema.parse(documents.map(storedDocument))));
}

/**
 * @throws MaxleafError `corrupt_data` when the section is not the JSON of such a table.
 */
export function decodeDocuments(bytes: Uint8Array, what: string): DocumentEntry[] {
  const text = decodeUtf8(bytes, what);
  try {
    return documentTableSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new MaxleafError("corrupt_data", `${what} is corrupt: it is no list of documents`, { cause });
  }
}

function sortedFields(document: DocumentEntry): [string, string][] {
  if (Object.hasOwn(document.metadata, UNSTORABLE_FIELD)) {
    throw new MaxleafError("invalid_request", `a metadata field cannot be called "${UNSTORABLE_FIELD}"`);
  }
  return Object.entries(document.metadata).toSorted(([a], [b]) => (a < b ? -1 : 1));
}
