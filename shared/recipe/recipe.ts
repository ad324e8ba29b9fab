/**
 * A recipe is everything that decides what a vector means. Two vectors may be compared only if their recipes have the
 * same fingerprint; it is stored in codebooks, segments and manifests and checked before every query.
 *
 * @module
 */
import { z } from "zod";

/** What one vector stands for on the page, and so what lights up when it matches. */
export const geometryKinds = ["words", "regions", "grid"] as const;
export type GeometryKind = (typeof geometryKinds)[number];

/** Far beyond the factors 2 and 3 that docs/compression.md measures. Ours. */
const MAX_TOKEN_POOLING = 16;

/** At 1 a page of 1,000 vectors would lose 7 for each query token, which has a cosine of 1 at most. Ours. */
const MAX_LENGTH_PRIOR = 1;

export const recipeSchema = z.strictObject({
  /** Registry name, for people: `minilm-words`. */
  name: z.string().min(1).max(64),
  /** Upstream model id and pinned revision or weights checksum. */
  model: z.string().min(1),
  revision: z.string().min(1),
  dim: z.number().int().positive(),
  /** `late`: a vector per token or patch. `dense`: a vector per window, one query vector. */
  interaction: z.enum(["late", "dense"]),
  geometry: z.enum(geometryKinds),
  queryPrefix: z.string(),
  documentPrefix: z.string(),
  /** Longest input in tokens, specials included, and the overlap of neighbouring windows in tokens. */
  windowTokens: z.number().int().positive(),
  windowOverlapTokens: z.number().int().nonnegative(),
  /** `none`, `mean` (mask-weighted), `cls`. */
  pooling: z.enum(["none", "mean", "cls"]),
  /**
   * Page vectors that become one by token pooling; absent: none do. Question vectors are never pooled. Optional, so that the
   * fingerprints of recipes without it stay what they were.
   */
  tokenPooling: z.number().int().min(2).max(MAX_TOKEN_POOLING).optional(),
  /**
   * b of the length prior: a page's score by vectors is Σ of its cosines − b · query tokens · ln(1 + page vectors), see
   * `length-prior.ts`; absent: the sum alone. Optional for the same reason.
   */
  lengthPrior: z.number().positive().max(MAX_LENGTH_PRIOR).optional(),
  /** Checksum of the fixed projection (centre and matrix), or `none`. */
  projection: z.string().min(1),
  /** Which positions are dropped: `specials` ([CLS], [SEP], [PAD]), … */
  dropped: z.string(),
  /**
   * Word pieces of the document's name, at most, whose vectors every page with words has besides its own, in no region; absent: none
   * have. Optional for the same reason.
   */
  documentNamePieces: z.number().int().positive().optional(),
  /** Further facts a family needs (prompt, resize kernel, marker ids). */
  extra: z.record(z.string(), z.string()),
});

export type Recipe = z.infer<typeof recipeSchema>;

/** Hex digits of a fingerprint: 64 bits. */
export const FINGERPRINT_CHARS = 16;
