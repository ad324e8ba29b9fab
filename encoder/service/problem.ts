/**
 * Failures as RFC 9457 problems, and in the log where they are ours.
 *
 * @module
 */
import type { Context } from "hono";
import {
  ERROR_STATUS,
  MaxleafError,
  PROBLEM_CONTENT_TYPE,
  quote,
  toMaxleafError,
  toProblem,
} from "../../shared/errors.ts";
import type { ServiceEnv } from "./service-env.ts";

/** A queue of queries is gone after a second; a model that does not load needs a person. */
const RETRY_AFTER_SECONDS = 1;

/** Hono's `onError`. */
export function handleError(thrown: Error, c: Context<ServiceEnv>): Response {
  const error = toMaxleafError(thrown);
  // Too many requests are no fault, nor callers that gave up; a machine without room is, and says so by its cause.
  const isRush = (error.code === "overloaded" || error.code === "encoder_timeout") && error.cause === undefined;
  if (error.status >= 500 && !isRush) c.get("log").error({ err: thrown }, error.message);
  return problemResponse(c, error.code === "model_unavailable" ? withoutPaths(error) : error);
}

/** The edge shows what it gets to everybody: paths of this machine stay in the log. */
function withoutPaths({ code, details }: MaxleafError): MaxleafError {
  const { command } = details;
  const way = typeof command === "string" ? `on its machine ${quote(command)} fetches it` : "its log says why";
  return new MaxleafError(code, `the encoder cannot use this model: ${way}`);
}

/** Hono's `notFound`. It answers rather than throws, so that the method check after it can turn it into a 405. */
export function handleNotFound(c: Context<ServiceEnv>): Response {
  return problemResponse(c, new MaxleafError("not_found", `nothing is at ${quote(c.req.path)}`));
}

/** The answer to a method that a known path does not have. */
export function handleMethodNotAllowed(c: Context<ServiceEnv>, methods: string[]): Response {
  const allow = methods.join(", ");
  const message = `${quote(c.req.method)} is not allowed on ${quote(c.req.path)}; use ${allow}`;
  return problemResponse(c, new MaxleafError("method_not_allowed", message), { Allow: allow });
}

function problemResponse(c: Context<ServiceEnv>, error: MaxleafError, headers: Record<string, string> = {}): Response {
  const status = ERROR_STATUS[error.code];
  return c.body(JSON.stringify(toProblem(error, c.req.path)), status, {
    "Content-Type": PROBLEM_CONTENT_TYPE,
    "Cache-Control": "no-store",
    ...(status === 401 ? { "WWW-Authenticate": 'Bearer realm="maxleaf encoder"' } : {}),
    ...(status === 503 ? { "Retry-After": String(RETRY_AFTER_SECONDS) } : {}),
    ...headers,
  });
}
