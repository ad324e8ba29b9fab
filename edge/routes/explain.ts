/**
 * `POST /v1/indexes/{index}/explain`: where on one page each query token found its evidence.
 *
 * @module
 */
import { createRoute } from "@hono/zod-openapi";
import { explainRequestSchema, explainResponseSchema } from "../../shared/api/search.ts";
import type { SearchableIndex } from "../../shared/engine/contract.ts";
import { parseIndexName } from "../../shared/names.ts";
import type { EdgeApp } from "../http/edge-app.ts";
import { jsonBody } from "../http/validation.ts";
import { normalizeQuery } from "../query/query-text.ts";
import type { Services } from "../services.ts";
import { indexParams, parseDocumentId } from "./params.ts";
import { badRequest, bodyRefusals, json, notFound, storeFailures } from "./responses.ts";

const explainRoute = createRoute({
  method: "post",
  path: "/v1/indexes/{index}/explain",
  tags: ["search"],
  summary: "Heat map of one page for a query",
  description: "From the stored codes, without the model that encoded the page.",
  middleware: jsonBody,
  request: {
    params: indexParams,
    body: { required: true, content: { "application/json": { schema: explainRequestSchema } } },
  },
  responses: {
    200: json(explainResponseSchema, "Scores of every query token in every box."),
    ...badRequest,
    ...notFound,
    ...bodyRefusals,
    ...storeFailures,
  },
});

export function registerExplain(app: EdgeApp, services: Services): void {
  app.openapi(explainRoute, async (c) => {
    const name = parseIndexName(c.req.valid("param").index);
    const body = c.req.valid("json");
    const query = normalizeQuery(body.query);
    const documentId = parseDocumentId(body.document);

    const explain = async (index: SearchableIndex) => {
      const { encoded } = await services.encoder.encode(index.manifest, query, c.executionCtx);
      return await index.explain({ query: encoded, documentId, pageNumber: body.page });
    };
    const explained = await services.indexes.withIndex(name, c.executionCtx, explain, body.consistency);
    const { documentId: document, pageNumber: page, ...heatMap } = explained;
    return c.json({ document, page, ...heatMap }, 200);
  });
}
