/**
 * A page's picture and thumbnail, out of the bucket.
 *
 * @module
 */
import { createRoute, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { MaxleafError, quote } from "../../shared/errors.ts";
import { parseDocumentId, parseIndexName } from "../../shared/names.ts";
import { isRevision } from "../../shared/revision.ts";
import { layout } from "../../shared/store/layout.ts";
import type { StoredObject } from "../../shared/store/object-store.ts";
import { findDocument } from "../catalogue/documents.ts";
import type { EdgeApp, EdgeEnv } from "../http/edge-app.ts";
import { matchesEtag } from "../http/etag.ts";
import type { Services } from "../services.ts";
import { pageParams, parsePageNumber } from "./params.ts";
import { readFailures } from "./responses.ts";

/** A revision is of one ingestion, so what it names never changes: a year, the longest that caches keep to. */
const IMMUTABLE = "public, max-age=31536000, immutable";
/** Without a revision the next ingestion may change the picture: ask every time, with the ETag. */
const REVALIDATE = "public, no-cache";

const pictureQuery = z.object({
  v: z.string().optional().openapi({ description: "The document's revision; makes the answer cacheable for ever." }),
});

function pictureRoute<Picture extends "image" | "thumbnail">(picture: Picture) {
  return createRoute({
    method: "get",
    path: `/v1/indexes/{index}/documents/{document}/pages/{page}/${picture}`,
    tags: ["documents"],
    summary: picture === "image" ? "A page as an image" : "A page as a small image",
    request: { params: pageParams, query: pictureQuery },
    responses: {
      200: {
        description: "The picture.",
        content: { "image/webp": { schema: z.string().openapi({ format: "binary" }) } },
      },
      304: { description: "`If-None-Match` names the present picture." },
      ...readFailures,
    },
  });
}

/** Which picture of which page. */
interface PictureAddress {
  index: string;
  documentId: string;
  page: number;
  keyOf: (typeof layout)["pageImage"];
}

export function registerPages(app: EdgeApp, services: Services): void {
  for (const [picture, keyOf] of [
    ["image", layout.pageImage],
    ["thumbnail", layout.pageThumbnail],
  ] as const) {
    app.openapi(pictureRoute(picture), async (c) => {
      const params = c.req.valid("param");
      const address: PictureAddress = {
        index: parseIndexName(params.index),
        documentId: parseDocumentId(params.document),
        page: parsePageNumber(params.page),
        keyOf,
      };
      const revision = c.req.valid("query").v;
      const found = await readPicture(c, services, address, revision);
      return sendPicture(c, found, revision === undefined ? REVALIDATE : IMMUTABLE);
    });
  }
}

/** The picture of `revision`, or of the present one. Errors: `index_not_found`, `document_not_found`, `page_not_found`. */
async function readPicture(
  c: Context<EdgeEnv>,
  services: Services,
  address: PictureAddress,
  revision: string | undefined,
): Promise<StoredObject> {
  const { index, documentId, page, keyOf } = address;
  if (revision !== undefined && !isRevision(revision)) {
    throw new MaxleafError("invalid_request", `"v" is ${quote(revision)}: a revision is 24 (or 16) hex digits`);
  }
  const known = (await services.aliases.known(index, c.executionCtx)) ?? index;
  if (revision !== undefined) {
    // The key says it all: a result page's thumbnails need no opened index, which in a cold isolate would take a while.
    const stored = await services.store.get(keyOf(known, documentId, revision, page));
    if (stored !== undefined) return stored;
  }
  const { name, document } = await services.indexes.withIndex(index, c.executionCtx, async (opened) => ({
    ...(await findDocument(opened, documentId)),
    name: opened.manifest.index,
  }));
  if (page > document.pageCount) {
    throw new MaxleafError(
      "page_not_found",
      `document ${quote(document.name)} has ${document.pageCount} pages, so no page ${page}`,
    );
  }
  const wanted = revision ?? document.revision;
  if (revision === undefined || name !== known) {
    const stored = await services.store.get(keyOf(name, documentId, wanted, page));
    if (stored !== undefined) return stored;
  }
  throw new MaxleafError(
    "page_not_found",
    `no picture of page ${page} of ${quote(document.name)} in revision ${wanted} is stored`,
  );
}

function sendPicture(c: Context<EdgeEnv>, picture: StoredObject, cacheControl: string) {
  const etag = `"${picture.etag}"`;
  const headers = { ETag: etag, "Cache-Control": cacheControl };
  if (matchesEtag(c.req.header("if-none-match"), etag)) return c.body(null, 304, headers);
  // A copy in a buffer of its own: a store may hand out a view of a larger one.
  return c.body(new Uint8Array(picture.bytes), 200, { ...headers, "Content-Type": "image/webp" });
}
