/**
 * The life of an index: created empty, dropped and brought back. Each is one commit, so that all who read see it at once. Its
 * other names: change-aliases.ts.
 *
 * An index and an alias must not have one name. Whoever makes one looks for the other before it and after it, and takes its
 * own back when the other came meanwhile: of two who do so at once at least one sees the other.
 *
 * @module
 */
import { MaxleafError, quote } from "../../shared/errors.ts";
import { type Alias, readAlias, requireNoAlias } from "../../shared/format/aliases.ts";
import {
  type CommitOptions,
  commitManifest,
  type ManifestDraft,
  readManifestVersion,
  readNewestManifest,
} from "../../shared/format/manifest-store.ts";
import type { IndexSettings, Manifest } from "../../shared/format/manifest.ts";
import { parseIndexName } from "../../shared/names.ts";
import { systemClock } from "../../shared/ports.ts";
import { recipeFingerprint } from "../../shared/recipe/fingerprint.ts";
import { recipeMismatch } from "../../shared/recipe/mismatch.ts";
import type { Recipe } from "../../shared/recipe/recipe.ts";
import { layout } from "../../shared/store/layout.ts";
import type { ObjectStore } from "../../shared/store/object-store.ts";
import { referredSizes } from "../maintenance/export-format.ts";
import { listAll } from "../maintenance/list-all.ts";
import { draftOf } from "./commit-changes.ts";
import { checkSettings, settingsDifferences } from "./index-settings.ts";

/** The bucket, and how commits wait for each other. */
export interface LifeTarget extends CommitOptions {
  store: ObjectStore;
}

export interface NewIndex {
  index: string;
  /** As its model was loaded with: `loadedRecipe` gives it by name. Token pooling is part of it (`minilm-words-pool2`). */
  recipe: Recipe;
  settings?: IndexSettings | undefined;
}

export interface CreatedIndex {
  manifest: Manifest;
  /** False: there was such an index with the same recipe and settings already, and nothing was changed. */
  created: boolean;
}

/** What ends a commit that is not needed. */
class ExistsAlready extends Error {
  readonly manifest: Manifest;

  constructor(manifest: Manifest) {
    super("there is such an index already");
    this.name = "ExistsAlready";
    this.manifest = manifest;
  }
}

/**
 * Creates an index without documents: searches of it answer nothing. Under the name of a dropped index its versions go on,
 * and what was dropped cannot be restored any more. Asked for again it is left as it is, whatever it holds by now.
 *
 * @throws MaxleafError `invalid_name`; `invalid_request` for settings that the recipe cannot have; `name_taken` when an index
 *   with another recipe or other settings, or an alias, has the name; `commit_conflict`, `store_unavailable`.
 */
export async function createIndex(
  target: LifeTarget,
  { index, recipe, settings = {} }: NewIndex,
): Promise<CreatedIndex> {
  parseIndexName(index);
  const checked = checkSettings(settings, recipe);
  const fingerprint = await recipeFingerprint(recipe);
  const draft: ManifestDraft = {
    recipe,
    recipeFingerprint: fingerprint,
    segments: [],
    ...(checked && { settings: checked }),
  };
  try {
    const manifest = await commitUnlessAlias(target, index, async (current) => {
      if (current === undefined) return draft;
      requireSame(current, draft);
      throw new ExistsAlready(current);
    });
    return { manifest, created: true };
  } catch (error) {
    if (error instanceof ExistsAlready) return { manifest: error.manifest, created: false };
    throw error;
  }
}

function requireSame(current: Manifest, draft: ManifestDraft): void {
  const { index, recipe } = current;
  if (current.recipeFingerprint !== draft.recipeFingerprint) {
    const other = { recipeName: draft.recipe.name, ...draft };
    const { message } = recipeMismatch(`index ${quote(index)}`, current, "what was asked for", other);
    throw new MaxleafError("name_taken", `there is an index ${quote(index)} already: ${message}`);
  }
  const differences = settingsDifferences(current, draft.settings);
  if (differences.length === 0) return;
  throw new MaxleafError(
    "name_taken",
    `there is an index ${quote(index)} of ${recipe.name} already: ${differences.join("; ")}`,
  );
}

export interface DroppedIndex {
  /** Of the drop. */
  manifest: Manifest;
  /** What was dropped. */
  content: Manifest;
}

/**
 * Drops an index in one commit: from then on it is not there, for readers within the interval in which they look for news.
 * Its objects stay until a garbage collection after the grace period; until then {@link restoreIndex} brings it back.
 * Aliases that lead to it stay and lead nowhere.
 *
 * @throws MaxleafError `index_not_found`, also for an alias, which is not followed; `commit_conflict`, `store_unavailable`.
 */
export async function dropIndex(target: LifeTarget, index: string): Promise<DroppedIndex> {
  const alias = await readAlias(target.store, index);
  let content: Manifest | undefined;
  const manifest = await commitManifest(
    target.store,
    index,
    (current) => {
      if (current === undefined) throw notThere(index, alias);
      content = current;
      return droppedDraft(current, target);
    },
    target,
  );
  if (content === undefined) throw new MaxleafError("internal", `index ${quote(index)} was dropped unseen`);
  return { manifest, content };
}

function droppedDraft(current: Manifest, { clock = systemClock }: LifeTarget): ManifestDraft {
  const { recipe, recipeFingerprint: fingerprint, settings } = current;
  const droppedAtMs = clock.nowMs();
  return { recipe, recipeFingerprint: fingerprint, segments: [], ...(settings && { settings }), droppedAtMs };
}

function notThere(index: string, alias: Alias | undefined): MaxleafError {
  const hint = alias === undefined ? "" : `; it is an alias of ${quote(alias.index)}`;
  return new MaxleafError("index_not_found", `there is no index ${quote(index)}${hint}`);
}

/**
 * Brings a dropped index back as it was before the drop, as its next version.
 *
 * @throws MaxleafError `index_not_found` when no index of that name was dropped, or a garbage collection has removed what it
 *   held: then nothing is changed; `name_taken` when it was not dropped, or an alias has its name by now; `commit_conflict`,
 *   `store_unavailable`, `corrupt_data`.
 */
export async function restoreIndex(target: LifeTarget, index: string): Promise<Manifest> {
  const { store } = target;
  let source: Manifest | undefined;
  const restored = await commitUnlessAlias(target, index, async () => {
    source = await readDropped(store, index);
    return draftOf(source, source.segments);
  });
  // A collection removes manifests first, and looks for new ones before whatever it removes next: while the source's is
  // still there, none that has not seen this commit takes anything of it.
  if (source !== undefined && (await readManifestVersion(store, index, source.version)) !== undefined) return restored;
  await dropAgain(target, restored);
  throw collected(index, "a garbage collection began to remove it meanwhile");
}

/** What the dropped index `index` held, all of which is there. Errors: those of {@link restoreIndex}. */
async function readDropped(store: ObjectStore, index: string): Promise<Manifest> {
  const newest = await readNewestManifest(store, index);
  if (newest === undefined) throw new MaxleafError("index_not_found", `no index ${quote(index)} was dropped`);
  if (newest.droppedAtMs === undefined) {
    throw new MaxleafError("name_taken", `there is an index ${quote(index)}: it is not dropped`);
  }
  const source = await readManifestVersion(store, index, newest.version - 1);
  const when = `it was dropped on ${new Date(newest.droppedAtMs).toISOString()}`;
  if (source === undefined) throw collected(index, `${when}, and a garbage collection has removed it since`);
  const missing = await missingObjects(store, source);
  if (missing.length === 0) return source;
  throw collected(index, `${when}, and ${missing.length} of its objects are gone, ${missing[0]} among them`);
}

/** Keys of objects that `manifest` names and that are not there, or of another size. */
async function missingObjects(store: ObjectStore, manifest: Manifest): Promise<string[]> {
  const prefix = layout.index(manifest.index);
  const missing = referredSizes(manifest);
  const folders = new Set(Array.from(missing.keys(), (key) => key.slice(0, key.indexOf("/") + 1)));
  for (const folder of folders) {
    for await (const { key, size } of listAll(store, prefix + folder)) {
      const relative = key.slice(prefix.length);
      if (missing.get(relative) === size) missing.delete(relative);
    }
  }
  return [...missing.keys()];
}

function collected(index: string, why: string): MaxleafError {
  return new MaxleafError("index_not_found", `index ${quote(index)} cannot be restored: ${why}`);
}

/** Commits a version of an index that is made there. Errors: `name_taken` when an alias has the name. */
async function commitUnlessAlias(
  target: LifeTarget,
  index: string,
  mutate: (current: Manifest | undefined) => Promise<ManifestDraft>,
): Promise<Manifest> {
  const manifest = await commitManifest(
    target.store,
    index,
    async (current) => {
      if (current === undefined) await requireNoAlias(target.store, index);
      return await mutate(current);
    },
    target,
  );
  try {
    await requireNoAlias(target.store, index);
  } catch (error) {
    await dropAgain(target, manifest);
    throw error;
  }
  return manifest;
}

/** Takes `made` back, unless somebody has changed it since: then it stays, and wins over the alias. */
async function dropAgain(target: LifeTarget, made: Manifest): Promise<void> {
  const isOther = new Error("it has changed");
  try {
    await commitManifest(
      target.store,
      made.index,
      (current) => {
        if (current?.commitId !== made.commitId) throw isOther;
        return droppedDraft(current, target);
      },
      target,
    );
  } catch (error) {
    if (error !== isOther) throw error;
  }
}
