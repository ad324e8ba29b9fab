/**
 * Terms as they are stored: by 64 bits of hash, so that every entry of a dictionary begins alike. Two terms of a million share
 * one with a chance of 3 in 10⁸; they would then be taken for one term.
 *
 * @module
 */

const SEEDS = [0, 0x9747_b28c] as const;

/** MurmurHash3_x86_32 of the term's UTF-8 with seed 0 as the low half, with seed 0x9747b28c as the high one. */
export function hashTerm(term: string): bigint {
  const bytes = new TextEncoder().encode(term);
  const [low, high] = SEEDS.map((seed) => BigInt(murmur3(bytes, seed)));
  return ((high ?? 0n) << 32n) | (low ?? 0n);
}

/** MurmurHash3_x86_32 by Austin Appleby, public domain: https://github.com/aappleby/smhasher. */
export function murmur3(bytes: Uint8Array, seed: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const wholeBytes = bytes.byteLength & ~3;
  let hash = seed;
  for (let at = 0; at < wholeBytes; at += 4) {
    hash ^= scramble(view.getUint32(at, true));
    hash = (hash << 13) | (hash >>> 19);
    hash = (Math.imul(hash, 5) + 0xe654_6b64) | 0;
  }
  let rest = 0;
  for (let at = bytes.byteLength - 1; at >= wholeBytes; at--) rest = (rest << 8) | (bytes[at] ?? 0);
  if (bytes.byteLength > wholeBytes) hash ^= scramble(rest);
  return finish(hash ^ bytes.byteLength);
}

function scramble(word: number): number {
  const mixed = Math.imul(word, 0xcc9e_2d51);
  return Math.imul((mixed << 15) | (mixed >>> 17), 0x1b87_3593);
}

function finish(hash: number): number {
  let mixed = Math.imul(hash ^ (hash >>> 16), 0x85eb_ca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2_ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
