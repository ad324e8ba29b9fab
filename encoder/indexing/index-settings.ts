/**
 * What an index is created with: checked against its recipe, and compared with what an index has.
 *
 * @module
 */
import { MaxleafError, quote } from "../../shared/errors.ts";
import { type IndexSettings, indexSettingsSchema, type Manifest } from "../../shared/format/manifest.ts";
import { MAX_METADATA_FIELDS } from "../../shared/limits.ts";
import type { Recipe } from "../../shared/recipe/recipe.ts";
import { defaultSubspaces } from "./product-quantizer.ts";

/** Bytes a vector that an index may be created with: what docs/compression.md measures. */
export const SUBSPACE_CHOICES: readonly number[] = [8, 16, 32, 64];

/**
 * `settings` as a manifest has them: fields each once and in order, nothing that is absent. Undefined when nothing is set.
 *
 * @throws MaxleafError `invalid_request` for subspaces that are no codec, or into which the recipe's vectors cannot be cut;
 *   for fields without a name or more than a document may have.
 */
export function checkSettings(settings: IndexSettings, recipe: Recipe): IndexSettings | undefined {
  const { subspaces, filterableFields } = settings;
  if (subspaces !== undefined) checkSubspaces(subspaces, recipe);
  const fields = filterableFields && [...new Set(filterableFields)].toSorted();
  if ((fields?.length ?? 0) > MAX_METADATA_FIELDS) {
    const message = `${fields?.length} filterable fields are too many: a document has at most ${MAX_METADATA_FIELDS}`;
    throw new MaxleafError("invalid_request", message);
  }
  const checked = { ...(subspaces !== undefined && { subspaces }), ...(fields && { filterableFields: fields }) };
  if (indexSettingsSchema.safeParse(checked).success) return Object.keys(checked).length === 0 ? undefined : checked;
  throw new MaxleafError("invalid_request", `${quote(fields)} are no names of fields: one is empty`);
}

function checkSubspaces(subspaces: number, { name, dim }: Recipe): void {
  const possible = SUBSPACE_CHOICES.filter((choice) => dim % choice === 0);
  if (possible.includes(subspaces)) return;
  const what = SUBSPACE_CHOICES.includes(subspaces)
    ? `vectors of ${name} have ${dim} values, which cannot be cut into ${subspaces} equal parts`
    : `${quote(subspaces)} subspaces are none of ${SUBSPACE_CHOICES.join(", ")}`;
  throw new MaxleafError("invalid_request", `${what}; for ${name} there are ${possible.join(", ")}`);
}

/** In what an index differs from one that `settings` would make, in words; empty when in nothing. */
export function settingsDifferences(manifest: Manifest, settings: IndexSettings | undefined): string[] {
  const { dim } = manifest.recipe;
  const subspacesOf = (of: IndexSettings | undefined) => of?.subspaces ?? defaultSubspaces(dim);
  const [has, asked] = [subspacesOf(manifest.settings), subspacesOf(settings)];
  const [fields, askedFields] = [fieldsText(manifest.settings), fieldsText(settings)];
  return [
    ...(has === asked ? [] : [`it has ${has} subspaces, not ${asked}`]),
    ...(fields === askedFields ? [] : [`it filters by ${fields}, not by ${askedFields}`]),
  ];
}

function fieldsText(settings: IndexSettings | undefined): string {
  const fields = settings?.filterableFields;
  if (fields === undefined) return "any field";
  return fields.length === 0 ? "no field" : fields.map((field) => quote(field)).join(", ");
}
