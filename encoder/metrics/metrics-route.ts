/**
 * `GET /metrics` of the encoder service.
 *
 * @module
 */
import type { Context } from "hono";
import { exposition } from "./registry.ts";

/** The metrics of this process in Prometheus' text format. */
export async function metricsRoute(c: Context): Promise<Response> {
  const { contentType, body } = await exposition();
  return c.body(body, 200, { "content-type": contentType });
}
