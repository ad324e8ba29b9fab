/**
 * Centroid pruning: pages scored by the lists of a few centroids per query token.
 *
 * A page gets, from every token, what the best of that token's lists gives that hold the page. Range by range of positions, every
 * list is decoded once, whichever tokens look it up: a list carries a row of what it gives to each of up to 32 tokens, a page of the
 * range keeps the maximum of its lists' rows, and the rows are added up when all lists were through. So a list costs the same for
 * one token as for all, and every list that was read may count.
 *
 * 972,000 postings in 448 lists of a million pages take 4.9 ms for 29 tokens and 3.8 for 14 (Zen 4), 4 ns a posting, most of it a
 * row's way from the second cache level; about 1 ms is adding up a million rows. Two lists at a time, so that neither waits for the
 * other's chain of gaps, took as long; ranges of double the size do too, of half the size a fifth longer.
 *
 * @module
 */

/** Bytes of one list's entry, u32 each: where its next gap begins, where it ends, where its row is, its next position. */
const LIST_ENTRY: usize = 16;
/** Positions scanned before the next list's turn: their rows are 256 KiB. A multiple of 16. */
const RANGE_PAGES: u32 = 8_192;
/** Rows of 32 and of 16 bytes. */
const WIDE_SHIFT: u32 = 5;
const NARROW_SHIFT: u32 = 4;
/** A gap has at most four bytes, so that no sum of positions below 2^28 leaves u32. */
const LAST_GAP_SHIFT: u32 = 21;
/** In place of a gap that breaks off or is too long: no page is there. */
const BROKEN_GAP: u32 = 0xf000_0000;

/**
 * Adds what `count` `lists` (u32 [count, 4], see {@link LIST_ENTRY}) give to `scores` (u32 [pageCount], padded to a multiple of 64
 * bytes), or, with `isFirst`, writes it there. A list is LEB128 gaps of ascending positions: the first position itself, then position − previous − 1; its row is
 * u8 [rowBytes], 16 or 32. `range` is scratch of u8 [8,192, rowBytes]. One byte beyond the lists is read.
 *
 * Returns −1, or the first list that ends inside a gap or names a page that is not there; then the scores are of no use.
 */
export function scanLists(
  lists: usize,
  count: i32,
  rowBytes: i32,
  range: usize,
  scores: usize,
  pageCount: u32,
  isFirst: bool,
): i32 {
  const end = lists + <usize>count * LIST_ENTRY;
  const shift: u32 = rowBytes == 32 ? WIDE_SHIFT : NARROW_SHIFT;
  // From then on rows are cleared as they are added up, while they are in the first cache level.
  clear(range, range + <usize>((min(pageCount, RANGE_PAGES) + 15) & ~15) * rowBytes);
  for (let first: u32 = 0; first < pageCount; first += RANGE_PAGES) {
    const pageEnd = min(first + RANGE_PAGES, pageCount);
    const pages = (pageEnd - first + 15) & ~15;
    const rangeEnd = range + <usize>pages * rowBytes;
    // As if the rows of page 0 were there: a page's row is then one addition away.
    const rows = range - ((<usize>first) << shift);
    for (let list = lists; list < end; list += LIST_ENTRY) scanRange(list, rows, shift, pageEnd);
    const from = scores + ((<usize>first) << 2);
    if (shift == WIDE_SHIFT) addWide(range, rangeEnd, from, isFirst);
    else addNarrow(range, rangeEnd, from, isFirst);
  }
  for (let list = lists; list < end; list += LIST_ENTRY) {
    if (load<u32>(list) != load<u32>(list, 4)) return <i32>((list - lists) / LIST_ENTRY);
  }
  return -1;
}

/** `from` … `end`, a multiple of 64 bytes. */
function clear(from: usize, end: usize): void {
  for (; from < end; from += 64) {
    v128.store(from, i8x16.splat(0));
    v128.store(from, i8x16.splat(0), 16);
    v128.store(from, i8x16.splat(0), 32);
    v128.store(from, i8x16.splat(0), 48);
  }
}

/** Counts the list's pages below `pageEnd`, from where it was left. `rows` is where the row of page 0 would be. */
function scanRange(list: usize, rows: usize, shift: u32, pageEnd: u32): void {
  let next = <usize>load<u32>(list);
  const end = <usize>load<u32>(list, 4);
  const row = <usize>load<u32>(list, 8);
  const isWide = shift == WIDE_SHIFT;
  const low = v128.load(row);
  const high = isWide ? v128.load(row, 16) : low;
  let position = load<u32>(list, 12);
  while (next < end) {
    const pair = <u32>load<u16>(next);
    const isLong = (pair >> 7) & 1;
    let gap = (pair & 127) | ((pair >> 1) & 0x3f80 & (0 - isLong));
    let after = next + <usize>(1 + isLong);
    if ((isLong & (pair >> 15)) != 0) {
      let byte: u32 = 128;
      for (let bits: u32 = 14; byte > 127; bits += 7) {
        if (after >= end || bits > LAST_GAP_SHIFT) {
          gap = BROKEN_GAP;
          break;
        }
        byte = <u32>load<u8>(after++);
        gap |= (byte & 127) << bits;
      }
    }
    const page = position + gap;
    if (page >= pageEnd) break;
    next = after;
    position = page + 1;
    const place = rows + ((<usize>page) << shift);
    v128.store(place, i8x16.max_u(v128.load(place), low));
    if (isWide) v128.store(place, i8x16.max_u(v128.load(place, 16), high), 16);
  }
  store<u32>(list, <u32>next);
  store<u32>(list, position, 12);
}

/** Adds the sum of every row of 32 to its score, and clears the row. The number of rows is a multiple of four. */
function addWide(rows: usize, end: usize, scores: usize, isFirst: bool): void {
  for (; rows < end; rows += 128, scores += 16) {
    const a = i16x8.add(
      i16x8.extadd_pairwise_i8x16_u(v128.load(rows)),
      i16x8.extadd_pairwise_i8x16_u(v128.load(rows, 16)),
    );
    const b = i16x8.add(
      i16x8.extadd_pairwise_i8x16_u(v128.load(rows, 32)),
      i16x8.extadd_pairwise_i8x16_u(v128.load(rows, 48)),
    );
    const c = i16x8.add(
      i16x8.extadd_pairwise_i8x16_u(v128.load(rows, 64)),
      i16x8.extadd_pairwise_i8x16_u(v128.load(rows, 80)),
    );
    const d = i16x8.add(
      i16x8.extadd_pairwise_i8x16_u(v128.load(rows, 96)),
      i16x8.extadd_pairwise_i8x16_u(v128.load(rows, 112)),
    );
    const sums = sumsOfFour(a, b, c, d);
    v128.store(scores, isFirst ? sums : i32x4.add(v128.load(scores), sums));
    clear(rows, rows + 128);
  }
}

/** As {@link addWide}, for rows of 16. */
function addNarrow(rows: usize, end: usize, scores: usize, isFirst: bool): void {
  for (; rows < end; rows += 64, scores += 16) {
    const sums = sumsOfFour(
      i16x8.extadd_pairwise_i8x16_u(v128.load(rows)),
      i16x8.extadd_pairwise_i8x16_u(v128.load(rows, 16)),
      i16x8.extadd_pairwise_i8x16_u(v128.load(rows, 32)),
      i16x8.extadd_pairwise_i8x16_u(v128.load(rows, 48)),
    );
    v128.store(scores, isFirst ? sums : i32x4.add(v128.load(scores), sums));
    clear(rows, rows + 64);
  }
}

/** The sums of the i16 lanes of four registers, one an i32 lane. Half a register's sum stays below 2^15. */
function sumsOfFour(a: v128, b: v128, c: v128, d: v128): v128 {
  // Of each: lanes 0+4, 1+5, 2+6, 3+7, as halves of ab and cd.
  const ab = i16x8.add(i64x2.shuffle(a, b, 0, 2), i64x2.shuffle(a, b, 1, 3));
  const cd = i16x8.add(i64x2.shuffle(c, d, 0, 2), i64x2.shuffle(c, d, 1, 3));
  // Two lanes each, as quarters.
  const all = i16x8.add(i32x4.shuffle(ab, cd, 0, 2, 4, 6), i32x4.shuffle(ab, cd, 1, 3, 5, 7));
  return i32x4.extadd_pairwise_i16x8_u(all);
}

/**
 * The `limit` best of the pages whose score is above 0 and whose byte in `mask` (u8 [pageCount]; null takes all) is not 0:
 * their positions to `best` (u32 [limit]), best first, of equal scores the lower position first. `scores` (u32 [pageCount]) is
 * what {@link scanLists} made, padded with zeros to a multiple of 64 bytes; `heap` is scratch of u64 [limit]. Returns how many.
 */
export function topPages(scores: usize, mask: usize, pageCount: i32, limit: i32, heap: usize, best: usize): i32 {
  let size = 0;
  // A page must have a higher score than this: than 0 first, then than the worst kept.
  let floor = i32x4.splat(0);
  for (let page = 0; page < pageCount; page += 16) {
    const group = scores + ((<usize>page) << 2);
    if (!v128.any_true(i32x4.gt_s(largestOfSixteen(group), floor))) continue;
    for (let position = page; position < page + 16; position += 4) {
      size = keepBestPages(scores, position, floor, mask, size, limit, heap);
    }
    if (size == limit) floor = i32x4.splat(<u32>(load<u64>(heap) >> 32));
  }
  for (let left = size - 1; left >= 0; left--) {
    store<u32>(best + ((<usize>left) << 2), 0xffff_ffff - <u32>load<u64>(heap));
    siftDown(heap, left, load<u64>(heap + ((<usize>left) << 3)));
  }
  return size;
}

/**
 * Positions from `first` on, ascending, of the pages whose score less a bound on what their length takes off is above `floor`, whose
 * score is above 0 and whose byte in `mask` (u8 [pageCount]; null takes all) is not 0: the first `limit` to `found` (u32 [limit]).
 * `scores` as in {@link topPages}. The bound of 16 pages is `penalties` (i32 [256], none below 0) at their byte in `shortest` (u8
 * [pageCount / 16, rounded up]). Returns how many; with fewer than `limit` there are no more.
 */
export function pagesAbove(
  scores: usize,
  mask: usize,
  shortest: usize,
  penalties: usize,
  pageCount: i32,
  first: i32,
  floor: i32,
  limit: i32,
  found: usize,
): i32 {
  let count = 0;
  for (let page = first & ~15; page < pageCount; page += 16) {
    const group = scores + ((<usize>page) << 2);
    const penalty = load<i32>(penalties + ((<usize>load<u8>(shortest + (page >> 4))) << 2));
    const below = i32x4.splat(max(0, floor + penalty));
    if (!v128.any_true(i32x4.gt_s(largestOfSixteen(group), below))) continue;
    for (let four = page; four < page + 16; four += 4) {
      let above = i32x4.bitmask(i32x4.gt_s(v128.load(scores + ((<usize>four) << 2)), below));
      for (; above != 0; above &= above - 1) {
        const position = four + ctz(above);
        if (position < first || (mask != 0 && load<u8>(mask + position) == 0)) continue;
        if (count == limit) return count;
        store<u32>(found + ((<usize>count) << 2), position);
        count += 1;
      }
    }
  }
  return count;
}

/** Lane by lane the largest of four registers. */
function largestOfSixteen(scores: usize): v128 {
  return i32x4.max_s(
    i32x4.max_s(v128.load(scores), v128.load(scores, 16)),
    i32x4.max_s(v128.load(scores, 32), v128.load(scores, 48)),
  );
}

/** Takes those of four pages that are above `floor` into the heap of `size` keys. Returns its new size. */
function keepBestPages(scores: usize, first: i32, floor: v128, mask: usize, size: i32, limit: i32, heap: usize): i32 {
  let above = i32x4.bitmask(i32x4.gt_s(v128.load(scores + ((<usize>first) << 2)), floor));
  while (above != 0) {
    const position = first + ctz(above);
    above &= above - 1;
    if (mask != 0 && load<u8>(mask + position) == 0) continue;
    const score = load<u32>(scores + ((<usize>position) << 2));
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
