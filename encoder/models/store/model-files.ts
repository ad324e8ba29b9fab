/**
 * The files of a model on this machine: found, and proven to be what the lock says, before a session opens them.
 *
 * @module
 */
import { stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { MaxleafError, quote } from "../../../shared/errors.ts";
import type { Recipe } from "../../../shared/recipe/recipe.ts";
import { DEFAULT_DATA_DIR } from "../../local/data-dir.ts";
import type { LoadOptions, RegistryEntry } from "../model.ts";
import { fileFacts } from "./file-checksum.ts";
import { isMissing, type LockedFile, type ModelLock, PARTS_FOLDER, readModelLock } from "./model-lock.ts";

/** Below the data folder, where `maxleaf models pull` puts models, one folder each, called as the recipe. */
export const MODELS_FOLDER = "models";

/** The revision of files that no lock says the commit of: their checksums alone say what they are. */
export const LOCAL_REVISION = "local";

/** The commit of a lock, or `local`. */
export type FilesOrigin = Pick<ModelLock, "repository" | "commit" | "files">;

/** Files of a model that are there and as the lock says. */
export interface ModelFiles {
  /** Absolute. */
  folder: string;
  /** What the files are: the folder's lock, or, of a folder without one, commit `local` and the checksums just taken. */
  lock: FilesOrigin;
  /** Absolute path of a file of the card. Throws for one that the card does not list: a fault of the recipe. */
  path: (file: string) => string;
}

/**
 * Finds the files that the card lists and checks them: their size always, their SHA-256 once per process. They are looked for
 * in `options.modelFolder`, else in the recipe's own folder below `options.modelsFolder`, else in `modelsFolder` itself if it
 * holds the files. Files that no lock lists are taken as they are; {@link pinnedRecipe} tells them apart by checksum.
 *
 * Errors: `model_unavailable` for a missing file, one that is not what the lock says, and a folder of another repository; it
 * names the file and the command that fetches it.
 */
export async function openModelFiles(
  { recipe, card }: Pick<RegistryEntry, "recipe" | "card">,
  options: LoadOptions,
): Promise<ModelFiles> {
  const folder = await findModelFolder(recipe.name, card.files, options);
  const lock = await readModelLock(folder);
  if (lock !== undefined && lock.repository !== card.repository) {
    const what = `${quote(folder, 200)} holds the model ${quote(lock.repository)}, not ${quote(card.repository)}`;
    throw unavailable(recipe.name, what);
  }
  if (lock === undefined && (await exists(join(folder, PARTS_FOLDER)))) {
    throw unavailable(recipe.name, `the pull into ${quote(folder, 200)} is not finished`);
  }
  const files: LockedFile[] = [];
  // One at a time: hashing is bound by one core or the disk, and the first broken file is the one to report.
  for (const file of card.files) {
    files.push(
      lock === undefined
        ? await checkLocal(recipe.name, folder, file)
        : await checkLocked(recipe.name, folder, file, lock),
    );
  }
  const known = new Set(card.files);
  return {
    folder,
    lock: { repository: card.repository ?? LOCAL_REVISION, commit: lock?.commit ?? LOCAL_REVISION, files },
    path: (file) => {
      if (known.has(file)) return join(folder, file);
      throw new Error(`the card of ${recipe.name} does not list the file ${file}`);
    },
  };
}

/**
 * The recipe as it is loaded from `lock`: its revision is the commit, and the checksum of every file is a field of `extra`
 * (`sha256:PATH`), so that two fingerprints are equal only if the weights are.
 */
export function pinnedRecipe(recipe: Recipe, lock: Pick<FilesOrigin, "commit" | "files">): Recipe {
  const checksums = lock.files.map(({ path, sha256 }) => [`sha256:${path}`, sha256] as const);
  return { ...recipe, revision: lock.commit, extra: { ...recipe.extra, ...Object.fromEntries(checksums) } };
}

/** Whether the recipe's folder has `file`, which the card need not list: a graph that only its user has. */
export async function hasModelFile(name: string, file: string, options: LoadOptions): Promise<boolean> {
  return await exists(join(await findModelFolder(name, [file], options), file));
}

/** Where the files of a recipe are or would be. Absolute. */
export async function findModelFolder(
  name: string,
  files: readonly string[],
  { modelFolder, modelsFolder = join(DEFAULT_DATA_DIR, MODELS_FOLDER) }: LoadOptions,
): Promise<string> {
  if (modelFolder !== undefined) return resolve(modelFolder);
  const own = resolve(modelsFolder, name);
  if (await exists(own)) return own;
  const first = files[0];
  const holdsFiles = first !== undefined && (await exists(resolve(modelsFolder, first)));
  return holdsFiles ? resolve(modelsFolder) : own;
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch {
    return false;
  }
}

async function checkLocal(name: string, folder: string, file: string): Promise<LockedFile> {
  await fileSize(name, folder, file);
  return { path: file, ...(await factsOf(name, join(folder, file))) };
}

async function checkLocked(name: string, folder: string, file: string, lock: FilesOrigin): Promise<LockedFile> {
  const locked = lock.files.find(({ path }) => path === file);
  // Put there by hand, beside what was pulled: a graph that nobody publishes. Its checksum is in the fingerprint all the same.
  if (locked === undefined) return await checkLocal(name, folder, file);
  const bytes = await fileSize(name, folder, file);
  const path = join(folder, file);
  if (bytes !== locked.bytes) {
    throw unavailable(name, `${quote(path, 200)} has ${bytes} bytes where its lock says ${locked.bytes}`, file);
  }
  const { sha256 } = await factsOf(name, path);
  if (sha256 === locked.sha256) return locked;
  throw unavailable(name, `${quote(path, 200)} has SHA-256 ${sha256} where its lock says ${locked.sha256}`, file);
}

async function fileSize(name: string, folder: string, file: string): Promise<number> {
  const path = join(folder, file);
  try {
    const facts = await stat(path);
    if (facts.isFile()) return facts.size;
  } catch (cause) {
    if (!isMissing(cause)) throw unreadable(name, path, cause);
  }
  throw unavailable(name, `the file ${quote(file)} of the model is not in ${quote(folder, 200)}`, file);
}

async function factsOf(name: string, path: string) {
  try {
    return await fileFacts(path);
  } catch (cause) {
    throw unreadable(name, path, cause);
  }
}

function unreadable(name: string, path: string, cause: unknown): MaxleafError {
  const why = cause instanceof Error ? cause.message : String(cause);
  const message = `the model of ${quote(name)} cannot be used: ${quote(path, 200)} cannot be read: ${why}`;
  return new MaxleafError("model_unavailable", message, { cause });
}

function unavailable(name: string, what: string, file?: string): MaxleafError {
  const command = `maxleaf models pull ${name}`;
  return new MaxleafError(
    "model_unavailable",
    `the model of ${quote(name)} cannot be used: ${what}; "${command}" fetches it`,
    {
      details: { command, ...(file !== undefined && { file }) },
    },
  );
}
