import fc from "fast-check";
import { expect, it } from "vitest";
import type { PageTable } from "./contract.ts";
import { pagesOfDocument } from "./document-pages.ts";

/** Numbers of pages of each document; 0 for one of which this segment has none. */
const counts = fc.array(fc.nat(6), { maxLength: 8 });

function tableOf(pagesOf: readonly number[], firstPage: number): PageTable {
  const rows = pagesOf.flatMap((count, ordinal) =>
    Array.from({ length: count }, (_, page) => ({ ordinal, page: firstPage + page })),
  );
  return {
    pageCount: rows.length,
    documentOrdinal: Uint32Array.from(rows, ({ ordinal }) => ordinal),
    pageNumber: Uint32Array.from(rows, ({ page }) => page),
    vectorCount: Uint32Array.from(rows, ({ ordinal, page }) => (page % 3 === 0 ? 0 : 10 * ordinal + page)),
    width: Float32Array.from(rows, ({ page }) => 600 + page),
    height: Float32Array.from(rows, ({ page }) => 800 + page),
    status: rows.map(({ page }) => (page % 3 === 0 ? "no-text" : "searchable")),
  };
}

it("gives the pages of one document after a page number, as looking at every row does", () => {
  fc.assert(
    fc.property(
      counts,
      fc.integer({ min: 1, max: 9 }),
      fc.nat(8),
      fc.nat(14),
      fc.nat(8),
      (pagesOf, first, ordinal, after, limit) => {
        const table = tableOf(pagesOf, first);
        const expected = Array.from({ length: table.pageCount }, (_, row) => row)
          .filter((row) => table.documentOrdinal[row] === ordinal && (table.pageNumber[row] ?? 0) > after)
          .slice(0, limit)
          .map((row) => ({
            pageNumber: table.pageNumber[row],
            status: table.status[row],
            vectorCount: table.vectorCount[row],
            width: table.width[row],
            height: table.height[row],
          }));
        expect(pagesOfDocument(table, ordinal, { after, limit })).toEqual(expected);
      },
    ),
  );
});
