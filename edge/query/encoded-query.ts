/**
 * The encoder's answer as the engine's query.
 *
 * @module
 */
import type { EncodeResponseBody } from "../../shared/api/encode.ts";
import type { EncodedQuery } from "../../shared/engine/contract.ts";
import { MaxleafError } from "../../shared/errors.ts";
import { MAX_DIM, MAX_QUERY_TOKENS } from "../../shared/limits.ts";

const FLOAT32_BYTES = 4;

/** Decodes `[tokens, dim]` vectors. Errors: `encoder_unavailable` when count, length or values cannot be; `empty_query` for none. */
export function decodeEncodedQuery(body: EncodeResponseBody): EncodedQuery {
  const { dim, tokens } = body;
  if (tokens.length === 0) throw new MaxleafError("empty_query", "the query has no token that can be searched for");
  if (dim > MAX_DIM || tokens.length > MAX_QUERY_TOKENS) {
    throw malformed(`${tokens.length} vectors of ${dim} dimensions are more than ${MAX_QUERY_TOKENS} of ${MAX_DIM}`);
  }
  const bytes = decodeBase64(body.vectors);
  const expectedBytes = tokens.length * dim * FLOAT32_BYTES;
  if (bytes.byteLength !== expectedBytes) {
    throw malformed(
      `${bytes.byteLength} bytes of vectors where ${tokens.length} × ${dim} float32 take ${expectedBytes}`,
    );
  }
  const vectors = new Float32Array(bytes.buffer);
  if (!vectors.every(Number.isFinite)) throw malformed("a vector has a value that is not finite");
  return { recipeFingerprint: body.recipeFingerprint, dim, tokenCount: tokens.length, vectors, tokens };
}

function decodeBase64(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
}

function malformed(what: string): MaxleafError {
  return new MaxleafError("encoder_unavailable", `the encoder's answer is malformed: ${what}`);
}
