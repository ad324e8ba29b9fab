/**
 * `maxleaf models remove`: the way back of a pull.
 *
 * @module
 */
import { readdir, rm, rmdir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { MaxleafError, quote } from "../../../shared/errors.ts";
import { MODEL_LOCK_FILE, PARTS_FOLDER, PULLING_FILE, readModelLock } from "./model-lock.ts";

/**
 * Removes what a pull put into the folder, finished or not, and folders that are empty then. Files that no pull brought stay.
 *
 * Errors: `not_found` when no pull put anything there; `model_unavailable` for a lock that cannot be read.
 *
 * @returns bytes that were freed.
 */
export async function removeModel(name: string, folder: string): Promise<number> {
  const lock = await readModelLock(folder);
  const parts = join(folder, PARTS_FOLDER);
  const unfinished = await readdir(parts).catch(() => undefined);
  if (lock === undefined && unfinished === undefined) {
    throw new MaxleafError(
      "not_found",
      `nothing was pulled for ${quote(name)}: ${quote(folder, 200)} has no lock file`,
    );
  }
  let freedBytes = 0;
  for (const part of unfinished ?? []) freedBytes += await sizeOf(join(parts, part));
  for (const { path } of lock?.files ?? []) freedBytes += await sizeOf(join(folder, path));
  // The lock goes first: without it, a folder that is half gone is not taken for a model.
  for (const file of [MODEL_LOCK_FILE, PARTS_FOLDER, PULLING_FILE])
    await rm(join(folder, file), { recursive: true, force: true });
  const folders = new Set<string>([folder]);
  for (const { path } of lock?.files ?? []) {
    await rm(join(folder, path), { force: true });
    for (let at = dirname(path); at !== "."; at = dirname(at)) folders.add(join(folder, at));
  }
  // Deepest first. One that is not empty stays.
  const deepestFirst = [...folders].sort((a, b) => b.length - a.length);
  for (const empty of deepestFirst) await rmdir(empty).catch(() => undefined);
  return freedBytes;
}

async function sizeOf(path: string): Promise<number> {
  return (await stat(path).catch(() => undefined))?.size ?? 0;
}
