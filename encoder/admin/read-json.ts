/**
 * JSON bodies and queries of the writing routes, checked by their schemas.
 *
 * @module
 */
import type { z } from "@hono/zod-openapi";
import { invalidRequest } from "../../shared/api/invalid-request.ts";
import { MaxleafError, quote } from "../../shared/errors.ts";
import { MAX_ADMIN_JSON_BYTES } from "../../shared/limits.ts";
import { readText } from "../service/read-body.ts";

/** The media type of `request`'s body, without parameters, in lower case; empty when it names none. */
export function mediaTypeOf(request: Request): string {
  return request.headers.get("content-type")?.split(";")[0]?.trim().toLowerCase() ?? "";
}

/** The body by `schema`. Errors: `unsupported_media_type`, `body_too_large`, `invalid_json`, `invalid_request`. */
export async function readJson<Schema extends z.ZodType>(request: Request, schema: Schema): Promise<z.infer<Schema>> {
  const type = mediaTypeOf(request);
  if (type !== "application/json") {
    const given = type === "" ? "untyped" : quote(type);
    throw new MaxleafError("unsupported_media_type", `the body must be application/json, not ${given}`);
  }
  return parseBy(schema, parseJson(await readText(request, MAX_ADMIN_JSON_BYTES), "the body"));
}

/** As {@link readJson}; a body that is empty is an empty object, whatever its type. */
export async function readOptionalJson<Schema extends z.ZodType>(
  request: Request,
  schema: Schema,
): Promise<z.infer<Schema>> {
  const text = await readText(request, MAX_ADMIN_JSON_BYTES);
  return parseBy(schema, text.trim() === "" ? {} : parseJson(text, "the body"));
}

/** `value` by `schema`. Errors: `invalid_request`. */
export function parseBy<Schema extends z.ZodType>(schema: Schema, value: unknown): z.infer<Schema> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw invalidRequest(parsed.error.issues, value);
}

/** Errors: `invalid_json`, which says what it was to be read from. */
export function parseJson(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new MaxleafError("invalid_json", `${what} is no JSON: ${quote(text, 40)}`, { cause });
  }
}
