/**
 * Conditional reads (RFC 9110, section 13.1.2).
 *
 * @module
 */

/** Whether an `If-None-Match` header names `etag`, by weak comparison, or is `*`. */
export function matchesEtag(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  if (ifNoneMatch.trim() === "*") return true;
  const opaque = etag.replace(/^W\//, "");
  return ifNoneMatch.split(",").some((candidate) => candidate.trim().replace(/^W\//, "") === opaque);
}
