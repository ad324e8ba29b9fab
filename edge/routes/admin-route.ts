/**
 * What a writing route is described by.
 *
 * @module
 */
import type { RouteConfig } from "@hono/zod-openapi";

/** A writing route and how many bytes its body may have, 0 for none. */
export interface AdminRoute {
  config: RouteConfig & { method: "get" | "post" | "put" | "patch" | "delete" };
  maxBodyBytes: number;
}
