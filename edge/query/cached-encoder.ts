/**
 * Query vectors, from the data centre's cache where it has them: questions repeat, and encoding is the slowest step.
 *
 * @module
 */
import { encodeResponseSchema, type EncodeResponseBody } from "../../shared/api/encode.ts";
import type { EncodedQuery } from "../../shared/engine/contract.ts";
import type { MaxleafError } from "../../shared/errors.ts";
import { sha256Hex } from "../../shared/names.ts";
import { recipeMismatch, type VectorOrigin } from "../../shared/recipe/mismatch.ts";
import { describeCauses, logError } from "../http/log.ts";
import { decodeEncodedQuery } from "./encoded-query.ts";
import type { EncodeQuery } from "./encoder-client.ts";

/** A recipe's fingerprint fixes its vectors, so age cannot make them wrong; a day bounds how long questions are kept. */
const CACHE_TTL_SECONDS = 86_400;

/** Only a cache key: nothing answers at this address (RFC 6761 keeps `.invalid` for that). */
const CACHE_ORIGIN = "https://query-vectors.invalid";

export interface CachedEncoding {
  encoded: EncodedQuery;
  cached: boolean;
}

/** The part of a request's context that outlives its response. */
export interface Background {
  waitUntil(work: Promise<unknown>): void;
}

export interface CachedEncoder {
  /** Errors: those of {@link EncodeQuery}, and `recipe_mismatch` when the encoder's recipe is not the index's. */
  encode(indexed: VectorOrigin, query: string, background: Background): Promise<CachedEncoding>;
}

/** Puts `cache` before `encodeQuery`. `query` must be normalised: it is the key. A cache that fails is a cache that misses. */
export function createCachedEncoder(encodeQuery: EncodeQuery, cache: Cache): CachedEncoder {
  return {
    async encode(indexed, query, background) {
      const key = await cacheKey(indexed.recipeFingerprint, query);
      const known = await lookUp(cache, key);
      if (known !== undefined) return { encoded: known, cached: true };

      const answer = await encodeQuery(indexed.recipe.name, query);
      if (answer.recipeFingerprint !== indexed.recipeFingerprint) throw mismatch(indexed, answer);
      const encoded = decodeEncodedQuery(answer);
      background.waitUntil(store(cache, key, { ...answer, loadedRecipe: undefined }));
      return { encoded, cached: false };
    },
  };
}

async function cacheKey(fingerprint: string, query: string): Promise<string> {
  const digest = await sha256Hex(new TextEncoder().encode(query));
  return `${CACHE_ORIGIN}/${encodeURIComponent(fingerprint)}/${digest}`;
}

async function lookUp(cache: Cache, key: string): Promise<EncodedQuery | undefined> {
  try {
    const response = await cache.match(key);
    if (response === undefined) return undefined;
    return decodeEncodedQuery(encodeResponseSchema.parse(await response.json()));
  } catch (error) {
    logError("the query cache could not be read", { causes: describeCauses(error) });
    return undefined;
  }
}

async function store(cache: Cache, key: string, answer: EncodeResponseBody): Promise<void> {
  try {
    await cache.put(key, Response.json(answer, { headers: { "Cache-Control": `max-age=${CACHE_TTL_SECONDS}` } }));
  } catch (error) {
    logError("the query cache could not be written", { causes: describeCauses(error) });
  }
}

function mismatch(indexed: VectorOrigin, answer: EncodeResponseBody): MaxleafError {
  const { recipe: recipeName, loadedRecipe: recipe, recipeFingerprint } = answer;
  return recipeMismatch("the index", indexed, "the encoder", { recipeName, recipe, recipeFingerprint });
}
