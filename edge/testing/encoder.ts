/**
 * An encoder for tests in workerd, which cannot reach a server outside: it speaks the wire protocol of
 * shared/api/encode.ts. The real service is tested against the real worker in test/e2e.
 *
 * @module
 */
import { type EncodeRequestBody, encodeRequestSchema, type EncodeResponseBody } from "../../shared/api/encode.ts";

/** Makes a vector of length 1 for one token. */
export type TokenVector = (token: string) => Float32Array;

/** The recipe that {@link encodeAnswer} claims. */
export interface AnsweringRecipe {
  name: string;
  fingerprint: string;
  dim: number;
}

/** The answer of a well-behaved encoder: one token a word, each vector by `vectorOf`. */
export function encodeAnswer(query: string, recipe: AnsweringRecipe, vectorOf: TokenVector): EncodeResponseBody {
  const tokens = [...query.matchAll(/\S+/g)].map((match) => ({
    text: match[0],
    start: match.index,
    end: match.index + match[0].length,
  }));
  const vectors = new Float32Array(tokens.length * recipe.dim);
  for (const [position, token] of tokens.entries()) vectors.set(vectorOf(token.text), position * recipe.dim);
  return {
    recipe: recipe.name,
    recipeFingerprint: recipe.fingerprint,
    dim: recipe.dim,
    tokens,
    vectors: toBase64(vectors),
  };
}

/** Little-endian bytes of `values`, in base64. */
export function toBase64(values: Float32Array): string {
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}

/** The body of a request to the encoder, checked as the service checks it. */
export async function readEncodeRequest(request: Request): Promise<EncodeRequestBody> {
  return encodeRequestSchema.parse(await request.json());
}
