/**
 * Turns the bags of many segments into the lists of an inverted file in bounded memory: a first pass over all bags measures
 * every list, then each further pass fills as many parts as memory has room for.
 *
 * @module
 */
import { corrupt } from "../bytes.ts";
import type { Bags } from "../contract.ts";
import { endTableBytes, varintBytes } from "./cell-block.ts";

/** Where bags come from, as often as they are asked for. */
export interface BagSource {
  id: string;
  readBags(): Promise<Bags>;
}

/** A cell's centroids, and where its block lies in its part. */
interface PlannedCell {
  firstCentroid: number;
  endCentroid: number;
  offset: number;
  length: number;
}

/** Neighbouring cells that are stored together. */
export interface PlannedPart {
  cells: PlannedCell[];
  bytes: number;
}

/** What the first pass learned. */
export interface ListPlan {
  parts: PlannedPart[];
  /** Bytes of each centroid's list. */
  listBytes: Uint32Array;
  bagEntries: number;
}

/** Visits every (centroid, gap of page positions), pages ascending. Throws `corrupt_data` for ids of no centroid. */
async function visitGaps(
  sources: readonly BagSource[],
  centroidCount: number,
  visit: (centroid: number, gap: number) => void,
): Promise<void> {
  /** Per centroid the position after the last page that has it. */
  const next = new Uint32Array(centroidCount);
  let position = 0;
  for (const source of sources) {
    const { offsets, ids } = await source.readBags();
    for (let page = 0; page + 1 < offsets.length; page++, position++) {
      const end = offsets[page + 1] ?? 0;
      for (let i = offsets[page] ?? 0; i < end; i++) {
        const centroid = ids[i] ?? 0;
        if (centroid >= centroidCount) throw corrupt(`segment ${source.id}, bags`, `${centroid} is no centroid`);
        visit(centroid, position - (next[centroid] ?? 0));
        next[centroid] = position + 1;
      }
    }
  }
}

/** Measures the lists and lays their cells out in parts of at most `maxPartBytes`, or one cell that is larger. */
export async function planLists(
  sources: readonly BagSource[],
  cellOffsets: Uint32Array,
  maxPartBytes: number,
): Promise<ListPlan> {
  const listBytes = new Uint32Array(cellOffsets.at(-1) ?? 0);
  let bagEntries = 0;
  await visitGaps(sources, listBytes.length, (centroid, gap) => {
    listBytes[centroid] = (listBytes[centroid] ?? 0) + varintBytes(gap);
    bagEntries += 1;
  });
  const parts: PlannedPart[] = [];
  for (let cell = 0; cell + 1 < cellOffsets.length; cell++) {
    const [firstCentroid = 0, endCentroid = 0] = cellOffsets.subarray(cell, cell + 2);
    let length = endTableBytes(endCentroid - firstCentroid);
    for (const bytes of listBytes.subarray(firstCentroid, endCentroid)) length += bytes;
    let part = parts.at(-1);
    if (part === undefined || part.bytes + length > maxPartBytes) {
      part = { cells: [], bytes: 0 };
      parts.push(part);
    }
    part.cells.push({ firstCentroid, endCentroid, offset: part.bytes, length });
    part.bytes += length;
  }
  return { parts, listBytes, bagEntries };
}

/** Consecutive parts that together take at most `maxBytes`, or one part that takes more. */
export function partsPerPass(parts: readonly PlannedPart[], maxBytes: number): PlannedPart[][] {
  const passes: PlannedPart[][] = [];
  let bytes = 0;
  for (const part of parts) {
    const pass = passes.at(-1);
    if (pass === undefined || bytes + part.bytes > maxBytes) {
      passes.push([part]);
      bytes = part.bytes;
    } else {
      pass.push(part);
      bytes += part.bytes;
    }
  }
  return passes;
}

/** The bytes of `parts`, which are neighbours in the plan: one pass over all bags. */
export async function fillParts(
  sources: readonly BagSource[],
  { listBytes }: ListPlan,
  parts: readonly PlannedPart[],
): Promise<Uint8Array[]> {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.bytes, 0));
  const cells = parts.flatMap((part) => part.cells);
  const firstCentroid = cells[0]?.firstCentroid ?? 0;
  const cursors = new Float64Array((cells.at(-1)?.endCentroid ?? 0) - firstCentroid);
  const view = new DataView(all.buffer);
  let start = 0;
  for (const cell of cells) {
    const lists = start + endTableBytes(cell.endCentroid - cell.firstCentroid);
    let end = 0;
    for (let centroid = cell.firstCentroid; centroid < cell.endCentroid; centroid++) {
      cursors[centroid - firstCentroid] = lists + end;
      end += listBytes[centroid] ?? 0;
      view.setUint32(start + endTableBytes(centroid - cell.firstCentroid), end, true);
    }
    start += cell.length;
  }
  await visitGaps(sources, listBytes.length, (centroid, gap) => {
    const index = centroid - firstCentroid;
    if (index < 0 || index >= cursors.length) return;
    cursors[index] = putVarint(all, cursors[index] ?? 0, gap);
  });
  let offset = 0;
  return parts.map(({ bytes }) => all.subarray(offset, (offset += bytes)));
}

/** Writes `value` at `offset`; gives where it ends. */
function putVarint(bytes: Uint8Array, offset: number, value: number): number {
  let at = offset;
  let rest = value;
  while (rest >= 0x80) {
    bytes[at++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  bytes[at++] = rest;
  return at;
}
