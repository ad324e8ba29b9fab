/**
 * The pages of one document, out of the page tables of the segments that it lies in.
 *
 * @module
 */
import type { SearchableIndex } from "../../shared/engine/contract.ts";
import { MaxleafError, quote } from "../../shared/errors.ts";
import { type DocumentPage, pagesOfDocument } from "../../shared/format/document-pages.ts";
import type { DocumentEntry } from "../../shared/page.ts";

/** A part of a document's pages. */
export interface PageList {
  /** The index itself, also when it was asked for by an alias. */
  index: string;
  document: DocumentEntry;
  pages: DocumentPage[];
  /** Whether there are more after these. */
  hasMore: boolean;
}

type Catalogued = Pick<SearchableIndex, "manifest" | "openSegment" | "findDocument">;

/** How often it is begun again when the index changes under it: commits are seconds apart. */
const MAX_ATTEMPTS = 3;

/**
 * The first `limit` pages of document `id` after page number `after`. One read for each of its segments that is not in memory,
 * beside what finding the document takes. Errors: `document_not_found`, and those of reading.
 */
export async function listPages(
  index: Catalogued,
  id: string,
  { after, limit }: { after: number; limit: number },
): Promise<PageList> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const { manifest } = index;
    const places = await index.findDocument(id);
    const parts = await Promise.all(
      places.map(async ({ segment, ordinal }) => ({ ordinal, segment: await index.openSegment(segment) })),
    );
    // Places and segments of two versions do not fit together.
    if (index.manifest !== manifest) continue;
    const [first] = parts;
    const document = first?.segment.documents[first.ordinal];
    if (document === undefined) {
      throw new MaxleafError("document_not_found", `index ${quote(manifest.index)} has no document ${quote(id)}`);
    }
    const pages = parts
      .flatMap(({ segment, ordinal }) => pagesOfDocument(segment.pages, ordinal, { after, limit: limit + 1 }))
      .toSorted((a, b) => a.pageNumber - b.pageNumber);
    return { index: manifest.index, document, pages: pages.slice(0, limit), hasMore: pages.length > limit };
  }
  throw new MaxleafError("overloaded", `index ${quote(index.manifest.index)} changed while it was listed; try again`);
}
