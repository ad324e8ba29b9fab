/**
 * The exact-vectors record of a page: a float scale per vector, then the int8 rows, then a checksum. These records are the
 * only section of an object of their own, so that it can be left out, moved or dropped without touching the segment.
 *
 * @module
 */
import { ByteReader } from "./bytes.ts";
import type { PageVectors } from "./contract.ts";
import { CHECKSUM_BYTES, openSealed, seal } from "./sealed.ts";

const SCALE_BYTES = 4;

/** None for a page without vectors. */
export function vectorsRecordBytes(vectorCount: number, dim: number): number {
  return vectorCount === 0 ? 0 : vectorCount * (SCALE_BYTES + dim) + CHECKSUM_BYTES;
}

/** @param page the page's number in its segment. */
export function encodeVectors({ scales, values }: PageVectors, page: number): Uint8Array {
  return scales.length === 0 ? new Uint8Array(0) : seal(page, [scales, values]);
}

/** `bytes` as `[vectorCount, dim]` of page `page`. Throws `corrupt_data` when they have another length or checksum. */
export function decodeVectors(
  bytes: Uint8Array,
  { page, vectorCount, dim }: { page: number; vectorCount: number; dim: number },
  what: string,
): PageVectors {
  if (vectorCount === 0 && bytes.byteLength === 0) return { scales: new Float32Array(0), values: new Int8Array(0) };
  const reader = new ByteReader(openSealed(bytes, page, what), what);
  const scales = reader.f32Array(vectorCount, "scales");
  const values = reader.i8Array(vectorCount * dim, "values");
  reader.expectEnd();
  return { scales, values };
}
