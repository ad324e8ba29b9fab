/**
 * Indexes created, dropped and restored, and their aliases.
 *
 * @module
 */
import {
  type AliasBody,
  type ChangedIndexBody,
  createIndexSchema,
  maintainIndexSchema,
  putAliasSchema,
  removeAliasQuerySchema,
} from "../../shared/api/admin.ts";
import type { Task } from "../../shared/api/tasks.ts";
import { MaxleafError, quote } from "../../shared/errors.ts";
import { type Alias, listAliases, resolveIndexName } from "../../shared/format/aliases.ts";
import { readManifest } from "../../shared/format/manifest-store.ts";
import type { Manifest } from "../../shared/format/manifest.ts";
import { parseIndexName } from "../../shared/names.ts";
import { removeAlias, setAlias } from "../indexing/change-aliases.ts";
import { createIndex, dropIndex, restoreIndex } from "../indexing/index-life.ts";
import { DEFAULT_RECIPE } from "../models/registry.ts";
import type { AdminServices } from "./admin-services.ts";
import { parseBy, readJson, readOptionalJson } from "./read-json.ts";

/**
 * Creates the index of the body; `created` is false when it was there like this. Errors: those of `readJson`,
 * `AdminServices.recipeOf` and `createIndex`.
 */
export async function createOne(
  { store, recipeOf }: AdminServices,
  request: Request,
): Promise<{ created: boolean; body: ChangedIndexBody }> {
  const { name, recipe = DEFAULT_RECIPE, settings } = await readJson(request, createIndexSchema);
  const index = parseIndexName(name);
  const { manifest, created } = await createIndex({ store }, { index, recipe: await recipeOf(recipe), settings });
  return { created, body: toBody(manifest) };
}

/** Errors: those of `dropIndex`. */
export async function dropOne({ store }: AdminServices, index: string): Promise<ChangedIndexBody> {
  return toBody((await dropIndex({ store }, index)).manifest);
}

/** Errors: those of `restoreIndex`. */
export async function restoreOne({ store }: AdminServices, index: string): Promise<ChangedIndexBody> {
  return toBody(await restoreIndex({ store }, parseIndexName(index)));
}

function toBody({ index, recipe, settings, version, droppedAtMs }: Manifest): ChangedIndexBody {
  return {
    index,
    recipe: recipe.name,
    ...(settings && { settings }),
    manifestVersion: version,
    ...(droppedAtMs !== undefined && { droppedAt: new Date(droppedAtMs).toISOString() }),
  };
}

/** Makes the task that does `type` to an index. Errors: those of `readOptionalJson`; `index_not_found`; those of `Tasks.create`. */
export async function maintain(
  { store, tasks, webhookUrls }: AdminServices,
  type: "index.compact" | "index.retrain",
  name: string,
  request: Request,
): Promise<Task> {
  const { webhook } = await readOptionalJson(request, maintainIndexSchema);
  const webhookUrl = webhook && webhookUrls.check(webhook.url).href;
  const index = await resolveIndexName(store, name);
  if ((await readManifest(store, index)) === undefined) {
    throw new MaxleafError("index_not_found", `there is no index ${quote(name)}`);
  }
  return await tasks.create({ type, index, webhookUrl });
}

/** Leads an alias to the index of the body. Errors: those of `readJson` and `setAlias`. */
export async function putAlias(
  { store }: AdminServices,
  name: string,
  request: Request,
): Promise<{ created: boolean; body: AliasBody }> {
  const { index, expected } = await readJson(request, putAliasSchema);
  const changed = await setAlias({ store }, { name, index, expected });
  return { created: changed.previous === undefined, body: toAliasBody(changed) };
}

/** Errors: those of `parseBy` and `removeAlias`. */
export async function deleteAlias(
  { store }: AdminServices,
  name: string,
  query: Record<string, string>,
): Promise<AliasBody> {
  const { expected } = parseBy(removeAliasQuerySchema, query);
  return toAliasBody(await removeAlias({ store }, { name, expected }));
}

/** Errors: those of `listAliases`. */
export async function aliasesOf({ store }: AdminServices): Promise<{ aliases: AliasBody[] }> {
  return { aliases: (await listAliases(store)).map(toAliasBody) };
}

function toAliasBody({ name, index, changedAtMs }: Alias): AliasBody {
  return { name, index, changedAt: new Date(changedAtMs).toISOString() };
}
