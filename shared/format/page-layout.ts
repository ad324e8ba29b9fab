/**
 * The layout part of a page's record: where its vectors sit, its text, and the document it belongs to, so that a hit can be
 * shown without any table of its segment. A checksum ends it.
 *
 * @module
 */
import { z } from "zod";
import { MaxleafError } from "../errors.ts";
import { type EncodedPage, textSources } from "../page.ts";
import { ByteReader, ByteWriter, decodeUtf8 } from "./bytes.ts";
import type { PageLayout } from "./contract.ts";
import { documentEntrySchema } from "./documents.ts";
import { decodeGeometry, encodeGeometry } from "./geometry.ts";
import { CHECKSUM_BYTES, openSealed, seal } from "./sealed.ts";

const LENGTHS_BYTES = 12;

/** The shortest part there can be: lengths and checksum. */
export const MIN_LAYOUT_BYTES = LENGTHS_BYTES + CHECKSUM_BYTES;

const extent = z.number().nonnegative();
const factsSchema = z.strictObject({
  document: documentEntrySchema,
  pageNumber: z.number().int().positive(),
  width: extent,
  height: extent,
  /** Absent: `layer`. Pages written before there was OCR do not say. */
  textSource: z.enum(textSources).optional(),
});

/**
 * @param page the page's number in its segment.
 * @param documentJson the entry of its document as JSON, made once for all its pages.
 */
export function encodePageLayout(
  { geometry, text, pageNumber, width, height, textSource }: Omit<EncodedPage, "vectors">,
  page: number,
  documentJson: string,
): Uint8Array {
  const encoder = new TextEncoder();
  // What the page table says, which has 32-bit floats.
  const extents = `"width":${Math.fround(width)},"height":${Math.fround(height)}`;
  // Left out where it is `layer`: such pages have the bytes that they had before the field was there.
  const source = textSource === "ocr" ? ',"textSource":"ocr"' : "";
  const facts = encoder.encode(`{"document":${documentJson},"pageNumber":${pageNumber},${extents}${source}}`);
  const geometryBytes = encodeGeometry(geometry);
  // Lone surrogates, which UTF-8 cannot hold, become U+FFFD.
  const textBytes = encoder.encode(text);
  const lengths = new ByteWriter();
  for (const { byteLength } of [geometryBytes, textBytes, facts]) lengths.u32(byteLength);
  return seal(page, [lengths.finish(), geometryBytes, textBytes, facts]);
}

/** `bytes` as the layout of page `page`. Throws `corrupt_data`. */
export function decodePageLayout(
  bytes: Uint8Array,
  { page, vectorCount }: { page: number; vectorCount: number },
  what: string,
): PageLayout {
  const reader = new ByteReader(openSealed(bytes, page, what), what);
  const geometryBytes = reader.u32("geometry length");
  const textBytes = reader.u32("text length");
  const factsBytes = reader.u32("document length");
  const geometry = decodeGeometry(reader.take(geometryBytes, "geometry"), vectorCount, `${what}, geometry`);
  const text = decodeUtf8(reader.take(textBytes, "text"), `${what}, text`);
  const facts = decodeFacts(reader.take(factsBytes, "document"), `${what}, document`);
  reader.expectEnd();
  return { geometry, text, ...facts };
}

function decodeFacts(bytes: Uint8Array, what: string): z.infer<typeof factsSchema> {
  const json = decodeUtf8(bytes, what);
  try {
    return factsSchema.parse(JSON.parse(json));
  } catch (cause) {
    throw new MaxleafError("corrupt_data", `${what} is corrupt: it is no page of a document`, { cause });
  }
}
