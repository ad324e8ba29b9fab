/**
 * What a schema refuses, as a sentence that names the field and its value.
 *
 * @module
 */
import type { z } from "@hono/zod-openapi";
import { MaxleafError, quote } from "../errors.ts";

/** Problems listed in one answer: enough to mend a request in one go. */
const MAX_LISTED_ISSUES = 8;

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
