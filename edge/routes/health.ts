/**
 * `GET /healthz`: the worker runs. It looks at neither bucket nor encoder, so that a load balancer may ask often.
 *
 * @module
 */
import { createRoute } from "@hono/zod-openapi";
import { healthSchema } from "../../shared/api/search.ts";
import { VERSION } from "../../shared/version.ts";
import type { EdgeApp } from "../http/edge-app.ts";
import { json } from "./responses.ts";

const healthRoute = createRoute({
  method: "get",
  path: "/healthz",
  tags: ["service"],
  summary: "Whether the worker runs",
  responses: { 200: json(healthSchema, "It does.") },
});

export function registerHealth(app: EdgeApp): void {
  app.openapi(healthRoute, (c) => c.json({ status: "ok" as const, version: VERSION }, 200));
}
