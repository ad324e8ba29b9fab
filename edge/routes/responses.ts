/**
 * Response descriptions that several routes share, for `/openapi.json`.
 *
 * @module
 */
import type { z } from "@hono/zod-openapi";
import { problemSchema } from "../../shared/api/search.ts";
import { PROBLEM_CONTENT_TYPE } from "../../shared/errors.ts";

/** A JSON response with `schema`. */
export function json<S extends z.ZodType>(schema: S, description: string) {
  return { description, content: { "application/json": { schema } } };
}

/** A failure. */
export function problem(description: string) {
  return { description, content: { [PROBLEM_CONTENT_TYPE]: { schema: problemSchema } } };
}

export const badRequest = {
  400: problem("The request is not valid: `invalid_request`, `invalid_name` or a code of the route's own."),
};
export const notFound = {
  404: problem(
    "The index, document or page does not exist: `index_not_found`, `document_not_found`, `page_not_found`.",
  ),
};
/** What reading the bucket may come to. */
export const storeFailures = {
  500: problem(
    "What is stored is damaged or of a newer format: `corrupt_data`, `unsupported_format_version`, `internal`.",
  ),
  503: problem(
    "The bucket or the encoder cannot be reached or has no room: `store_unavailable`, `encoder_unavailable`, `encoder_timeout`, `overloaded`, `model_unavailable`, `shards_unavailable`. `Retry-After` says when to try again.",
  ),
};
/** Of every route that reads an index. */
export const readFailures = { ...badRequest, ...notFound, ...storeFailures };
export const bodyRefusals = {
  409: problem(
    "The index cannot be asked so: `recipe_mismatch` (the encoder has another recipe), `path_unavailable`, `manifest_superseded` (it changed meanwhile; ask again).",
  ),
  413: problem("The body is too large: `body_too_large`."),
  415: problem("The body is not `application/json`: `unsupported_media_type`."),
};
