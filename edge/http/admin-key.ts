/**
 * The admin key: who may write. A secret of the deployment, sent as `Authorization: Bearer <key>`.
 *
 * @module
 */
import type { MiddlewareHandler } from "hono";
import { MaxleafError } from "../../shared/errors.ts";
import type { EdgeEnv } from "./edge-app.ts";

const BEARER = /^Bearer +(\S+) *$/i;

/**
 * Lets a request pass that carries `adminKey`. Without one in the deployment nothing passes: writing is off until it is set.
 *
 * Errors: `unauthorized` without a key; `forbidden` with another one, and when none is set.
 */
export function requireAdminKey(adminKey: string | undefined): MiddlewareHandler<EdgeEnv> {
  return async (c, next) => {
    if (adminKey === undefined || adminKey === "") {
      throw new MaxleafError("forbidden", "writing over HTTP is off: this deployment has no ADMIN_KEY");
    }
    const key = BEARER.exec(c.req.header("authorization") ?? "")?.[1];
    if (key === undefined) {
      throw new MaxleafError("unauthorized", "this route needs the admin key: Authorization: Bearer <key>");
    }
    if (!(await isSameSecret(key, adminKey))) throw new MaxleafError("forbidden", "this is not the admin key");
    await next();
  };
}

/**
 * Whether two secrets are the same, in a time that tells nothing of either: their digests are compared, which have one
 * length, and by a comparison that looks at every byte.
 */
export async function isSameSecret(a: string, b: string): Promise<boolean> {
  const [one, other] = await Promise.all([digest(a), digest(b)]);
  return crypto.subtle.timingSafeEqual(one, other);
}

async function digest(text: string): Promise<ArrayBuffer> {
  return await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
}
