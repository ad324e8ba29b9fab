/**
 * The types that app, routes and middleware share.
 *
 * @module
 */
import type { OpenAPIHono } from "@hono/zod-openapi";
import type { RequestIdVariables } from "hono/request-id";
import type { Env } from "../env.ts";

export interface EdgeEnv {
  Bindings: Env;
  Variables: RequestIdVariables;
}

export type EdgeApp = OpenAPIHono<EdgeEnv>;
