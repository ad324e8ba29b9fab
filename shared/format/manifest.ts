/**
 * The manifest: the list of live segments and deletions. Committing the next version, put-if-absent, is the only way an
 * index changes.
 *
 * @module
 */
import { z } from "zod";
import { MaxleafError, quote } from "../errors.ts";
import { MAX_MANIFEST_BYTES, MAX_METADATA_FIELDS, MAX_SUBSPACES } from "../limits.ts";
import { recipeSchema } from "../recipe/recipe.ts";
import { concatBytes, corrupt, decodeUtf8 } from "./bytes.ts";
import { crc32 } from "./crc32.ts";

/** Version of the manifest's own layout. */
export const MANIFEST_FORMAT = 2;

const count = z.number().int().nonnegative();
const norm = z.number().nonnegative();
const objectId = z.string().regex(/^[0-9a-f-]{8,64}$/);

export const segmentEntrySchema = z
  .strictObject({
    /** Object key part; unique for ever. */
    id: objectId,
    bytes: count,
    /** Bytes of the `.vectors` object. */
    vectorsBytes: count,
    documentCount: count,
    pageCount: count,
    searchablePageCount: count,
    vectorCount: count,
    /** Ids in its bags: distinct centroids of a page, summed over pages. */
    bagEntries: count,
    /** Mean distance of its vectors to their centroids; 0 without vectors. Against the codebook's: how far it has drifted. */
    meanResidualNorm: norm,
    /** Ordinals (positions in the segment's document table) of deleted or replaced documents, ascending. */
    deletedDocuments: z.array(count),
    /** Ordinals of documents that begin in an earlier segment, which lists them too; absent when there are none. */
    continuedDocuments: z.array(count).optional(),
  })
  .refine(({ deletedDocuments, documentCount }) => isAscendingBelow(deletedDocuments, documentCount), {
    message: "ordinals of deleted documents are not ascending or not those of documents",
    path: ["deletedDocuments"],
  });
export type SegmentEntry = z.infer<typeof segmentEntrySchema>;

/** Live documents that begin in the segment: over all segments every document counts once. */
export function liveDocumentCount({ documentCount, deletedDocuments, continuedDocuments = [] }: SegmentEntry): number {
  return documentCount - new Set([...deletedDocuments, ...continuedDocuments]).size;
}

/** The inverted file of an index: see docs/format.md. Its segments are all in the manifest that names it. */
export const invertedEntrySchema = z.strictObject({
  id: objectId,
  /** Bytes of the head object. */
  bytes: count,
  /** Bytes from the end of the head that opening reads: all but the document ids. */
  openBytes: count,
  /** Bytes of each part object. */
  parts: z.array(count),
  /** Segments covered, in the order of their page positions. */
  segmentIds: z.array(objectId),
  /** Pages of those segments. */
  pageCount: count,
  /** Ids in the bags of those segments: pages in all lists. */
  bagEntries: count,
  /** The terms of those pages, for searches by words; absent of files that were written before there was such an index. */
  lexical: z
    .strictObject({
      /** Bytes of the head object, which opening reads whole. */
      bytes: count,
      /** Bytes of each part object. */
      parts: z.array(count),
    })
    .optional(),
});
export type InvertedEntry = z.infer<typeof invertedEntrySchema>;

/** What search settings reached on sampled queries. */
export const calibrationSchema = z.strictObject({
  measuredAtMs: count,
  queries: count,
  /** Depth of the recall: always 10. */
  k: z.literal(10),
  /** Queries drawn from the index itself, or the user's. */
  source: z.enum(["sampled", "given"]),
  /** Pages that exact answers were taken from, when not all. */
  sampledPages: count.optional(),
  points: z.array(
    z.strictObject({
      path: z.enum(["resident", "pruned"]),
      nprobe: count,
      candidates: count,
      /** Pages scored by exact vectors. */
      exact: count,
      recall: z.number().min(0).max(1),
      /** Mean CPU time of a query, microseconds. */
      costUs: z.number().nonnegative(),
    }),
  ),
});
export type Calibration = z.infer<typeof calibrationSchema>;

/** What an index was created with, beside its recipe. Every field absent: as by default. */
export const indexSettingsSchema = z.strictObject({
  /** PQ subspaces (bytes a vector) of the codebooks that it is trained. */
  subspaces: z.number().int().min(1).max(MAX_SUBSPACES).optional(),
  /** Metadata fields that a filter may name; absent: any. */
  filterableFields: z.array(z.string().min(1)).max(MAX_METADATA_FIELDS).optional(),
});
export type IndexSettings = z.infer<typeof indexSettingsSchema>;

/** Metadata that changed after its documents were written: see docs/format.md. */
export const overlayEntrySchema = z.strictObject({ id: objectId, bytes: count, documents: count });
export type OverlayEntry = z.infer<typeof overlayEntrySchema>;

export const manifestSchema = z
  .strictObject({
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
        cellCount: count,
        /** Mean distance of the vectors it was trained on to their centroids. */
        meanResidualNorm: norm,
        /** Vectors that the index had when its codebook was trained, on a sample of them. */
        trainedOnVectors: count,
      })
      .optional(),
    segments: z.array(segmentEntrySchema),
    inverted: invertedEntrySchema.optional(),
    calibration: calibrationSchema.optional(),
    settings: indexSettingsSchema.optional(),
    overlay: overlayEntrySchema.optional(),
    /** The index was dropped: it has no segments, and for readers it is not there. */
    droppedAtMs: count.optional(),
  })
  .refine(({ droppedAtMs, segments }) => droppedAtMs === undefined || segments.length === 0, {
    message: "a dropped index has segments",
    path: ["segments"],
  })
  .refine(({ inverted, segments }) => inverted === undefined || stillCovered(inverted, segments) !== undefined, {
    message: "segments of the inverted file are missing",
    path: ["inverted", "segmentIds"],
  });
export type Manifest = z.infer<typeof manifestSchema>;

/**
 * `inverted` if it may stay in a manifest with `segments`: all that it covers are still there. Deleting documents does not
 * make it invalid, replacing a segment does.
 */
export function stillCovered(
  inverted: InvertedEntry | undefined,
  segments: readonly Pick<SegmentEntry, "id">[],
): InvertedEntry | undefined {
  const ids = new Set(segments.map(({ id }) => id));
  return inverted?.segmentIds.every((id) => ids.has(id)) === true ? inverted : undefined;
}

function isAscendingBelow(ordinals: readonly number[], end: number): boolean {
  return ordinals.every((ordinal, index) => ordinal < end && ordinal > (ordinals[index - 1] ?? -1));
}

/** The bytes of `manifest`. Throws `internal` when it breaks its own schema or limit. */
export function encodeManifest(manifest: Manifest): Uint8Array {
  const parsed = manifestSchema.safeParse(manifest);
  if (!parsed.success) throw new MaxleafError("internal", `the new manifest ${problemOf(parsed.error)}`);
  const bytes = withChecksum(new TextEncoder().encode(JSON.stringify(parsed.data)));
  if (bytes.byteLength <= MAX_MANIFEST_BYTES) return bytes;
  throw new MaxleafError(
    "internal",
    `index ${quote(manifest.index)} has too many segments: its manifest would have ${bytes.byteLength} bytes`,
  );
}

/** The manifest that `bytes` are. Throws `corrupt_data` or `unsupported_format_version`. */
export function decodeManifest(bytes: Uint8Array, what: string): Manifest {
  const text = decodeUtf8(withoutChecksum(bytes, what), what);
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

const CHECKSUM_PREFIX = '{"crc32":"';
const CHECKSUM_DIGITS = 8;
/** The prefix, the digits, and `",`. */
const CHECKSUM_HEAD_BYTES = CHECKSUM_PREFIX.length + CHECKSUM_DIGITS + 2;

/**
 * JSON of an object with the checksum of everything after it as its first member: one flipped bit in a list of deletions
 * would be as valid as the right one, and bring a document back.
 */
function withChecksum(json: Uint8Array): Uint8Array {
  const rest = json.subarray(1);
  const digits = crc32(rest).toString(16).padStart(CHECKSUM_DIGITS, "0");
  return concatBytes([new TextEncoder().encode(`${CHECKSUM_PREFIX}${digits}",`), rest]);
}

/** The JSON without its checksum, which is right; manifests of before there were checksums as they are. */
function withoutChecksum(bytes: Uint8Array, what: string): Uint8Array {
  const head = new TextDecoder().decode(bytes.subarray(0, CHECKSUM_HEAD_BYTES));
  if (!head.startsWith(CHECKSUM_PREFIX)) return bytes;
  const json = bytes.slice(CHECKSUM_HEAD_BYTES - 1);
  const digits = crc32(json.subarray(1)).toString(16).padStart(CHECKSUM_DIGITS, "0");
  if (head !== `${CHECKSUM_PREFIX}${digits}",`) throw corrupt(what, "its checksum is wrong");
  json[0] = "{".charCodeAt(0);
  return json;
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
