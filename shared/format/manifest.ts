/**
 * The manifest: the list of live segments and deletions. Committing the next version, put-if-absent, is the only way an
 * index changes.
 *
 * @module
 */
import { z } from "zod";
import { MaxleafError, quote } from "../errors.ts";
import { MAX_MANIFEST_BYTES } from "../limits.ts";
import { recipeSchema } from "../recipe/recipe.ts";
import { decodeUtf8 } from "./bytes.ts";

/** Version of the manifest's own layout. */
export const MANIFEST_FORMAT = 1;

const count = z.number().int().nonnegative();

export const segmentEntrySchema = z
  .strictObject({
    /** Object key part; unique for ever. */
    id: z.string().regex(/^[0-9a-f-]{8,64}$/),
    bytes: count,
    /** Bytes of the `.vectors` object. */
    vectorsBytes: count,
    documentCount: count,
    pageCount: count,
    searchablePageCount: count,
    vectorCount: count,
    /** Ordinals (positions in the segment's document table) of deleted or replaced documents, ascending. */
    deletedDocuments: z.array(count),
  })
  .refine(({ deletedDocuments, documentCount }) => isAscendingBelow(deletedDocuments, documentCount), {
    message: "ordinals of deleted documents are not ascending or not those of documents",
    path: ["deletedDocuments"],
  });
export type SegmentEntry = z.infer<typeof segmentEntrySchema>;

export const manifestSchema = z.strictObject({
  format: z.literal(MANIFEST_FORMAT),
  index: z.string(),
  /** 1, 2, 3, …: the number in its key. */
  version: z.number().int().positive(),
  /** Unique, so that equal lists never have equal bytes (R2 ETags hash content). */
  commitId: z.uuid(),
  committedAtMs: count,
  recipe: recipeSchema,
  recipeFingerprint: z.string(),
  /** Undefined until the first searchable page was added. */
  codebook: z
    .strictObject({
      id: z.string(),
      bytes: count,
      centroidCount: count,
      subspaces: count,
      /** Vectors that the index had when its codebook was trained, on a sample of them. */
      trainedOnVectors: count,
    })
    .optional(),
  segments: z.array(segmentEntrySchema),
});
export type Manifest = z.infer<typeof manifestSchema>;

function isAscendingBelow(ordinals: readonly number[], end: number): boolean {
  return ordinals.every((ordinal, index) => ordinal < end && ordinal > (ordinals[index - 1] ?? -1));
}

/** The bytes of `manifest`. Throws `internal` when it breaks its own schema or limit. */
export function encodeManifest(manifest: Manifest): Uint8Array {
  const parsed = manifestSchema.safeParse(manifest);
  if (!parsed.success) throw new MaxleafError("internal", `the new manifest ${problemOf(parsed.error)}`);
  const bytes = new TextEncoder().encode(JSON.stringify(parsed.data));
  if (bytes.byteLength <= MAX_MANIFEST_BYTES) return bytes;
  throw new MaxleafError(
    "internal",
    `index ${quote(manifest.index)} has too many segments: its manifest would have ${bytes.byteLength} bytes`,
  );
}

/** The manifest that `bytes` are. Throws `corrupt_data` or `unsupported_format_version`. */
export function decodeManifest(bytes: Uint8Array, what: string): Manifest {
  const text = decodeUtf8(bytes, what);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new MaxleafError("corrupt_data", `${what} is corrupt: it is not JSON`, { cause });
  }
  checkFormat(value, what);
  const parsed = manifestSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new MaxleafError("corrupt_data", `${what} is corrupt: ${problemOf(parsed.error)}`, { cause: parsed.error });
}

function problemOf(error: z.ZodError): string {
  const [issue] = error.issues;
  return `has a wrong field ${quote(issue?.path.join("."))}: ${issue?.message}`;
}

/** A later format may have other fields: its number is looked at before they are. */
function checkFormat(value: unknown, what: string): void {
  if (typeof value !== "object" || value === null || !("format" in value)) return;
  if (typeof value.format !== "number" || value.format === MANIFEST_FORMAT) return;
  throw new MaxleafError(
    "unsupported_format_version",
    `${what} has format version ${value.format}; this version of Maxleaf reads ${MANIFEST_FORMAT}`,
  );
}
