/**
 * The codes part of a page's record: the centroid id of every vector, then the PQ code of every residual, then a checksum.
 * It comes first in the record, so that a reader that only scores pages reads it alone.
 *
 * @module
 */
import { ByteReader } from "./bytes.ts";
import type { PageCodes } from "./contract.ts";
import { CHECKSUM_BYTES, openSealed, seal } from "./sealed.ts";

const CENTROID_ID_BYTES = 2;

/** Bytes of the part: what coding spends on a vector is 2 + subspaces bytes. None for a page without vectors. */
export function codesPartBytes(vectorCount: number, subspaces: number): number {
  return vectorCount === 0 ? 0 : vectorCount * (CENTROID_ID_BYTES + subspaces) + CHECKSUM_BYTES;
}

/** @param page the page's number in its segment. */
export function encodeCodes({ centroidIds, codes }: PageCodes, page: number): Uint8Array {
  return centroidIds.length === 0 ? new Uint8Array(0) : seal(page, [centroidIds, codes]);
}

/** `bytes` as the codes of page `page`. Throws `corrupt_data` when they have another length or checksum. */
export function decodeCodes(
  bytes: Uint8Array,
  { page, vectorCount, subspaces }: { page: number; vectorCount: number; subspaces: number },
  what: string,
): PageCodes {
  if (vectorCount === 0 && bytes.byteLength === 0) return { centroidIds: new Uint16Array(0), codes: new Uint8Array(0) };
  const reader = new ByteReader(openSealed(bytes, page, what), what);
  const centroidIds = reader.u16Array(vectorCount, "centroid ids");
  const codes = reader.u8Array(vectorCount * subspaces, "codes");
  reader.expectEnd();
  return { centroidIds, codes };
}
