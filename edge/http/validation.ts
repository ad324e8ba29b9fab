/**
 * Request bodies: read within a limit, parsed, checked against their schema, refused with a sentence that names the field
 * and its value.
 *
 * @module
 */
import type { Context, MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import type { z } from "@hono/zod-openapi";
import { MaxleafError, quote } from "../../shared/errors.ts";
import { MAX_SEARCH_BODY_BYTES } from "../../shared/limits.ts";
import type { EdgeEnv } from "./edge-app.ts";

/** `application/json` and its `+json` relatives, with any parameters. */
const JSON_CONTENT_TYPE = /^application\/(?:[\w.-]+\+)?json\s*(?:;|$)/i;

/** Problems listed in one answer: enough to mend a request in one go. */
const MAX_LISTED_ISSUES = 8;

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

/** `invalid_request` for `issues` found in `input`: the first as the sentence, all of them as `errors`. */
export function invalidRequest(issues: readonly z.core.$ZodIssue[], input: unknown): MaxleafError {
  const errors = issues.slice(0, MAX_LISTED_ISSUES).map((issue) => ({
    field: issue.path.map(String).join(".") || "body",
    detail: sentenceOf(issue, input),
  }));
  return new MaxleafError("invalid_request", errors[0]?.detail ?? "the request is not valid", { details: { errors } });
}

function sentenceOf(issue: z.core.$ZodIssue, input: unknown): string {
  if (issue.code === "unrecognized_keys") {
    const known = issue.path.length === 0 ? "this request" : quote(issue.path.map(String).join("."));
    return `${quote(issue.keys[0])} is no field of ${known}`;
  }
  const field = issue.path.map(String).join(".");
  const value = valueAt(input, issue.path);
  const got = value === undefined ? "is missing" : `is ${quote(value)}`;
  return `${field === "" ? "the body" : quote(field)} ${got}: ${issue.message}`;
}

function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
  let value = input;
  for (const key of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
    value = Reflect.get(value, key);
  }
  return value;
}
