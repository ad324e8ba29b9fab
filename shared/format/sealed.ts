/**
 * Records that can be verified by themselves: bytes, then a CRC-32 over the number of the page and the bytes. The number is
 * in it so that a neighbour's record, as valid as the right one, is not taken for it when a read went wrong.
 *
 * @module
 */
import { corrupt } from "./bytes.ts";
import { crc32 } from "./crc32.ts";

export const CHECKSUM_BYTES = 4;

/** The parts joined, and their checksum. @param page the page's number in its segment. */
export function seal(page: number, parts: readonly ArrayBufferView[]): Uint8Array {
  const length = parts.reduce((sum, part) => sum + part.byteLength, 0);
  const sealed = new Uint8Array(length + CHECKSUM_BYTES);
  let offset = 0;
  for (const { buffer, byteOffset, byteLength } of parts) {
    sealed.set(new Uint8Array(buffer, byteOffset, byteLength), offset);
    offset += byteLength;
  }
  new DataView(sealed.buffer).setUint32(length, checksumOf(page, sealed.subarray(0, length)), true);
  return sealed;
}

/** What was sealed, not copied. Throws `corrupt_data` when the checksum is another, also of another page's. */
export function openSealed(bytes: Uint8Array, page: number, what: string): Uint8Array {
  const end = bytes.byteLength - CHECKSUM_BYTES;
  if (end < 0) throw corrupt(what, `it has only ${bytes.byteLength} bytes`);
  const sealed = bytes.subarray(0, end);
  const checksum = new DataView(bytes.buffer, bytes.byteOffset + end).getUint32(0, true);
  if (checksumOf(page, sealed) !== checksum) throw corrupt(what, "its checksum is wrong");
  return sealed;
}

function checksumOf(page: number, bytes: Uint8Array): number {
  return crc32(bytes, crc32(new Uint8Array(Uint32Array.of(page).buffer)));
}
