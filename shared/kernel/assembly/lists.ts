/**
 * Centroid pruning: pages scored by the lists of a few centroids per query token.
 *
 * A page's word holds its score so far in the upper bits and, in the lower {@link STAMP_BITS}, which token counted it last.
 * Lists of a token come best first, so that the first list with the page is its best one, and stamp and score are one
 * memory access. At a million pages the words are 4 MB, more than a second cache level, so all lists are scanned range by
 * range of positions: 1.44 ms instead of 1.71 for 417,000 postings (464 lists of 900 of a million pages, Zen 4). What is left is
 * the chain from one gap to where the next begins, 12 cycles a posting; a branch on the length of a gap is no faster, it
 * is mispredicted.
 *
 * @module
 */

/** Stamps are 1 … 1,023, so a query may have that many tokens; scores have the other 22 bits, less the sign. */
const STAMP_BITS: u32 = 10;
const STAMP_MASK: u32 = (1 << STAMP_BITS) - 1;
/** Bytes of one list's entry, u32 each: where its next gap begins, where it ends, what it gives, its next position. */
const LIST_ENTRY: usize = 16;
/** Positions scanned before the next list's turn: their words are 256 KiB. Half and double are within 5 %. */
const RANGE_PAGES: u32 = 65_536;
/** A gap has at most four bytes, so that no sum of positions below 2^28 leaves u32. */
const LAST_GAP_SHIFT: u32 = 21;
/** In place of a gap that breaks off or is too long: no page is there. */
const BROKEN_GAP: u32 = 0xf000_0000;

/**
 * Counts `count` `lists` (u32 [count, 4], see {@link LIST_ENTRY}) into `words` (u32 [pageCount]). A list is LEB128 gaps of
 * ascending positions: the first position itself, then position − previous − 1. What it gives is the score in the upper bits
 * and the token's stamp in the lower {@link STAMP_BITS}. One byte beyond the lists is read.
 *
 * Returns −1, or the first list that ends inside a gap or names a page that is not there; then the words are of no use.
 */
export function scanLists(lists: usize, count: i32, words: usize, pageCount: u32): i32 {
  const end = lists + <usize>count * LIST_ENTRY;
  for (let first: u32 = 0; first < pageCount; first += RANGE_PAGES) {
    const pageEnd = min(first + RANGE_PAGES, pageCount);
    for (let list = lists; list < end; list += LIST_ENTRY) scanRange(list, words, pageEnd);
  }
  for (let list = lists; list < end; list += LIST_ENTRY) {
    if (load<u32>(list) != load<u32>(list, 4)) return <i32>((list - lists) / LIST_ENTRY);
  }
  return -1;
}

/** Counts the list's pages below `pageEnd`, from where it was left. */
function scanRange(list: usize, words: usize, pageEnd: u32): void {
  let next = <usize>load<u32>(list);
  const end = <usize>load<u32>(list, 4);
  const gain = load<u32>(list, 8);
  let position = load<u32>(list, 12);
  while (next < end) {
    const pair = <u32>load<u16>(next);
    const isLong = (pair >> 7) & 1;
    let gap = (pair & 127) | ((pair >> 1) & 0x3f80 & (0 - isLong));
    let after = next + <usize>(1 + isLong);
    if ((isLong & (pair >> 15)) != 0) {
      let byte: u32 = 128;
      for (let shift: u32 = 14; byte > 127; shift += 7) {
        if (after >= end || shift > LAST_GAP_SHIFT) {
          gap = BROKEN_GAP;
          break;
        }
        byte = <u32>load<u8>(after++);
        gap |= (byte & 127) << shift;
      }
    }
    const page = position + gap;
    if (page >= pageEnd) break;
    next = after;
    position = page + 1;
    const place = words + ((<usize>page) << 2);
    const word = load<u32>(place);
    const counted = (word & ~STAMP_MASK) + gain;
    store<u32>(place, select<u32>(word, counted, ((word ^ gain) & STAMP_MASK) == 0));
  }
  store<u32>(list, <u32>next);
  store<u32>(list, position, 12);
}

/**
 * The `limit` best of the pages whose score is above 0 and whose byte in `mask` (u8 [pageCount]; null takes all) is not 0:
 * their positions to `best` (u32 [limit]), best first, of equal scores the lower position first. `words` (u32 [pageCount]) is
 * what {@link scanLists} made, padded with zeros to a multiple of 64 bytes; `heap` is scratch of u64 [limit]. Returns how many.
 */
export function topPages(words: usize, mask: usize, pageCount: i32, limit: i32, heap: usize, best: usize): i32 {
  let size = 0;
  // A page must have a higher word than this, stamp and all: a score above 0 first, then above the worst kept.
  let floor = i32x4.splat(STAMP_MASK);
  for (let page = 0; page < pageCount; page += 16) {
    const group = words + ((<usize>page) << 2);
    if (!v128.any_true(i32x4.gt_s(largestOfSixteen(group), floor))) continue;
    for (let position = page; position < page + 16; position += 4) {
      size = keepBestPages(words, position, floor, mask, size, limit, heap);
    }
    if (size == limit) floor = i32x4.splat(((<u32>(load<u64>(heap) >> 32)) << STAMP_BITS) | STAMP_MASK);
  }
  for (let left = size - 1; left >= 0; left--) {
    store<u32>(best + ((<usize>left) << 2), 0xffff_ffff - <u32>load<u64>(heap));
    siftDown(heap, left, load<u64>(heap + ((<usize>left) << 3)));
  }
  return size;
}

/** Lane by lane the largest of four registers. */
function largestOfSixteen(words: usize): v128 {
  return i32x4.max_s(
    i32x4.max_s(v128.load(words), v128.load(words, 16)),
    i32x4.max_s(v128.load(words, 32), v128.load(words, 48)),
  );
}

/** Takes those of four pages that are above `floor` into the heap of `size` keys. Returns its new size. */
function keepBestPages(words: usize, first: i32, floor: v128, mask: usize, size: i32, limit: i32, heap: usize): i32 {
  let above = i32x4.bitmask(i32x4.gt_s(v128.load(words + ((<usize>first) << 2)), floor));
  while (above != 0) {
    const position = first + ctz(above);
    above &= above - 1;
    if (mask != 0 && load<u8>(mask + position) == 0) continue;
    const score = load<u32>(words + ((<usize>position) << 2)) >> STAMP_BITS;
    // Of equal scores the lower position has the higher key.
    const key = ((<u64>score) << 32) | <u64>(0xffff_ffff - <u32>position);
    if (size < limit) siftUp(heap, size++, key);
    else if (size > 0 && key > load<u64>(heap)) siftDown(heap, size, key);
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
