/**
 * The writing routes' services over an S3-compatible bucket.
 *
 * @module
 */
import { outsideUrlsOf } from "../fetch/outside-urls.ts";
import { loadedRecipe } from "../models/loaded-recipe.ts";
import type { LoadOptions } from "../models/model.ts";
import type { S3Store } from "../storage/s3-store.ts";
import type { Tasks } from "../tasks/contract.ts";
import type { AdminServices } from "./admin-services.ts";

export interface OpenAdminOptions {
  store: S3Store;
  tasks: Tasks;
  /** Has the lists of allowed hosts. */
  env: Readonly<Record<string, string | undefined>>;
  /** Where models are. */
  modelOptions?: LoadOptions | undefined;
  onWarning?: ((message: string) => void) | undefined;
}

/** Errors: `invalid_request` for a list of hosts that is none. */
export function openAdmin({ store, tasks, env, modelOptions, onWarning }: OpenAdminOptions): AdminServices {
  const { documents, webhooks } = outsideUrlsOf(env);
  return {
    store,
    tasks,
    presignPut: async (key, file) => await store.presignPut(key, file),
    documentUrls: documents,
    webhookUrls: webhooks,
    recipeOf: async (name) => await loadedRecipe(name, modelOptions),
    onWarning,
  };
}
