/**
 * The identity section: what the vectors of a file mean. Every object that holds vectors has one, and every reader
 * compares it with what the manifest says.
 *
 * @module
 */
import { MaxleafError, quote } from "../errors.ts";
import { MAX_DIM, MAX_SUBSPACES } from "../limits.ts";
import { ByteReader, ByteWriter, corrupt } from "./bytes.ts";
import type { SegmentIdentity } from "./contract.ts";

const FIELDS = ["recipeFingerprint", "codebookId", "dim", "subspaces"] as const;

export function encodeIdentity(identity: SegmentIdentity): Uint8Array {
  return new ByteWriter()
    .u32(identity.dim)
    .u32(identity.subspaces)
    .shortString(identity.recipeFingerprint)
    .shortString(identity.codebookId)
    .finish();
}

export function decodeIdentity(bytes: Uint8Array, what: string): SegmentIdentity {
  const reader = new ByteReader(bytes, what);
  const dim = reader.u32("dim");
  const subspaces = reader.u32("subspaces");
  if (dim === 0 || dim > MAX_DIM) throw corrupt(what, `${dim} dimensions are not between 1 and ${MAX_DIM}`);
  if (subspaces > MAX_SUBSPACES) throw corrupt(what, `${subspaces} subspaces are more than ${MAX_SUBSPACES}`);
  const recipeFingerprint = reader.shortString("recipe fingerprint");
  const codebookId = reader.shortString("codebook id");
  reader.expectEnd();
  return { recipeFingerprint, codebookId, dim, subspaces };
}

/** Throws `recipe_mismatch` naming the first field in which `found` is not what the index expects. */
export function checkIdentity(found: SegmentIdentity, expected: Partial<SegmentIdentity>, what: string): void {
  for (const field of FIELDS) {
    if (expected[field] === undefined || found[field] === expected[field]) continue;
    throw new MaxleafError(
      "recipe_mismatch",
      `${what} was made under another recipe: its ${field} is ${quote(found[field])}, the index has ${quote(expected[field])}`,
      { details: { field, found: found[field], expected: expected[field] } },
    );
  }
}
