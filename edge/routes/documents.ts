/**
 * `GET /v1/indexes/{index}/documents`, one document of it, and that one's pages.
 *
 * @module
 */
import { createRoute, z } from "@hono/zod-openapi";
import { type DocumentPagesBody, documentPagesSchema } from "../../shared/api/pages.ts";
import { consistencies, type DocumentBody, documentListSchema, documentSchema } from "../../shared/api/search.ts";
import type { SearchableIndex } from "../../shared/engine/contract.ts";
import { parseDocumentId, parseIndexName } from "../../shared/names.ts";
import { decodeCursor, encodeCursor } from "../catalogue/cursor.ts";
import { type CatalogueEntry, findDocument, listDocuments } from "../catalogue/documents.ts";
import { listPages, type PageList } from "../catalogue/pages.ts";
import type { EdgeApp } from "../http/edge-app.ts";
import type { Services } from "../services.ts";
import { pageUrls } from "./page-urls.ts";
import { documentParams, indexParams, parsePageNumber } from "./params.ts";
import { json, readFailures } from "./responses.ts";

const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 1_000;

const consistency = z
  .enum(consistencies)
  .default("bounded")
  .openapi({ description: "`strong`: looks at the bucket first, and sees all that was committed before. See search." });

const readQuery = z.object({ consistency });
const listQuery = z.object({
  consistency,
  limit: z.coerce
    .number()
    .int()
    .min(1)
    .max(MAX_LIMIT)
    .default(DEFAULT_LIMIT)
    .openapi({ description: "Documents, or pages, to return." }),
  cursor: z.string().optional().openapi({ description: "`nextCursor` of the answer before." }),
});

const listRoute = createRoute({
  method: "get",
  path: "/v1/indexes/{index}/documents",
  tags: ["documents"],
  summary: "The documents of an index, by name",
  request: { params: indexParams, query: listQuery },
  responses: { 200: json(documentListSchema, "One page of the list."), ...readFailures },
});

const readRoute = createRoute({
  method: "get",
  path: "/v1/indexes/{index}/documents/{document}",
  tags: ["documents"],
  summary: "One document",
  request: { params: documentParams, query: readQuery },
  responses: { 200: json(documentSchema, "The document."), ...readFailures },
});

const pagesRoute = createRoute({
  method: "get",
  path: "/v1/indexes/{index}/documents/{document}/pages",
  tags: ["documents"],
  summary: "The pages of a document, and which of them can be found",
  request: { params: documentParams, query: listQuery },
  responses: { 200: json(documentPagesSchema, "Some of the pages, in order."), ...readFailures },
});

export function registerDocuments(app: EdgeApp, services: Services): void {
  app.openapi(listRoute, async (c) => {
    const name = parseIndexName(c.req.valid("param").index);
    const { limit, cursor, consistency: wanted } = c.req.valid("query");
    const after = cursor === undefined ? undefined : decodeCursor(cursor);

    const list = (index: SearchableIndex) => listDocuments(index, { after, limit });
    const { entries, hasMore } = await services.indexes.withIndex(name, c.executionCtx, list, wanted);
    const last = hasMore ? entries.at(-1) : undefined;
    return c.json(
      {
        documents: entries.map(toDocumentBody),
        ...(last === undefined ? {} : { nextCursor: encodeCursor(last.document.name) }),
      },
      200,
    );
  });

  app.openapi(readRoute, async (c) => {
    const params = c.req.valid("param");
    const name = parseIndexName(params.index);
    const id = parseDocumentId(params.document);
    const find = (index: SearchableIndex) => findDocument(index, id);
    const { consistency: wanted } = c.req.valid("query");
    const entry = await services.indexes.withIndex(name, c.executionCtx, find, wanted);
    return c.json(toDocumentBody(entry), 200);
  });

  app.openapi(pagesRoute, async (c) => {
    const params = c.req.valid("param");
    const name = parseIndexName(params.index);
    const id = parseDocumentId(params.document);
    const { limit, cursor, consistency: wanted } = c.req.valid("query");
    const after = cursor === undefined ? 0 : parsePageNumber(decodeCursor(cursor));
    const list = (index: SearchableIndex) => listPages(index, id, { after, limit });
    return c.json(toPagesBody(await services.indexes.withIndex(name, c.executionCtx, list, wanted)), 200);
  });
}

function toPagesBody({ index, document, pages, hasMore }: PageList): DocumentPagesBody {
  const { id, name, revision, pageCount } = document;
  const last = hasMore ? pages.at(-1) : undefined;
  return {
    document: { id, name, revision, pageCount },
    pages: pages.map(({ pageNumber: page, ...rest }) => ({ page, ...rest, ...pageUrls(index, id, page, revision) })),
    ...(last === undefined ? {} : { nextCursor: encodeCursor(String(last.pageNumber)) }),
  };
}

function toDocumentBody({ document, searchablePages }: CatalogueEntry): DocumentBody {
  const { addedAtMs, ...rest } = document;
  return { ...rest, searchablePages, addedAt: new Date(addedAtMs).toISOString() };
}
