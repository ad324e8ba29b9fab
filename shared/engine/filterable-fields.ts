/**
 * Which metadata fields a filter may name: all that documents have, or those that the index was created with.
 *
 * @module
 */
import { MaxleafError, quote } from "../errors.ts";
import type { Manifest } from "../format/manifest.ts";
import type { SearchFilter } from "./contract.ts";

/** Fields that the index was created with; undefined: a filter may name whatever some document has. */
export function declaredFields({ settings }: Pick<Manifest, "settings">): readonly string[] | undefined {
  return settings?.filterableFields;
}

/** Errors: `invalid_filter`, naming the fields there are, for one that the index was not created with. */
export function checkFilterFields(filter: SearchFilter | undefined, manifest: Manifest): void {
  const declared = declaredFields(manifest);
  const field = declared && Object.keys(filter?.metadata ?? {}).find((name) => !declared.includes(name));
  if (declared === undefined || field === undefined) return;
  const fields = declared.map((name) => quote(name)).join(", ");
  const allowed = declared.length === 0 ? "it filters by no field" : `it filters by ${fields}`;
  throw new MaxleafError(
    "invalid_filter",
    `index ${quote(manifest.index)} does not filter by field ${quote(field)}: ${allowed}`,
    { details: { filterableFields: declared } },
  );
}
