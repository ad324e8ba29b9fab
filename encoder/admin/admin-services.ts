/**
 * What the writing routes work with. A service has them when it was given a bucket and a queue.
 *
 * @module
 */
import type { Recipe } from "../../shared/recipe/recipe.ts";
import type { ObjectStore } from "../../shared/store/object-store.ts";
import type { UrlAllowList } from "../fetch/allow-list.ts";
import type { Tasks } from "../tasks/contract.ts";

export interface PresignedPut {
  url: string;
  /** To be sent with the file. */
  headers: Record<string, string>;
}

/** An address of the bucket that takes one file of exactly `bytes` bytes under `key`, without any key of ours. */
export type PresignPut = (
  key: string,
  file: { bytes: number; contentType: string; expiresInSeconds: number },
) => Promise<PresignedPut>;

export interface AdminServices {
  store: ObjectStore;
  tasks: Tasks;
  /** Absent: large files cannot pass this service by. */
  presignPut?: PresignPut | undefined;
  /** Where documents may be fetched from. */
  documentUrls: UrlAllowList;
  /** Where webhooks may be sent to. */
  webhookUrls: UrlAllowList;
  /** A recipe as its model is loaded with. Errors: `recipe_not_found`, `model_unavailable`. */
  recipeOf: (name: string) => Promise<Recipe>;
  /** What could not be tidied up. */
  onWarning?: ((message: string) => void) | undefined;
}
