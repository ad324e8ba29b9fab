/**
 * The codes record of a page: the centroid id of every vector, then the PQ code of every residual.
 *
 * @module
 */
import { ByteReader, ByteWriter } from "./bytes.ts";
import type { PageCodes } from "./contract.ts";

const CENTROID_ID_BYTES = 2;

/** Bytes of a record: what coding spends on a vector is 2 + subspaces bytes. */
export function codesRecordBytes(vectorCount: number, subspaces: number): number {
  return vectorCount * (CENTROID_ID_BYTES + subspaces);
}

export function encodeCodes({ centroidIds, codes }: PageCodes): Uint8Array {
  return new ByteWriter().array(centroidIds).array(codes).finish();
}

/** `bytes` as `vectorCount` codes. Throws `corrupt_data` when they are more or fewer. */
export function decodeCodes(bytes: Uint8Array, vectorCount: number, subspaces: number, what: string): PageCodes {
  const reader = new ByteReader(bytes, what);
  const centroidIds = reader.u16Array(vectorCount, "centroid ids");
  const codes = reader.u8Array(vectorCount * subspaces, "codes");
  reader.expectEnd();
  return { centroidIds, codes };
}
