/**
 * `POST /v1/indexes/{index}/explain`: where on one page each query token found its evidence.
 *
 * @module
 */
import { createRoute } from "@hono/zod-openapi";
import { explainRequestSchema, explainResponseSchema } from "../../shared/api/search.ts";
import type { SearchableIndex } from "../../shared/engine/contract.ts";
import { modeOf } from "../../shared/engine/lexical/mode.ts";
import type { Manifest } from "../../shared/format/manifest.ts";
import { parseDocumentId, parseIndexName } from "../../shared/names.ts";
import type { EdgeApp } from "../http/edge-app.ts";
import { jsonBody } from "../http/validation.ts";
import { normalizeQuery } from "../query/query-text.ts";
import { QueryVectors } from "../query/query-vectors.ts";
import type { Services } from "../services.ts";
import { indexParams } from "./params.ts";
import { bodyRefusals, json, readFailures } from "./responses.ts";

const explainRoute = createRoute({
  method: "post",
  path: "/v1/indexes/{index}/explain",
  tags: ["search"],
  summary: "Heat map of one page for a query",
  description:
    "From the page's stored vectors, without the model that encoded it; or by the words of the question, without any model: see `mode`.",
  middleware: jsonBody,
  request: {
    params: indexParams,
    body: { required: true, content: { "application/json": { schema: explainRequestSchema } } },
  },
  responses: {
    200: json(explainResponseSchema, "Scores of every query token in every box."),
    ...bodyRefusals,
    ...readFailures,
  },
});

export function registerExplain(app: EdgeApp, services: Services): void {
  app.openapi(explainRoute, async (c) => {
    const name = parseIndexName(c.req.valid("param").index);
    const body = c.req.valid("json");
    const query = normalizeQuery(body.query);
    const documentId = parseDocumentId(body.document);

    const vectors = body.mode === "lexical" ? undefined : new QueryVectors(services.encoder, query, c.executionCtx);
    const explain = async (index: SearchableIndex) => {
      modeOf({ mode: body.mode, text: query }, index.manifest, "hybrid");
      const page = { documentId, pageNumber: body.page };
      if (vectors === undefined) return await index.explainWords({ text: query, ...page });
      const { encoded } = await vectors.of(index.manifest);
      return await index.explain({ query: encoded, ...page });
    };
    const foresee = (manifest: Manifest): void => vectors?.foresee(manifest);
    const explained = await services.indexes.withIndex(name, c.executionCtx, explain, body.consistency, foresee);
    const { documentId: document, pageNumber: page, ...heatMap } = explained;
    return c.json({ document, page, ...heatMap }, 200);
  });
}
