/**
 * Path parameters: described for OpenAPI here, checked by the functions that name the fault precisely.
 *
 * @module
 */
import { z } from "@hono/zod-openapi";
import { MaxleafError, quote } from "../../shared/errors.ts";

const index = z
  .string()
  .openapi({ param: { name: "index", in: "path" }, example: "samples", description: "Index name." });
const document = z.string().openapi({
  param: { name: "document", in: "path" },
  example: "0123456789abcdef0123",
  description: "Document id: 20 hex digits.",
});
const page = z
  .string()
  .openapi({ param: { name: "page", in: "path" }, example: "1", description: "Page number, from 1." });

export const indexParams = z.object({ index });
export const documentParams = z.object({ index, document });
export const pageParams = z.object({ index, document, page });

/** Digits of a page number: past any document, short of what a number cannot hold. */
const PAGE_NUMBER = /^[1-9]\d{0,8}$/;

/** A page number from a URL, or `invalid_request`. */
export function parsePageNumber(text: string): number {
  if (PAGE_NUMBER.test(text)) return Number(text);
  throw new MaxleafError("invalid_request", `${quote(text)} is no page number: pages count from 1`);
}
