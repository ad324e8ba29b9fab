/**
 * The encoder service as the edge calls it: `POST /v1/encode`, `Authorization: Bearer <ENCODER_SECRET>`.
 *
 * @module
 */
import { z } from "@hono/zod-openapi";
import { MAX_QUERY_CHARS } from "../limits.ts";
import { recipeSchema } from "../recipe/recipe.ts";
import { tokenSchema } from "./search.ts";

export const encodeRequestSchema = z
  .strictObject({ recipe: z.string().min(1).max(64), query: z.string().min(1).max(MAX_QUERY_CHARS) })
  .openapi("EncodeRequest");

export const encodeResponseSchema = z
  .object({
    recipe: z.string(),
    recipeFingerprint: z.string(),
    /** The recipe that made the vectors, so that a refusal can say what differs. Absent: an encoder of an older version. */
    loadedRecipe: recipeSchema.optional(),
    dim: z.number().int().positive(),
    tokens: z.array(tokenSchema),
    /** `[tokens.length, dim]` float32, little-endian, base64. */
    vectors: z.base64(),
  })
  .openapi("EncodeResponse");

export type EncodeRequestBody = z.infer<typeof encodeRequestSchema>;
export type EncodeResponseBody = z.infer<typeof encodeResponseSchema>;
