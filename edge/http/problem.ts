/**
 * Every failure as an RFC 9457 problem.
 *
 * @module
 */
import type { Context } from "hono";
import { HTTPException } from "hono/http-exception";
import {
  type ErrorCode,
  ERROR_STATUS,
  MaxleafError,
  PROBLEM_CONTENT_TYPE,
  quote,
  toMaxleafError,
  toProblem,
} from "../../shared/errors.ts";
import type { EdgeEnv } from "./edge-app.ts";
import { describeCauses, logError } from "./log.ts";

/** After a 503: long enough for a service to restart, short enough for a person to wait. */
const RETRY_AFTER_SECONDS = 5;

/** `error` as the response of this request. */
export function problemResponse(
  c: Context<EdgeEnv>,
  error: MaxleafError,
  headers: Record<string, string> = {},
): Response {
  const status = ERROR_STATUS[error.code];
  return c.body(JSON.stringify(toProblem(error, c.req.path)), status, {
    "Content-Type": PROBLEM_CONTENT_TYPE,
    "Cache-Control": "no-store",
    ...(status === 401 ? { "WWW-Authenticate": 'Bearer realm="maxleaf"' } : {}),
    ...(status === 503 ? { "Retry-After": String(RETRY_AFTER_SECONDS) } : {}),
    ...headers,
  });
}

/** Hono's `onError`: what a handler threw becomes a problem, and a fault of ours a line in the log. */
export function handleError(thrown: Error, c: Context<EdgeEnv>): Response {
  const error = thrown instanceof HTTPException ? fromHttpException(thrown) : toMaxleafError(thrown);
  if (error.status >= 500) {
    logError(error.message, {
      code: error.code,
      requestId: c.get("requestId"),
      path: c.req.path,
      causes: describeCauses(error),
    });
  }
  return problemResponse(c, error);
}

/** Hono's `notFound`. It answers rather than throws, so that the method check after it can turn it into a 405. */
export function handleNotFound(c: Context<EdgeEnv>): Response {
  return problemResponse(
    c,
    new MaxleafError("not_found", `nothing is at ${quote(c.req.path)}; /openapi.json lists what is`),
  );
}

/** The answer to a method that a known path does not have. */
export function handleMethodNotAllowed(c: Context<EdgeEnv>, methods: string[]): Response {
  const allow = methods.join(", ");
  const message = `${quote(c.req.method)} is not allowed on ${quote(c.req.path)}; use ${allow}`;
  return problemResponse(c, new MaxleafError("method_not_allowed", message), { Allow: allow });
}

/** The statuses that Hono's own middleware throws. */
const CODE_OF_STATUS: ReadonlyMap<number, ErrorCode> = new Map([
  [400, "invalid_request"],
  [413, "body_too_large"],
  [415, "unsupported_media_type"],
]);

function fromHttpException(exception: HTTPException): MaxleafError {
  const code = CODE_OF_STATUS.get(exception.status);
  return code === undefined
    ? toMaxleafError(new Error("unexpected HTTP exception", { cause: exception }))
    : new MaxleafError(code, exception.message);
}
