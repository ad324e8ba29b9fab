/**
 * The fingerprint of a recipe: vectors may be compared only if their recipes have the same one.
 *
 * @module
 */
import { sha256Hex } from "../names.ts";
import { FINGERPRINT_CHARS, type Recipe } from "./recipe.ts";

/** SHA-256 of the recipe's canonical JSON (keys sorted at every level, no white space), first 16 hex digits. */
export async function recipeFingerprint(recipe: Recipe): Promise<string> {
  return (await sha256Hex(new TextEncoder().encode(canonicalJson(recipe)))).slice(0, FINGERPRINT_CHARS);
}

/**
 * The fields in which two recipes differ, each as `name: "minilm-words" ≠ "minilm-dense"`, those of `extra` as
 * `extra.prompt: …`; empty if they are equal.
 */
export function explainMismatch(a: Recipe, b: Recipe): string[] {
  const [left, right] = [fieldsOf(a), fieldsOf(b)];
  return [...new Set([...left.keys(), ...right.keys()])]
    .map((field) => ({ field, was: canonicalJson(left.get(field)), is: canonicalJson(right.get(field)) }))
    .filter(({ was, is }) => was !== is)
    .map(({ field, was, is }) => `${field}: ${was} ≠ ${is}`);
}

function fieldsOf({ extra, ...fields }: Recipe): Map<string, unknown> {
  const extras = Object.entries(extra).map(([key, value]) => [`extra.${key}`, value] as const);
  return new Map<string, unknown>([...Object.entries(fields), ...extras]);
}

function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "undefined";
  const fields = Object.entries(value)
    .filter(([, field]) => field !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${fields.map(([key, field]) => `${JSON.stringify(key)}:${canonicalJson(field)}`).join(",")}}`;
}
