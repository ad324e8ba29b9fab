/**
 * Where page images are served.
 *
 * @module
 */

/** URLs of a page's pictures, relative to the worker. With their revision in the query they never change. */
export function pageUrls(index: string, documentId: string, page: number, revision: string) {
  const path = `/v1/indexes/${index}/documents/${documentId}/pages/${page}`;
  return { imageUrl: `${path}/image?v=${revision}`, thumbnailUrl: `${path}/thumbnail?v=${revision}` };
}
