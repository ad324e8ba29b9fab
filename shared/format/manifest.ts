/**
 * The manifest: the list of live segments and deletions. Committing the next version, put-if-absent, is the only way an
 * index changes.
 *
 * @module
 */
import { z } from "zod";
import { recipeSchema } from "../recipe/recipe.ts";

/** Version of the manifest's own layout. */
export const MANIFEST_FORMAT = 1;

const count = z.number().int().nonnegative();

export const segmentEntrySchema = z.strictObject({
  /** Object key part; unique for ever. */
  id: z.string().regex(/^[0-9a-f-]{8,64}$/),
  bytes: count,
  /** Bytes of the `.vectors` object. */
  vectorsBytes: count,
  documentCount: count,
  pageCount: count,
  searchablePageCount: count,
  vectorCount: count,
  /** Ordinals (positions in the segment's document table) of deleted or replaced documents, ascending. */
  deletedDocuments: z.array(count),
});
export type SegmentEntry = z.infer<typeof segmentEntrySchema>;

export const manifestSchema = z.strictObject({
  format: z.literal(MANIFEST_FORMAT),
  index: z.string(),
  /** 1, 2, 3, …: the number in its key. */
  version: z.number().int().positive(),
  /** Unique, so that equal lists never have equal bytes (R2 ETags hash content). */
  commitId: z.uuid(),
  committedAtMs: count,
  recipe: recipeSchema,
  recipeFingerprint: z.string(),
  /** Undefined until the first searchable page was added. */
  codebook: z
    .strictObject({ id: z.string(), bytes: count, centroidCount: count, subspaces: count, trainedOnVectors: count })
    .optional(),
  segments: z.array(segmentEntrySchema),
});
export type Manifest = z.infer<typeof manifestSchema>;
