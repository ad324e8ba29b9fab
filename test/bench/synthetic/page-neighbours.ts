/**
 * Which real pages are about the same thing: those that share the most, and the rarest, cells of centroids.
 *
 * @module
 */
import { cellOf } from "../../../shared/kernel/probe.ts";
import type { CodedPool } from "./pool.ts";

/** `[pages, count]`: every page itself first, then the pages most like it. Of fewer pages, as many as there are. */
export function pageNeighbours({ codebook, centroidIds, pageOffsets }: CodedPool, count: number): Uint32Array[] {
  const pageCount = pageOffsets.length - 1;
  const cellsOfPage = Array.from({ length: pageCount }, (_, page) => {
    const ids = centroidIds.subarray(pageOffsets[page], pageOffsets[page + 1]);
    return [...new Set(Array.from(ids, (id) => cellOf(codebook.cells.offsets, id)))];
  });
  const pagesOfCell = new Map<number, number[]>();
  for (const [page, cells] of cellsOfPage.entries()) {
    for (const cell of cells) pagesOfCell.set(cell, [...(pagesOfCell.get(cell) ?? []), page]);
  }
  return cellsOfPage.map((cells, page) => {
    const likeness = new Float64Array(pageCount);
    for (const cell of cells) {
      const others = pagesOfCell.get(cell) ?? [];
      const weight = Math.log(pageCount / others.length);
      for (const other of others) likeness[other] = (likeness[other] ?? 0) + weight;
    }
    likeness[page] = Infinity;
    const order = Uint32Array.from(likeness.keys()).sort((a, b) => (likeness[b] ?? 0) - (likeness[a] ?? 0) || a - b);
    return order.slice(0, count);
  });
}
