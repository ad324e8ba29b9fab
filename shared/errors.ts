/**
 * Every failure Maxleaf reports on purpose: a stable `code`, an HTTP status and a sentence that names the offending
 * value. The edge and the encoder send them as RFC 9457 problem details; the command line prints the sentence.
 *
 * @module
 */

/** Code → HTTP status. Codes are part of the public API: add, never rename. */
export const ERROR_STATUS = {
  // What the caller sent.
  invalid_request: 400,
  invalid_json: 400,
  invalid_name: 400,
  invalid_filter: 400,
  empty_query: 400,
  query_too_long: 400,
  unauthorized: 401,
  forbidden: 403,
  not_found: 404,
  index_not_found: 404,
  document_not_found: 404,
  page_not_found: 404,
  recipe_not_found: 404,
  task_not_found: 404,
  upload_not_found: 404,
  method_not_allowed: 405,
  /** The way of searching that was asked for is not there for this index. */
  path_unavailable: 409,
  /** An index or an alias has this name already. */
  name_taken: 409,
  /** The task is over, or too far to be canceled. */
  task_not_cancelable: 409,
  /** An address that documents must not be fetched from. */
  url_not_allowed: 403,
  /** A document could not be fetched from its address. */
  fetch_failed: 422,
  /** A body that comes in pieces of unknown number. */
  length_required: 411,
  body_too_large: 413,
  unsupported_media_type: 415,
  // What a source file is (encoder only; one file fails, the rest goes on).
  file_unsupported: 415,
  file_unreadable: 422,
  file_empty: 422,
  file_encrypted: 422,
  file_too_large: 413,
  render_timeout: 422,
  // What is stored.
  corrupt_data: 500,
  unsupported_format_version: 500,
  recipe_mismatch: 409,
  commit_conflict: 409,
  /** What a change stored has waited for its commit so long that it may be gone: the change must be made anew. */
  commit_expired: 409,
  precondition_failed: 412,
  /** More metadata has changed since the segments were written than every reader can hold beside them. */
  compaction_needed: 409,
  /** The index has moved on: between a shard and the worker that asks it. */
  manifest_superseded: 409,
  // What we depend on.
  encoder_unavailable: 503,
  encoder_timeout: 503,
  store_unavailable: 503,
  queue_unavailable: 503,
  overloaded: 503,
  model_unavailable: 503,
  shards_unavailable: 503,
  shard_timeout: 503,
  internal: 500,
} as const satisfies Record<string, number>;

export type ErrorCode = keyof typeof ERROR_STATUS;

/** RFC 9457 body. `type` is a documentation link made from the code. */
export interface ProblemDetails {
  type: string;
  title: string;
  status: number;
  code: ErrorCode;
  detail: string;
  instance?: string;
  [extension: string]: unknown;
}

export const PROBLEM_CONTENT_TYPE = "application/problem+json";

/** The one error class. `details` are extra members of the problem body (never secrets). */
export class MaxleafError extends Error {
  readonly code: ErrorCode;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message: string, options: { cause?: unknown; details?: Record<string, unknown> } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "MaxleafError";
    this.code = code;
    this.details = options.details ?? {};
  }

  get status(): number {
    return ERROR_STATUS[this.code];
  }
}

/** `error` as a {@link MaxleafError}; anything unknown becomes `internal` without leaking its message to callers. */
export function toMaxleafError(error: unknown): MaxleafError {
  if (error instanceof MaxleafError) return error;
  return new MaxleafError("internal", "an internal error happened; the log has the cause", { cause: error });
}

/** `error` as an RFC 9457 body. */
export function toProblem(error: MaxleafError, instance?: string): ProblemDetails {
  return {
    ...error.details,
    type: `urn:maxleaf:error:${error.code}`,
    title: error.code.replaceAll("_", " "),
    status: error.status,
    code: error.code,
    detail: error.message,
    ...(instance === undefined ? {} : { instance }),
  };
}

/** A value for an error sentence: quoted, control characters escaped, cut to a readable length. */
export function quote(value: unknown, maxLength = 80): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length <= maxLength ? text : `${text.slice(0, maxLength)}…`;
}
