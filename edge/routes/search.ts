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
import { runSearch } from "../query/run-search.ts";
import type { Services } from "../services.ts";
import { indexParams } from "./params.ts";
import { bodyRefusals, json, readFailures } from "./responses.ts";

const searchRoute = createRoute({
  method: "post",
  path: "/v1/indexes/{index}/search",
  tags: ["search"],
  summary: "Search the pages of an index",
  description:
    "Ranks pages by vectors (MaxSim: the sum over query tokens of the best cosine on the page), by the words of the question (BM25), or by both: see `mode`.",
  middleware: jsonBody,
  request: {
    params: indexParams,
    body: { required: true, content: { "application/json": { schema: searchRequestSchema } } },
  },
  responses: {
    200: json(searchResponseSchema, "Pages, best first."),
    ...bodyRefusals,
    ...readFailures,
  },
});

export function registerSearch(app: EdgeApp, services: Services): void {
  app.openapi(searchRoute, async (c) => {
    const index = parseIndexName(c.req.valid("param").index);
    const body = c.req.valid("json");
    return c.json(await runSearch(services, { index, body }, c.executionCtx), 200);
  });
}
