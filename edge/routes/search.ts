/**
 * `POST /v1/indexes/{index}/search`: the pages that answer a question, best first.
 *
 * @module
 */
import { createRoute } from "@hono/zod-openapi";
import { searchRequestSchema, searchResponseSchema } from "../../shared/api/search.ts";
import { parseIndexName } from "../../shared/names.ts";
import type { EdgeApp } from "../http/edge-app.ts";
import { jsonBody } from "../http/validation.ts";
import { normalizeQuery } from "../query/query-text.ts";
import { toSearchFilter, toSearchResponse } from "../query/search-response.ts";
import type { Services } from "../services.ts";
import { indexParams } from "./params.ts";
import { badRequest, bodyRefusals, json, notFound, storeFailures } from "./responses.ts";

const searchRoute = createRoute({
  method: "post",
  path: "/v1/indexes/{index}/search",
  tags: ["search"],
  summary: "Search the pages of an index",
  description: "Encodes the query and ranks pages by MaxSim: the sum over query tokens of the best cosine on the page.",
  middleware: jsonBody,
  request: {
    params: indexParams,
    body: { required: true, content: { "application/json": { schema: searchRequestSchema } } },
  },
  responses: {
    200: json(searchResponseSchema, "Pages, best first."),
    ...badRequest,
    ...notFound,
    ...bodyRefusals,
    ...storeFailures,
  },
});

export function registerSearch(app: EdgeApp, services: Services): void {
  app.openapi(searchRoute, async (c) => {
    const startedAtMs = performance.now();
    const name = parseIndexName(c.req.valid("param").index);
    const body = c.req.valid("json");
    const query = normalizeQuery(body.query);

    return await services.indexes.withIndex(name, c.executionCtx, async (index) => {
      const { recipe, recipeFingerprint } = index.manifest;
      const encodeStartedAtMs = performance.now();
      const encoding = await services.encoder.encode(
        { name: recipe.name, fingerprint: recipeFingerprint },
        query,
        c.executionCtx,
      );
      const encodeMs = performance.now() - encodeStartedAtMs;
      const result = await index.search({
        query: encoding.encoded,
        k: body.k,
        filter: toSearchFilter(body.filter),
        candidates: body.candidates,
        exact: body.exact,
      });
      const timings = { encodeMs, encodeCached: encoding.cached, totalMs: performance.now() - startedAtMs };
      const asked = { index: name, recipe: recipe.name, query, tokens: encoding.encoded.tokens };
      return c.json(toSearchResponse(asked, result, timings), 200);
    });
  });
}
