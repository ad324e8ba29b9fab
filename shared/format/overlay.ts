/**
 * Metadata that changed after its documents were written: an object beside the segments, which the manifest names.
 *
 * An entry speaks for one version of one document. When the document is replaced or deleted the entry means nothing any more,
 * and a later update leaves it out; compaction writes what an overlay says into the segments that it rewrites.
 *
 * @module
 */
import { z } from "zod";
import { MaxleafError, quote } from "../errors.ts";
import { MAX_METADATA_FIELDS } from "../limits.ts";
import type { DocumentEntry } from "../page.ts";
import { layout } from "../store/layout.ts";
import type { ObjectStore } from "../store/object-store.ts";
import { corrupt, decodeUtf8 } from "./bytes.ts";
import { crc32 } from "./crc32.ts";
import { UNSTORABLE_FIELD } from "./documents.ts";
import type { OverlayEntry } from "./manifest.ts";

export const OVERLAY_FORMAT = 1;

/**
 * Bytes of an overlay: some 27,000 documents with three short fields, 38,000 with one. Every reader of the index holds all of
 * it, 10 MB of an isolate's 128, and about twice that while it decodes it (0.2 s of one core). Ours.
 */
export const MAX_OVERLAY_BYTES = 4 * 1024 * 1024;

/** Heap bytes of a decoded overlay for each of its bytes: 2.0 to 2.3 in Node 24 with eight short fields to one. */
export const OVERLAY_HEAP_FACTOR = 2.3;

/** What a document's metadata is now. */
export interface OverlaidMetadata {
  /** The version of the document that is meant. */
  readonly revision: string;
  /** All fields, not only those that changed. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** By document id. */
export type Overlay = ReadonlyMap<string, OverlaidMetadata>;

/** Of an index without one. */
export const NO_OVERLAY: Overlay = new Map();

const overlaidDocumentSchema = z.strictObject({
  id: z.string().min(1),
  revision: z.string(),
  metadata: z
    .record(z.string(), z.string())
    .refine((fields) => Object.keys(fields).length <= MAX_METADATA_FIELDS, `more than ${MAX_METADATA_FIELDS} fields`),
});
const overlaidDocumentsSchema = z.array(overlaidDocumentSchema);

/** What stands before the documents; its length is always the same. */
const headOf = (checksum: number) =>
  `{"format":${OVERLAY_FORMAT},"crc32":"${checksum.toString(16).padStart(8, "0")}","documents":`;
const HEAD_BYTES = headOf(0).length;
const END = "}";
const FORMAT = /^\{"format":(\d{1,9}),/;

/**
 * The bytes of `overlay`: the same ones for equal overlays.
 *
 * @throws MaxleafError `compaction_needed` when there would be too many.
 */
export function encodeOverlay(overlay: Overlay): Uint8Array {
  const documents = [...overlay]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([id, { revision, metadata }]) => ({ id, revision, metadata: sortedFields(metadata) }));
  const body = new TextEncoder().encode(JSON.stringify(overlaidDocumentsSchema.parse(documents)));
  const bytes = HEAD_BYTES + body.byteLength + END.length;
  if (bytes > MAX_OVERLAY_BYTES) {
    throw new MaxleafError(
      "compaction_needed",
      `the metadata of ${documents.length} documents that changed since their segments were written would take ${bytes} bytes, and ${MAX_OVERLAY_BYTES} is the limit: maxleaf compact writes what has changed so far into the segments`,
    );
  }
  const encoded = new Uint8Array(bytes);
  encoded.set(new TextEncoder().encode(headOf(crc32(body))));
  encoded.set(body, HEAD_BYTES);
  encoded.set(new TextEncoder().encode(END), HEAD_BYTES + body.byteLength);
  return encoded;
}

/**
 * The overlay that `bytes` are.
 *
 * @throws MaxleafError `corrupt_data`, `unsupported_format_version`.
 */
export function decodeOverlay(bytes: Uint8Array, what: string): Overlay {
  if (bytes.byteLength > MAX_OVERLAY_BYTES) throw corrupt(what, `it has ${bytes.byteLength} bytes`);
  const body = bytes.subarray(HEAD_BYTES, bytes.byteLength - END.length);
  if (bytes.byteLength < HEAD_BYTES + END.length) throw corrupt(what, `it has only ${bytes.byteLength} bytes`);
  const head = decodeUtf8(bytes.subarray(0, HEAD_BYTES), what);
  checkFormat(head, what);
  const end = decodeUtf8(bytes.subarray(bytes.byteLength - END.length), what);
  if (head !== headOf(crc32(body)) || end !== END) throw corrupt(what, "its checksum is wrong");
  const overlay = new Map<string, OverlaidMetadata>();
  for (const { id, revision, metadata } of parseDocuments(decodeUtf8(body, what), what)) {
    if (overlay.has(id)) throw corrupt(what, `it has document ${quote(id)} twice`);
    overlay.set(id, { revision, metadata });
  }
  return overlay;
}

/**
 * The overlay that a manifest names; an empty one without `entry`. One read.
 *
 * @throws MaxleafError `corrupt_data`, also when it is missing or not what the manifest says; `unsupported_format_version`;
 *   `store_unavailable`.
 */
export async function readOverlay(
  store: ObjectStore,
  index: string,
  entry: OverlayEntry | undefined,
): Promise<Overlay> {
  if (entry === undefined) return NO_OVERLAY;
  const what = `overlay ${entry.id} of index ${quote(index)}`;
  if (entry.bytes > MAX_OVERLAY_BYTES) throw corrupt(what, `the manifest says it has ${entry.bytes} bytes`);
  // A read from the end gets all of it or, when it is too large, no more than the limit.
  const object = await store.get(layout.overlay(index, entry.id), { suffix: MAX_OVERLAY_BYTES });
  if (object === undefined) throw corrupt(what, "there is no such object");
  if (object.size !== entry.bytes) throw corrupt(what, `it has ${object.size} bytes, not ${entry.bytes}`);
  const overlay = decodeOverlay(object.bytes, what);
  if (overlay.size === entry.documents) return overlay;
  throw corrupt(what, `it has ${overlay.size} documents, not ${entry.documents}`);
}

/**
 * Stores `overlay` as a new object, for a manifest to name; undefined for an empty one, which needs none.
 *
 * @throws MaxleafError `compaction_needed`, `store_unavailable`.
 */
export async function storeOverlay(
  store: ObjectStore,
  index: string,
  overlay: Overlay,
): Promise<OverlayEntry | undefined> {
  if (overlay.size === 0) return undefined;
  const bytes = encodeOverlay(overlay);
  const id = crypto.randomUUID();
  await store.put(layout.overlay(index, id), bytes, { onlyIf: "absent", contentType: "application/json" });
  return { id, bytes: bytes.byteLength, documents: overlay.size };
}

/** `entry` with the metadata that it has now. */
export function overlaid(entry: DocumentEntry, overlay: Overlay): DocumentEntry {
  const said = overlay.get(entry.id);
  return said !== undefined && said.revision === entry.revision ? { ...entry, metadata: said.metadata } : entry;
}

/** `entries`, in their order, with the metadata that they have now. */
export function applyOverlay(entries: readonly DocumentEntry[], overlay: Overlay): readonly DocumentEntry[] {
  return overlay.size === 0 ? entries : entries.map((entry) => overlaid(entry, overlay));
}

/** `overlay`, which also says the metadata of `entries`. */
export function extendedOverlay(overlay: Overlay, entries: readonly DocumentEntry[]): Overlay {
  const extended = new Map(overlay);
  for (const { id, revision, metadata } of entries) extended.set(id, { revision, metadata });
  return extended;
}

/**
 * `overlay` without entries of versions that are not live. Those that say what is stored anyway stay: a compaction may be
 * writing at this moment what an earlier overlay said.
 *
 * @param live entries of all live documents.
 */
export function liveOverlay(overlay: Overlay, live: Iterable<Pick<DocumentEntry, "id" | "revision">>): Overlay {
  const kept = new Map<string, OverlaidMetadata>();
  for (const { id, revision } of live) {
    const said = overlay.get(id);
    if (said !== undefined && said.revision === revision) kept.set(id, said);
  }
  return kept;
}

/** Whether two documents have the same metadata. */
export function sameFields(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && a[key] === b[key]);
}

function sortedFields(metadata: Readonly<Record<string, string>>): Record<string, string> {
  if (Object.hasOwn(metadata, UNSTORABLE_FIELD)) {
    throw new MaxleafError("invalid_request", `a metadata field cannot be called "${UNSTORABLE_FIELD}"`);
  }
  return Object.fromEntries(Object.entries(metadata).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

function parseDocuments(text: string, what: string): z.infer<typeof overlaidDocumentsSchema> {
  try {
    return overlaidDocumentsSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new MaxleafError("corrupt_data", `${what} is corrupt: it is no list of documents' metadata`, { cause });
  }
}

/** A later format may look otherwise: its number is looked at before anything else. */
function checkFormat(head: string, what: string): void {
  const format = FORMAT.exec(head)?.[1];
  if (format === undefined || Number(format) === OVERLAY_FORMAT) return;
  throw new MaxleafError(
    "unsupported_format_version",
    `${what} has format version ${format}; this version of Maxleaf reads ${OVERLAY_FORMAT}`,
  );
}
