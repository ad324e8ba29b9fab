/**
 * The block of one cell in an inverted file: for each of its centroids the ascending positions of the pages that have it.
 * The end of every list is in a table in front, so that a query decodes only the lists that it probes.
 *
 * @module
 */
import { ByteReader, ByteWriter, corrupt } from "../bytes.ts";

const END_BYTES = 4;

/** Bytes of a block of `centroidCount` lists before the first list. */
export function endTableBytes(centroidCount: number): number {
  return centroidCount * END_BYTES;
}

/** Bytes of `value` as a varint. */
export function varintBytes(value: number): number {
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  if (value < 0x20_0000) return 3;
  return value < 0x1000_0000 ? 4 : 5;
}

/** The block of a cell whose centroids have these lists, each ascending. */
export function encodeCellBlock(lists: readonly Uint32Array[]): Uint8Array {
  const ends = new Uint32Array(lists.length);
  const gaps = new ByteWriter();
  let end = 0;
  for (const [index, list] of lists.entries()) {
    let next = 0;
    for (const position of list) {
      gaps.varint(position - next);
      end += varintBytes(position - next);
      next = position + 1;
    }
    ends[index] = end;
  }
  return new ByteWriter().array(ends).array(gaps.finish()).finish();
}

/**
 * The lists of a block, as the kernel decodes them. Throws `corrupt_data` for ends that are out of order or not those of
 * the bytes, for varints cut short, and for positions of pages that are not there.
 */
export function decodeCellBlock(
  bytes: Uint8Array,
  centroidCount: number,
  pageCount: number,
  what: string,
): Uint32Array[] {
  const reader = new ByteReader(bytes, what);
  const ends = reader.u32Array(centroidCount, "ends of lists");
  const lists: Uint32Array[] = [];
  let start = 0;
  for (const end of ends) {
    if (end < start) throw corrupt(what, `a list ends at ${end}, before it begins at ${start}`);
    lists.push(decodeList(reader.take(end - start, "list"), pageCount, what));
    start = end;
  }
  reader.expectEnd();
  return lists;
}

function decodeList(bytes: Uint8Array, pageCount: number, what: string): Uint32Array {
  const reader = new ByteReader(bytes, what);
  const positions: number[] = [];
  let next = 0;
  while (reader.remaining > 0) {
    const position = next + reader.varint("gap");
    if (position >= pageCount) throw corrupt(what, `it lists page ${position} of ${pageCount}`);
    positions.push(position);
    next = position + 1;
  }
  return Uint32Array.from(positions);
}
