/**
 * The bags section: the distinct centroids of every page, ascending, as varint gaps. What candidate generation scans, so
 * it is the part of a segment that is always read: gaps take about half the bytes of raw ids.
 *
 * @module
 */
import { MAX_CENTROIDS } from "../limits.ts";
import { ByteReader, ByteWriter, corrupt } from "./bytes.ts";
import type { Bags } from "./contract.ts";

/** Bags of pages, from the centroid id of every vector of each page. */
export function makeBags(centroidIdsOfPages: readonly Uint16Array[]): Bags {
  const distinct = centroidIdsOfPages.map((ids) => Uint16Array.from(new Set(ids)).sort());
  const offsets = new Uint32Array(distinct.length + 1);
  for (const [page, ids] of distinct.entries()) offsets[page + 1] = (offsets[page] ?? 0) + ids.length;
  const ids = new Uint16Array(offsets[distinct.length] ?? 0);
  for (const [page, pageIds] of distinct.entries()) ids.set(pageIds, offsets[page] ?? 0);
  return { offsets, ids };
}

/** The ascending distinct centroids of page `page`. */
export function bagOf(bags: Bags, page: number): Uint16Array {
  return bags.ids.subarray(bags.offsets[page], bags.offsets[page + 1]);
}

export function encodeBags(bags: Bags): Uint8Array {
  const pageCount = bags.offsets.length - 1;
  const writer = new ByteWriter().u32(pageCount).u32(bags.ids.length);
  for (let page = 0; page < pageCount; page++) {
    const bag = bagOf(bags, page);
    writer.varint(bag.length);
    let next = 0;
    for (const id of bag) {
      writer.varint(id - next);
      next = id + 1;
    }
  }
  return writer.finish();
}

/** Throws `corrupt_data` unless the section holds the bags of exactly `pageCount` pages. */
export function decodeBags(bytes: Uint8Array, pageCount: number, what: string): Bags {
  const reader = new ByteReader(bytes, what);
  const storedPageCount = reader.u32("page count");
  const idCount = reader.u32("id count");
  if (storedPageCount !== pageCount)
    throw corrupt(what, `it has bags of ${storedPageCount} pages, not of ${pageCount}`);
  // Every id and every page takes at least one byte: this bounds what is allocated by the bytes that are here.
  if (idCount + pageCount > reader.remaining)
    throw corrupt(what, `${idCount} ids do not fit ${reader.remaining} bytes`);
  const offsets = new Uint32Array(pageCount + 1);
  const ids = new Uint16Array(idCount);
  let filled = 0;
  for (let page = 0; page < pageCount; page++) {
    const length = reader.varint("bag length");
    if (filled + length > idCount) throw corrupt(what, `its bags have more than ${idCount} ids`);
    let next = 0;
    for (const end = filled + length; filled < end; filled++) {
      const id = next + reader.varint("gap");
      if (id >= MAX_CENTROIDS) throw corrupt(what, `${id} is no centroid id`);
      ids[filled] = id;
      next = id + 1;
    }
    offsets[page + 1] = filled;
  }
  if (filled !== idCount) throw corrupt(what, `its bags have ${filled} ids, not ${idCount}`);
  reader.expectEnd();
  return { offsets, ids };
}
