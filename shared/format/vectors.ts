/**
 * The exact-vectors record of a page: a float scale per vector, then the int8 rows. These records are the only section
 * of an object of their own, so that it can be left out, moved or dropped without touching the segment.
 *
 * @module
 */
import { ByteReader, ByteWriter } from "./bytes.ts";
import type { PageVectors } from "./contract.ts";

const SCALE_BYTES = 4;

export function vectorsRecordBytes(vectorCount: number, dim: number): number {
  return vectorCount * (SCALE_BYTES + dim);
}

export function encodeVectors({ scales, values }: PageVectors): Uint8Array {
  return new ByteWriter().array(scales).array(values).finish();
}

/** `bytes` as `[vectorCount, dim]`. Throws `corrupt_data` when they are more or fewer. */
export function decodeVectors(bytes: Uint8Array, vectorCount: number, dim: number, what: string): PageVectors {
  const reader = new ByteReader(bytes, what);
  const scales = reader.f32Array(vectorCount, "scales");
  const values = reader.i8Array(vectorCount * dim, "values");
  reader.expectEnd();
  return { scales, values };
}
