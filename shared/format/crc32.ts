/**
 * CRC-32 (IEEE 802.3, the one of gzip and zlib, so that any language's standard library can check a Maxleaf file), sixteen
 * bytes a step by sixteen tables: M. E. Kounavis and F. L. Berry, "A Systematic Approach to Building High Performance
 * Software-based CRC Generators", 2005. Sixteen tables over aligned words make 2.2 GB/s, where eight over unaligned reads
 * made 1.7 (12 kB to 8 MiB, Node 24, one core of an AMD EPYC): checksums are most of what opening a large index costs.
 *
 * @module
 */

/** Reversed 0x04c11db7. */
const POLYNOMIAL = 0xedb8_8320;
const SLICES = 16;
const WORD_BYTES = 4;
const WORDS_PER_STEP = SLICES / WORD_BYTES;

/** `[16, 256]`: row s advances a byte that is followed by s more bytes. */
const TABLES = makeTables();
/** Numbers of `TABLES` for the four bytes of a word. */
const WORD_TABLES = WORD_BYTES * 256;

/**
 * The checksum of `bytes` as an unsigned 32-bit number.
 *
 * @param previous the checksum of what came before, to go on from there.
 */
export function crc32(bytes: Uint8Array, previous = 0): number {
  if (bytes.byteLength < SLICES + WORD_BYTES) return ~advance(~previous, bytes) >>> 0;
  const lead = -bytes.byteOffset & (WORD_BYTES - 1);
  const wordCount = Math.floor((bytes.byteLength - lead) / SLICES) * WORDS_PER_STEP;
  const words = new Int32Array(bytes.buffer, bytes.byteOffset + lead, wordCount);
  let crc = advance(~previous, bytes.subarray(0, lead));
  for (let i = 0; i < wordCount; i += WORDS_PER_STEP) {
    crc =
      ofWord(3 * WORD_TABLES, (words[i] ?? 0) ^ crc) ^
      ofWord(2 * WORD_TABLES, words[i + 1] ?? 0) ^
      ofWord(WORD_TABLES, words[i + 2] ?? 0) ^
      ofWord(0, words[i + 3] ?? 0);
  }
  return ~advance(crc, bytes.subarray(lead + wordCount * WORD_BYTES)) >>> 0;
}

/** Byte by byte. */
function advance(from: number, bytes: Uint8Array): number {
  let crc = from;
  for (const byte of bytes) crc = (crc >>> 8) ^ (TABLES[(crc ^ byte) & 0xff] ?? 0);
  return crc;
}

/** By the four tables from number `first` on. */
function ofWord(first: number, word: number): number {
  return (
    (TABLES[first + 768 + (word & 0xff)] ?? 0) ^
    (TABLES[first + 512 + ((word >>> 8) & 0xff)] ?? 0) ^
    (TABLES[first + 256 + ((word >>> 16) & 0xff)] ?? 0) ^
    (TABLES[first + (word >>> 24)] ?? 0)
  );
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
