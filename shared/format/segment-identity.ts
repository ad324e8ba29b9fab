/**
 * What a segment's header must say, by the manifest that lists it.
 *
 * @module
 */
import type { SegmentIdentity } from "./contract.ts";
import type { Manifest, SegmentEntry } from "./manifest.ts";

/**
 * `codebookId` of a segment without any vector: scanned documents whose pages have no text layer yet. It needs no
 * codebook, so it can be written before the index has one, and it stays valid under whatever codebook comes later.
 * Such a segment has 0 subspaces.
 */
export const NO_CODEBOOK = "none";

/** The identity that `entry` of `manifest` must have: pass it to the segment's reader and writer. */
export function segmentIdentityOf(
  manifest: Pick<Manifest, "recipe" | "recipeFingerprint" | "codebook">,
  entry: Pick<SegmentEntry, "vectorCount">,
): SegmentIdentity {
  const coded = entry.vectorCount > 0 ? manifest.codebook : undefined;
  return {
    recipeFingerprint: manifest.recipeFingerprint,
    codebookId: coded?.id ?? NO_CODEBOOK,
    dim: manifest.recipe.dim,
    subspaces: coded?.subspaces ?? 0,
  };
}

/** The identity of a segment without vectors in an index whose other segments have the identity `coded`. */
export function uncodedIdentity(coded: SegmentIdentity): SegmentIdentity {
  return { ...coded, codebookId: NO_CODEBOOK, subspaces: 0 };
}
