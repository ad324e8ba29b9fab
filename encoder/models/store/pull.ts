/**
 * `maxleaf models pull`: a model's files from the hub into its folder, all of one commit, every one proven.
 *
 * @module
 */
import { createReadStream } from "node:fs";
import { mkdir, open, rename, rm, stat, statfs } from "node:fs/promises";
import { dirname, join } from "node:path";
import { MaxleafError, quote } from "../../../shared/errors.ts";
import { claimOwnership } from "../../local/owner.ts";
import type { RegistryEntry } from "../model.ts";
import { FileDigest, fetchFile } from "./fetch-file.ts";
import { fileFacts } from "./file-checksum.ts";
import { Hub, type HubFile, type HubOptions } from "./hub.ts";
import {
  type LockedFile,
  MODEL_LOCK_FILE,
  type ModelLock,
  modelLockSchema,
  PARTS_FOLDER,
  PULLING_FILE,
  readModelLock,
} from "./model-lock.ts";

/** The branch that every repository of the hub has. */
const DEFAULT_REVISION = "main";
const COMMIT = /^[0-9a-f]{40}$/u;

export interface PullOptions {
  entry: Pick<RegistryEntry, "recipe" | "card">;
  /** Of this model alone; made when absent. */
  folder: string;
  /** Branch, tag or commit. Default: what the folder's lock says, else the recipe's own commit, else `main`. */
  revision?: string | undefined;
  hub?: HubOptions | undefined;
  onProgress?: ((progress: PullProgress) => void) | undefined;
}

export interface PullProgress {
  stage: "verifying" | "fetching";
  file: string;
  /** Of all files together. */
  doneBytes: number;
  totalBytes: number;
}

export interface PulledFile extends LockedFile {
  /** `kept`: it was there already, and is what it must be. */
  outcome: "kept" | "fetched" | "resumed";
}

export interface PullReport {
  folder: string;
  repository: string;
  commit: string;
  files: PulledFile[];
}

/** What is to be in the folder. */
interface Target {
  repository: string;
  commit: string;
  files: readonly HubFile[];
}

/**
 * Brings the files that the card lists into `folder`. A folder whose lock answers `revision` is verified without asking the
 * hub; what is wrong in it is fetched again. Files are fetched beside the folder's own and take their places together, when
 * all are there; the lock comes last. A pull that was cut off goes on where it was.
 *
 * Errors: `invalid_request` for a recipe without files, a folder that cannot be written or that another process pulls into;
 * `model_unavailable` from the hub, and when the disk lacks the room.
 */
export async function pullModel(options: PullOptions): Promise<PullReport> {
  const { entry, folder } = options;
  const { repository } = entry.card;
  if (repository === undefined || entry.card.files.length === 0) throw nothingToPull(entry);
  const claim = await claimFolder(folder);
  try {
    const locked = await lockedTarget(options, repository);
    if (locked !== undefined) {
      const kept = await findKept(locked, options);
      if (kept.size === locked.files.length) return { folder, ...locked, files: [...kept.values()] };
    }
    const hub = new Hub(options.hub);
    return { folder, ...(await bring(hub, await findTarget(hub, options, repository, locked?.commit), options)) };
  } finally {
    await claim.release();
  }
}

function nothingToPull({ recipe, card }: PullOptions["entry"]): MaxleafError {
  const why = card.backends.includes("embedded")
    ? "its weights are in this package"
    : "it has no files of its own: it runs on a vLLM server";
  return new MaxleafError("invalid_request", `there is nothing to pull for ${quote(recipe.name)}: ${why}`);
}

async function claimFolder(folder: string) {
  try {
    await mkdir(folder, { recursive: true });
    const found = await claimOwnership(join(folder, PULLING_FILE), { kind: "command", title: "maxleaf models pull" });
    if ("claim" in found) return found.claim;
    const message = `process ${found.owner.pid} pulls into ${quote(folder, 200)} already: wait for it`;
    throw new MaxleafError("invalid_request", message);
  } catch (cause) {
    if (cause instanceof MaxleafError) throw cause;
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new MaxleafError("invalid_request", `${quote(folder, 200)} cannot be written: ${why}`, { cause });
  }
}

/** What the folder's lock says, if it is of the commit that was asked for and has every file of the card. */
async function lockedTarget({ entry, folder, revision }: PullOptions, repository: string): Promise<Target | undefined> {
  // A lock that cannot be read is what a pull mends.
  const lock = await readModelLock(folder).catch(() => undefined);
  if (lock?.repository !== repository || (revision !== undefined && revision !== lock.commit)) return undefined;
  const files = entry.card.files.flatMap((path) => {
    const locked = lock.files.find((file) => file.path === path);
    if (locked === undefined) return [];
    return [{ path, bytes: locked.bytes, checksum: { kind: "sha256", hex: locked.sha256 } } satisfies HubFile];
  });
  return files.length === entry.card.files.length ? { repository, commit: lock.commit, files } : undefined;
}

async function findTarget(
  hub: Hub,
  { entry, revision }: PullOptions,
  repository: string,
  lockedCommit: string | undefined,
): Promise<Target> {
  const own = COMMIT.test(entry.recipe.revision) ? entry.recipe.revision : DEFAULT_REVISION;
  const commit = lockedCommit ?? (await hub.resolveCommit(repository, revision ?? own));
  return { repository, commit, files: await hub.findFiles(repository, commit, entry.card.files) };
}

/** Those of the target's files that are in the folder as they must be, by path. */
async function findKept({ files }: Target, options: PullOptions): Promise<Map<string, PulledFile>> {
  const kept = new Map<string, PulledFile>();
  const totalBytes = sizeOf(files);
  let doneBytes = 0;
  for (const file of files) {
    const onRead = () => options.onProgress?.({ stage: "verifying", file: file.path, doneBytes, totalBytes });
    const sha256 = await sha256IfAsListed(join(options.folder, file.path), file, onRead);
    if (sha256 !== undefined) kept.set(file.path, { path: file.path, bytes: file.bytes, sha256, outcome: "kept" });
    doneBytes += file.bytes;
  }
  return kept;
}

/** `onRead` is called before the file is read, if its size is right. */
async function sha256IfAsListed(path: string, file: HubFile, onRead: () => void): Promise<string | undefined> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined || !found.isFile() || found.size !== file.bytes) return undefined;
  onRead();
  if (file.checksum.kind === "sha256") {
    const { sha256 } = await fileFacts(path);
    return sha256 === file.checksum.hex ? sha256 : undefined;
  }
  const digest = new FileDigest(file);
  const blocks: AsyncIterable<Buffer> = createReadStream(path);
  for await (const block of blocks) digest.update(block);
  const facts = digest.finish();
  return facts.found === file.checksum.hex ? facts.sha256 : undefined;
}

async function bring(hub: Hub, target: Target, options: PullOptions): Promise<Omit<PullReport, "folder">> {
  const { folder } = options;
  const { repository, commit, files } = target;
  const kept = await findKept(target, options);
  const missing = files.filter(({ path }) => !kept.has(path));
  const parts = join(folder, PARTS_FOLDER);
  await mkdir(parts, { recursive: true });
  await requireRoom(parts, missing);
  const fetched = await fetchAll(hub, target, missing, sizeOf([...kept.values()]), options);
  for (const { path } of fetched.values()) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await rename(partPath(parts, path, missing), join(folder, path));
  }
  const all = files.flatMap(({ path }) => kept.get(path) ?? fetched.get(path) ?? []);
  await writeLock(folder, {
    formatVersion: 1,
    repository,
    commit,
    files: all.map(({ path, bytes, sha256 }) => ({ path, bytes, sha256 })),
  });
  await rm(parts, { recursive: true, force: true });
  return { repository, commit, files: all };
}

async function fetchAll(
  hub: Hub,
  { repository, commit, files }: Target,
  missing: readonly HubFile[],
  keptBytes: number,
  { folder, hub: hubOptions, onProgress }: PullOptions,
): Promise<Map<string, PulledFile>> {
  const fetched = new Map<string, PulledFile>();
  const totalBytes = sizeOf(files);
  let doneBytes = keptBytes;
  // One after another: a hub's line is filled by one large file.
  for (const file of missing) {
    const { path, bytes } = file;
    const before = doneBytes;
    const { sha256, resumedFromByte } = await fetchFile({
      hub,
      repository,
      commit,
      file,
      partPath: partPath(join(folder, PARTS_FOLDER), path, missing),
      signal: hubOptions?.signal,
      retryWaitMs: hubOptions?.retryWaitMs,
      onBytes: (at) => onProgress?.({ stage: "fetching", file: path, doneBytes: before + at, totalBytes }),
    });
    doneBytes = before + bytes;
    fetched.set(path, { path, bytes, sha256, outcome: resumedFromByte > 0 ? "resumed" : "fetched" });
  }
  return fetched;
}

/** By content, so that what an earlier pull of another commit left is only gone on with where it is the same. */
function partPath(parts: string, path: string, files: readonly HubFile[]): string {
  const hex = files.find((file) => file.path === path)?.checksum.hex ?? "";
  return join(parts, `${hex}-${path.replaceAll("/", "_")}`);
}

async function requireRoom(parts: string, missing: readonly HubFile[]): Promise<void> {
  let needed = 0;
  for (const file of missing) {
    const there = await stat(partPath(parts, file.path, missing)).catch(() => undefined);
    needed += Math.max(0, file.bytes - (there?.size ?? 0));
  }
  const { bavail, bsize } = await statfs(parts);
  if (needed <= bavail * bsize) return;
  const message = `${quote(parts, 200)} has ${bavail * bsize} bytes free where the model takes ${needed} more`;
  throw new MaxleafError("model_unavailable", message);
}

async function writeLock(folder: string, lock: ModelLock): Promise<void> {
  const whole = join(folder, PARTS_FOLDER, MODEL_LOCK_FILE);
  {
    await using file = await open(whole, "w");
    await file.writeFile(`${JSON.stringify(modelLockSchema.parse(lock), undefined, 2)}\n`);
    await file.datasync();
  }
  await rename(whole, join(folder, MODEL_LOCK_FILE));
}

function sizeOf(files: readonly { bytes: number }[]): number {
  return files.reduce((sum, { bytes }) => sum + bytes, 0);
}
