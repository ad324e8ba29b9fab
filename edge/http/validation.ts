/**
 * Request bodies: read within a limit, parsed, checked against their schema, refused with a sentence that names the field
 * and its value.
 *
 * @module
 */
import type { Context, MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import type { z } from "@hono/zod-openapi";
import { invalidRequest } from "../../shared/api/invalid-request.ts";
import { MaxleafError, quote } from "../../shared/errors.ts";
import { MAX_SEARCH_BODY_BYTES } from "../../shared/limits.ts";
import type { EdgeEnv } from "./edge-app.ts";

/** `application/json` and its `+json` relatives, with any parameters. */
const JSON_CONTENT_TYPE = /^application\/(?:[\w.-]+\+)?json\s*(?:;|$)/i;

const requireJsonContentType: MiddlewareHandler<EdgeEnv> = async (c, next) => {
  const contentType = c.req.header("content-type") ?? "";
  if (!JSON_CONTENT_TYPE.test(contentType)) {
    throw new MaxleafError(
      "unsupported_media_type",
      `the body must be application/json, not ${contentType === "" ? "untyped" : quote(contentType)}`,
    );
  }
  await next();
};

const limitBody = bodyLimit({
  maxSize: MAX_SEARCH_BODY_BYTES,
  onError: () => {
    throw new MaxleafError("body_too_large", `the body is larger than ${MAX_SEARCH_BODY_BYTES} bytes`);
  },
});

const requireJson: MiddlewareHandler<EdgeEnv> = async (c, next) => {
  // Hono keeps the text, so that the schema's validator does not read the body again.
  const text = await c.req.text();
  if (text.trim() === "") throw new MaxleafError("invalid_json", "the body is empty; send a JSON object");
  try {
    JSON.parse(text);
  } catch (cause) {
    throw new MaxleafError("invalid_json", `the body is not JSON: ${quote(text, 40)}`, { cause });
  }
  await next();
};

/** Middleware of every route with a JSON body, in the order of the checks. */
export const jsonBody: MiddlewareHandler<EdgeEnv>[] = [requireJsonContentType, limitBody, requireJson];

type ValidationTarget = "json" | "query" | "param" | "header" | "cookie" | "form";

/** The app's default hook: throws `invalid_request` for what a schema refuses. */
export async function rejectInvalid(
  result: { success: true } | { success: false; target: ValidationTarget; error: z.ZodError },
  c: Context<EdgeEnv>,
): Promise<void> {
  if (result.success) return;
  throw invalidRequest(result.error.issues, await inputOf(result.target, c));
}

async function inputOf(target: ValidationTarget, c: Context<EdgeEnv>): Promise<unknown> {
  if (target === "json") return await c.req.json();
  return target === "query" ? c.req.query() : c.req.param();
}
