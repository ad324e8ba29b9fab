/**
 * Index names made from folder names.
 *
 * @module
 */
import { basename, resolve } from "node:path";
import { MAX_INDEX_NAME_CHARS } from "../../shared/limits.ts";

/** For a folder whose name has no letter or digit that an index name may have, and for single files. */
export const FALLBACK_INDEX_NAME = "documents";

/** `./My Reports (2023)` → `my-reports-2023`: the nearest valid index name. */
export function indexNameOf(folder: string): string {
  const plain = basename(resolve(folder))
    .normalize("NFKD")
    .toLowerCase()
    .replaceAll(/\p{Mark}/gu, "");
  const name = plain.replaceAll(/[^a-z0-9_]+/g, "-").replaceAll(/^[-_]+|-+$/g, "");
  return name.slice(0, MAX_INDEX_NAME_CHARS).replace(/-+$/, "") || FALLBACK_INDEX_NAME;
}
