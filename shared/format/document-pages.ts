/**
 * What page tables say of the pages of one document.
 *
 * @module
 */
import type { PageStatus } from "../page.ts";
import type { PageTable } from "./contract.ts";

/** A page without its record. Where its words come from is in the record only. */
export interface DocumentPage {
  /** 1-based. */
  pageNumber: number;
  status: PageStatus;
  vectorCount: number;
  /** As shown, in points or pixels. */
  width: number;
  height: number;
}

/** The pages of document `ordinal` of a segment that come after page number `after`, in order, at most `limit`. */
export function pagesOfDocument(
  { pageCount, documentOrdinal, pageNumber, vectorCount, width, height, status }: PageTable,
  ordinal: number,
  { after = 0, limit = Number.POSITIVE_INFINITY }: { after?: number; limit?: number } = {},
): DocumentPage[] {
  const found: DocumentPage[] = [];
  // Pages of a document are adjacent and ascending.
  for (let page = documentOrdinal.indexOf(ordinal); page !== -1 && page < pageCount; page++) {
    if (documentOrdinal[page] !== ordinal || found.length >= limit) break;
    const number = pageNumber[page] ?? 0;
    if (number <= after) continue;
    found.push({
      pageNumber: number,
      status: status[page] ?? "no-text",
      vectorCount: vectorCount[page] ?? 0,
      width: width[page] ?? 0,
      height: height[page] ?? 0,
    });
  }
  return found;
}
