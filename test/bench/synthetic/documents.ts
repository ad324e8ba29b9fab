/**
 * Names of synthetic documents, from which the pages found can be told.
 *
 * @module
 */

export const PAGES_PER_DOCUMENT = 8;
const PREFIX = "document-";

export function documentName(number: number): string {
  return `${PREFIX}${number}`;
}

/** Of which page number (in the whole corpus) a hit is. */
export function pageOfHit(hit: { documentName: string; pageNumber: number }): number {
  return Number(hit.documentName.slice(PREFIX.length)) * PAGES_PER_DOCUMENT + hit.pageNumber - 1;
}
