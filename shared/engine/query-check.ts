/**
 * What a request must be before any work is done for it.
 *
 * @module
 */
import { MaxleafError, quote } from "../errors.ts";
import type { Manifest } from "../format/manifest.ts";
import { checkFinite } from "../kernel/kernel-query.ts";
import { MAX_K, MAX_QUERY_TOKENS } from "../limits.ts";
import type { EncodedQuery, SearchRequest } from "./contract.ts";

/**
 * Errors: `recipe_mismatch` naming the field in which query and index differ, `empty_query`, `query_too_long`,
 * `invalid_request` for vectors that are not what the query says.
 */
export function checkQuery(query: EncodedQuery, manifest: Manifest): void {
  requireEqual("recipeFingerprint", query.recipeFingerprint, manifest.recipeFingerprint, manifest);
  requireEqual("dim", query.dim, manifest.recipe.dim, manifest);
  const { tokenCount, dim, vectors, tokens } = query;
  if (tokenCount === 0) throw new MaxleafError("empty_query", "the query has no words that the model knows");
  if (tokenCount > MAX_QUERY_TOKENS) {
    throw new MaxleafError("query_too_long", `the query has ${tokenCount} tokens; ${MAX_QUERY_TOKENS} are the most`);
  }
  if (tokens.length !== tokenCount || vectors.length !== tokenCount * dim) {
    throw new MaxleafError(
      "invalid_request",
      `a query of ${tokenCount} tokens came with ${tokens.length} token names and ${vectors.length} vector values`,
    );
  }
  checkFinite(vectors);
}

/** Errors: `invalid_request` naming the number that is out of range. */
export function checkCounts(request: Pick<SearchRequest, "k" | "candidates" | "exact">): void {
  requireCount("k", request.k, 1, MAX_K);
  if (request.candidates !== undefined) requireCount("candidates", request.candidates, 1, Number.MAX_SAFE_INTEGER);
  if (request.exact !== undefined) requireCount("exact", request.exact, 0, Number.MAX_SAFE_INTEGER);
}

function requireEqual(field: string, found: unknown, expected: unknown, manifest: Manifest): void {
  if (found === expected) return;
  throw new MaxleafError(
    "recipe_mismatch",
    `the query was not encoded by the index's recipe ${manifest.recipe.name}: its ${field} is ${quote(found)}, the index has ${quote(expected)}`,
    { details: { field, found, expected } },
  );
}

function requireCount(name: string, value: number, lowest: number, highest: number): void {
  if (Number.isInteger(value) && value >= lowest && value <= highest) return;
  const range = highest === Number.MAX_SAFE_INTEGER ? `${lowest} or more` : `${lowest} to ${highest}`;
  throw new MaxleafError("invalid_request", `${name} is ${quote(value)}; it must be a whole number, ${range}`);
}
