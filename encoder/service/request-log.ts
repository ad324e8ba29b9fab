/**
 * One log line per request. It never holds the question or the secret.
 *
 * @module
 */
import type { MiddlewareHandler } from "hono";
import type { Logger } from "pino";
import type { ServiceEnv } from "./service-env.ts";

/** Gives the request its logger and logs how it ended; answers of 500 and above are warnings. */
export function logRequests(logger: Logger): MiddlewareHandler<ServiceEnv> {
  return async (c, next) => {
    const startedAtMs = performance.now();
    const log = logger.child({ requestId: c.get("requestId") });
    c.set("log", log);
    await next();
    const { status } = c.res;
    const durationMs = Math.round((performance.now() - startedAtMs) * 10) / 10;
    log[status >= 500 ? "warn" : "info"]({ method: c.req.method, path: c.req.path, status, durationMs }, "request");
  };
}
