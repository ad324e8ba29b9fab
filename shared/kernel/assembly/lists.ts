/**
 * Centroid pruning: pages scored by the lists of a few centroids per query token.
 *
 * A page's word holds its score so far in the upper bits and, in the lower {@link STAMP_BITS}, which token counted it last.
 * Lists of a token come best first, so that the first list with the page is its best one, and stamp and score are one
 * memory access. At a million pages nearly every access misses the second cache level (words are 4 MB, its 1 MB), and they
 * overlap: the next positions do not wait for them.
 *
 * @module
 */

/** Stamps are 1 … 1,023, so a query may have that many tokens; scores have the other 22 bits, less the sign. */
const STAMP_BITS: u32 = 10;
const STAMP_MASK: u32 = (1 << STAMP_BITS) - 1;
/** Bytes of one list's entry: where it begins and ends, what it adds to a page, the token's stamp; u32 each. */
const LIST_ENTRY: usize = 16;
/** A gap has at most four bytes, so that no sum of positions below 2^28 leaves u32. */
const LAST_GAP_SHIFT: u32 = 21;

/**
 * Counts `count` `lists` (u32 [count, 4], see {@link LIST_ENTRY}) into `words` (u32 [pageCount]). A list is LEB128 gaps of
 * ascending positions: the first position itself, then position − previous − 1.
 *
 * Returns −1, or the first list that ends inside a gap or names a page that is not there; the lists before it are counted.
 */
export function scanLists(lists: usize, count: i32, words: usize, pageCount: u32): i32 {
  for (let i = 0; i < count; i++) {
    const add = load<u32>(lists, 8) << STAMP_BITS;
    if (!scanList(load<u32>(lists), load<u32>(lists, 4), add, load<u32>(lists, 12), words, pageCount)) return i;
    lists += LIST_ENTRY;
  }
  return -1;
}

function scanList(next: usize, end: usize, add: u32, stamp: u32, words: usize, pageCount: u32): bool {
  let position: u32 = 0;
  while (next < end) {
    let byte = <u32>load<u8>(next++);
    let gap = byte & 127;
    for (let shift: u32 = 7; byte > 127; shift += 7) {
      if (next == end || shift > LAST_GAP_SHIFT) return false;
      byte = <u32>load<u8>(next++);
      gap |= (byte & 127) << shift;
    }
    position += gap;
    if (position >= pageCount) return false;
    const place = words + ((<usize>position) << 2);
    const word = load<u32>(place);
    const counted = (word & ~STAMP_MASK) + add + stamp;
    store<u32>(place, select<u32>(word, counted, (word & STAMP_MASK) == stamp));
    position++;
  }
  return true;
}

/**
 * The `limit` best of the pages whose score is above 0 and whose byte in `mask` (u8 [pageCount]; null takes all) is not 0:
 * their positions to `best` (u32 [limit]), best first, of equal scores the lower position first. `words` (u32 [pageCount]) is
 * what {@link scanLists} made, padded with zeros to a multiple of 16 bytes; `heap` is scratch of u64 [limit]. Returns how many.
 */
export function topPages(words: usize, mask: usize, pageCount: i32, limit: i32, heap: usize, best: usize): i32 {
  let size = 0;
  // A page must have a higher word than this, stamp and all: a score above 0 first, then above the worst kept.
  let floor = STAMP_MASK;
  for (let page = 0; page < pageCount; page += 4) {
    const four = v128.load(words + ((<usize>page) << 2));
    let above = i32x4.bitmask(i32x4.gt_s(four, i32x4.splat(floor)));
    while (above != 0) {
      const position = page + ctz(above);
      above &= above - 1;
      if (mask != 0 && load<u8>(mask + position) == 0) continue;
      const score = load<u32>(words + ((<usize>position) << 2)) >> STAMP_BITS;
      const key = ((<u64>score) << 32) | <u64>(0xffff_ffff - <u32>position);
      if (size < limit) {
        siftUp(heap, size++, key);
        if (size < limit) continue;
      } else if (key > load<u64>(heap)) {
        siftDown(heap, size, key);
      }
      floor = ((<u32>(load<u64>(heap) >> 32)) << STAMP_BITS) | STAMP_MASK;
    }
  }
  for (let left = size - 1; left >= 0; left--) {
    store<u32>(best + ((<usize>left) << 2), 0xffff_ffff - <u32>load<u64>(heap));
    siftDown(heap, left, load<u64>(heap + ((<usize>left) << 3)));
  }
  return size;
}

/** Puts `key` into a heap of `size` keys, the lowest on top. */
function siftUp(heap: usize, size: i32, key: u64): void {
  let place = size;
  while (place > 0) {
    const parent = (place - 1) >> 1;
    const above = load<u64>(heap + ((<usize>parent) << 3));
    if (above <= key) break;
    store<u64>(heap + ((<usize>place) << 3), above);
    place = parent;
  }
  store<u64>(heap + ((<usize>place) << 3), key);
}

/** Puts `key` in the place of the lowest of `size` keys. */
function siftDown(heap: usize, size: i32, key: u64): void {
  let place = 0;
  for (let child = 1; child < size; child = 2 * place + 1) {
    const right = child + 1;
    const takesRight =
      right < size && load<u64>(heap + ((<usize>right) << 3)) < load<u64>(heap + ((<usize>child) << 3));
    if (takesRight) child = right;
    const below = load<u64>(heap + ((<usize>child) << 3));
    if (key <= below) break;
    store<u64>(heap + ((<usize>place) << 3), below);
    place = child;
  }
  store<u64>(heap + ((<usize>place) << 3), key);
}
