/**
 * Headers that tell browsers what our answers may do.
 *
 * @module
 */
import { cors } from "hono/cors";
import { secureHeaders } from "hono/secure-headers";
import type { MiddlewareHandler } from "hono";

/** A day, so that a browser asks once before its first search. */
const PREFLIGHT_MAX_AGE_SECONDS = 86_400;

const NOTHING = ["'none'"];
const OURS = ["'self'"];

/** The search page: its own script, style, pictures and API, nothing from elsewhere, in nobody's frame. */
export function pageSecurity(): MiddlewareHandler {
  return secureHeaders({
    contentSecurityPolicy: {
      defaultSrc: NOTHING,
      scriptSrc: OURS,
      styleSrc: OURS,
      imgSrc: ["'self'", "data:"],
      connectSrc: OURS,
      baseUri: NOTHING,
      formAction: OURS,
      frameAncestors: NOTHING,
    },
    xFrameOptions: "DENY",
  });
}

/** All but the page: nothing in an answer may run, and other sites may show our page images. The page's own headers stay. */
export function apiSecurity(): MiddlewareHandler {
  return secureHeaders({
    overwrite: false,
    contentSecurityPolicy: { defaultSrc: NOTHING, frameAncestors: NOTHING },
    crossOriginResourcePolicy: "cross-origin",
    xFrameOptions: "DENY",
  });
}

/** Which other sites may call the API. `origins`: see `Env.CORS_ORIGINS`. */
export function apiCors(origins: string | undefined): MiddlewareHandler {
  const listed = (origins ?? "")
    .split(",")
    .map((origin) => origin.trim())
    .filter((origin) => origin !== "");
  return cors({
    origin: listed.length === 0 || listed.includes("*") ? "*" : listed,
    allowMethods: ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"],
    allowHeaders: ["Authorization", "Content-Type", "X-Request-Id"],
    exposeHeaders: ["X-Request-Id", "Location", "Retry-After", "ETag"],
    maxAge: PREFLIGHT_MAX_AGE_SECONDS,
  });
}
