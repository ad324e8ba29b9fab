/**
 * `POST /v1/encode`: a question to its vectors (contract: shared/api/encode.ts).
 *
 * @module
 */
import type { Context } from "hono";
import { encodeRequestSchema, type EncodeRequestBody, type EncodeResponseBody } from "../../shared/api/encode.ts";
import { MaxleafError, quote } from "../../shared/errors.ts";
import { MAX_SEARCH_BODY_BYTES } from "../../shared/limits.ts";
import type { Admission } from "./admission.ts";
import type { QueryWithRecipe, ServiceEncoder } from "./query-encoder.ts";
import { readText } from "./read-body.ts";
import type { ServiceEnv } from "./service-env.ts";

/** Answers with the vectors. Errors: those of reading the body, of `Admission.run` and of the encoder. */
export function encodeRoute(encoder: ServiceEncoder, admission: Admission) {
  return async (c: Context<ServiceEnv>): Promise<Response> => {
    const { recipe, query } = await readBody(c);
    const encoded = await admission.run(() => encoder.encode(recipe, query), c.req.raw.signal);
    return c.json(toBody(recipe, encoded));
  };
}

async function readBody(c: Context<ServiceEnv>): Promise<EncodeRequestBody> {
  const contentType = c.req.header("content-type");
  if (contentType?.split(";")[0]?.trim().toLowerCase() !== "application/json") {
    throw new MaxleafError("unsupported_media_type", `send application/json, not ${quote(contentType ?? "nothing")}`);
  }
  const parsed = encodeRequestSchema.safeParse(parseJson(await readText(c.req.raw, MAX_SEARCH_BODY_BYTES)));
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const field = issue === undefined || issue.path.length === 0 ? "the body" : issue.path.join(".");
  throw new MaxleafError("invalid_request", `${field}: ${issue?.message ?? "is not as agreed"}`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new MaxleafError("invalid_json", "the body is no JSON", { cause });
  }
}

function toBody(recipe: string, { encoded, loadedRecipe }: QueryWithRecipe): EncodeResponseBody {
  const { buffer, byteOffset, byteLength } = encoded.vectors;
  return {
    recipe,
    recipeFingerprint: encoded.recipeFingerprint,
    loadedRecipe,
    dim: encoded.dim,
    tokens: encoded.tokens,
    // Little-endian: so are x64 and arm64, all that ONNX Runtime has binaries for.
    vectors: Buffer.from(buffer, byteOffset, byteLength).toString("base64"),
  };
}
