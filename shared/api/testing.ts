/**
 * The writing routes, for tests of who may use them.
 *
 * @module
 */

/** Method and an example of a path each; none must answer without its key. */
export const ADMIN_ROUTES = [
  ["POST", "/v1/indexes"],
  ["DELETE", "/v1/indexes/a"],
  ["POST", "/v1/indexes/a/restore"],
  ["POST", "/v1/indexes/a/compact"],
  ["POST", "/v1/indexes/a/retrain"],
  ["POST", "/v1/indexes/a/documents"],
  ["POST", "/v1/indexes/a/documents/delete"],
  ["DELETE", "/v1/indexes/a/documents/0123456789abcdef0123"],
  ["PATCH", "/v1/indexes/a/documents/0123456789abcdef0123"],
  ["POST", "/v1/indexes/a/uploads"],
  ["PUT", "/v1/uploads/5b0a6a52-5a0e-4b56-9f0a-0c7a8b6f6a11"],
  ["GET", "/v1/tasks"],
  ["GET", "/v1/tasks/0"],
  ["POST", "/v1/tasks/0/cancel"],
  ["GET", "/v1/aliases"],
  ["PUT", "/v1/aliases/a"],
  ["DELETE", "/v1/aliases/a"],
] as const;
