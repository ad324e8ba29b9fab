/**
 * CRC-32 (IEEE 802.3, the one of gzip and zlib, so that any language's standard library can check a Maxleaf file), eight
 * bytes a step by eight tables: M. E. Kounavis and F. L. Berry, "A Systematic Approach to Building High Performance
 * Software-based CRC Generators", 2005.
 *
 * @module
 */

/** Reversed 0x04c11db7. */
const POLYNOMIAL = 0xedb8_8320;
const SLICES = 8;

/** `[8, 256]`: row s advances a byte that is followed by s more bytes. */
const TABLES = makeTables();

/**
 * The checksum of `bytes` as an unsigned 32-bit number.
 *
 * @param previous the checksum of what came before, to go on from there.
 */
export function crc32(bytes: Uint8Array, previous = 0): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const blocksEnd = bytes.byteLength - (bytes.byteLength % SLICES);
  let crc = ~previous;
  for (let offset = 0; offset < blocksEnd; offset += SLICES) {
    const low = crc ^ view.getInt32(offset, true);
    const high = view.getInt32(offset + 4, true);
    crc =
      entry(7, low) ^
      entry(6, low >>> 8) ^
      entry(5, low >>> 16) ^
      entry(4, low >>> 24) ^
      entry(3, high) ^
      entry(2, high >>> 8) ^
      entry(1, high >>> 16) ^
      entry(0, high >>> 24);
  }
  for (let offset = blocksEnd; offset < bytes.byteLength; offset++) {
    crc = (crc >>> 8) ^ entry(0, crc ^ view.getUint8(offset));
  }
  return ~crc >>> 0;
}

function entry(slice: number, byte: number): number {
  return TABLES[slice * 256 + (byte & 0xff)] ?? 0;
}

function makeTables(): Int32Array {
  const tables = new Int32Array(SLICES * 256);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? POLYNOMIAL : 0);
    tables[byte] = crc;
  }
  for (let index = 256; index < tables.length; index++) {
    const before = tables[index - 256] ?? 0;
    tables[index] = (before >>> 8) ^ (tables[before & 0xff] ?? 0);
  }
  return tables;
}
