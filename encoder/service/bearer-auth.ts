/**
 * The shared secret of edge and encoder: `Authorization: Bearer <secret>`.
 *
 * @module
 */
import { createHash, timingSafeEqual } from "node:crypto";
import type { MiddlewareHandler } from "hono";
import { MaxleafError } from "../../shared/errors.ts";

/**
 * Lets a request pass that carries `secret`. The comparison takes the same time wherever the secrets differ, and hashing
 * first gives them one length. Errors: `unauthorized`.
 */
export function requireBearer(secret: string): MiddlewareHandler {
  const expected = digest(secret);
  return async (c, next) => {
    const token = /^Bearer +(\S+) *$/i.exec(c.req.header("authorization") ?? "")?.[1];
    if (token === undefined) {
      throw new MaxleafError("unauthorized", "the request has no Authorization header with a bearer token");
    }
    if (!timingSafeEqual(digest(token), expected)) {
      throw new MaxleafError("unauthorized", "the bearer token is not this encoder's secret");
    }
    await next();
  };
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
