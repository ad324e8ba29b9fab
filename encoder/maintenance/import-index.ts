/**
 * Puts an exported index into a bucket. The manifest comes last, so an import that was cut off shows nothing, and running
 * it again goes on.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import PQueue from "p-queue";
import { MaxleafError, quote } from "../../shared/errors.ts";
import { requireNoAlias } from "../../shared/format/aliases.ts";
import { corrupt } from "../../shared/format/bytes.ts";
import { type CommitOptions, commitManifest, readManifest } from "../../shared/format/manifest-store.ts";
import { decodeManifest, type Manifest } from "../../shared/format/manifest.ts";
import { MAX_MANIFEST_BYTES, MAX_SEGMENT_BYTES } from "../../shared/limits.ts";
import { parseIndexName } from "../../shared/names.ts";
import { systemClock } from "../../shared/ports.ts";
import { recipeFingerprint } from "../../shared/recipe/fingerprint.ts";
import { layout } from "../../shared/store/layout.ts";
import type { ObjectStore } from "../../shared/store/object-store.ts";
import { draftOf } from "../indexing/commit-changes.ts";
import { DEFAULT_GRACE_HOURS } from "./collect-garbage.ts";
import {
  type ExportedObject,
  exportFiles,
  type ExportHead,
  exportHeadSchema,
  hashFile,
  OBJECTS_AT_ONCE,
  parseExport,
  RANGE_BYTES,
  readObjectList,
  referredSizes,
} from "./export-format.ts";

/**
 * What an import that was cut off stored longer ago than this is stored again: until the manifest refers to it, a garbage
 * collection may remove it after the grace period.
 */
const MAX_KEPT_AGE_MS = (DEFAULT_GRACE_HOURS / 2) * 60 * 60 * 1_000;
/** Objects between two calls of `onProgress`. */
const PROGRESS_OBJECTS = 1_000;

export interface ImportOptions extends CommitOptions {
  store: ObjectStore;
  /** May be another name than the index had. */
  index: string;
  folder: string;
  /** Takes the place of an index that is there; its older versions stay readable until they are collected. */
  replace?: boolean | undefined;
  onProgress?: ((objects: number, ofObjects: number) => void) | undefined;
}

export interface ImportReport {
  index: string;
  manifestVersion: number;
  objects: number;
  bytes: number;
  /** Of `objects`: those that were in the bucket already, as they should be. */
  kept: number;
}

/**
 * Verifies an export, stores its objects and commits its manifest. Memory: an object, or a few small ones.
 *
 * @throws MaxleafError `invalid_name`; `invalid_request` for a folder without a complete export; `corrupt_data` when
 *   something in it is not what its list says: the index is not changed then; `commit_conflict` when the index exists and is
 *   not to be replaced, `name_taken` when an alias has the name, or others were always faster; `commit_expired` when it took too long: run it again;
 *   `store_unavailable`.
 */
export async function importIndex(options: ImportOptions): Promise<ImportReport> {
  const { store, folder, replace = false, onProgress } = options;
  const index = parseIndexName(options.index);
  const head = await readHead(folder);
  const manifest = await readExportedManifest(folder, head);
  await checkList(folder, head, manifest);
  const present = await readManifest(store, index);
  if (!replace && present !== undefined) throw existsAlready(index);
  if (present === undefined) await requireNoAlias(store, index);
  const upload = new Upload(options, head, onProgress);
  await upload.run();
  const committed = await commitManifest(
    store,
    index,
    async (current) => {
      if (current !== undefined && !replace) throw existsAlready(index);
      if (current === undefined) await requireNoAlias(store, index);
      return draftOf(manifest, manifest.segments);
    },
    { ...options, storedSinceMs: upload.storedSinceMs },
  );
  const { objects, bytes } = head;
  return { index, manifestVersion: committed.version, objects, bytes, kept: upload.kept };
}

function existsAlready(index: string): MaxleafError {
  // Not `precondition_failed`, which a commit takes for a race and tries again.
  return new MaxleafError(
    "commit_conflict",
    `there is an index ${quote(index)} already: --replace puts the export in its place`,
  );
}

async function readHead(folder: string): Promise<ExportHead> {
  const { head } = exportFiles(folder);
  let text: string;
  try {
    text = await readFile(head, "utf8");
  } catch (cause) {
    const message = `${quote(folder)} has no complete export: there is no maxleaf-export.json`;
    throw new MaxleafError("invalid_request", message, { cause });
  }
  return parseExport(exportHeadSchema, text, head);
}

async function readExportedManifest(folder: string, head: ExportHead): Promise<Manifest> {
  const path = exportFiles(folder).manifest;
  await requireHash(path, head.manifestSha256, MAX_MANIFEST_BYTES);
  const manifest = decodeManifest(await readFile(path), path);
  if ((await recipeFingerprint(manifest.recipe)) !== manifest.recipeFingerprint) {
    throw corrupt(path, `${quote(manifest.recipeFingerprint)} is not the fingerprint of its recipe`);
  }
  return manifest;
}

/** The list is the one that was written, and has all that the manifest refers to in the sizes that it says. */
async function checkList(folder: string, head: ExportHead, manifest: Manifest): Promise<void> {
  const path = exportFiles(folder).list;
  await requireHash(path, head.listSha256);
  const missing = referredSizes(manifest);
  for await (const { key, bytes } of readObjectList(path)) if (missing.get(key) === bytes) missing.delete(key);
  const [key] = missing.keys();
  if (key !== undefined) throw corrupt(path, `it does not list ${quote(key)} as the manifest says`);
}

async function requireHash(path: string, sha256: string, maxBytes = Number.POSITIVE_INFINITY): Promise<void> {
  const found = await hashFile(path).catch((cause: unknown) => {
    throw new MaxleafError("corrupt_data", `${path} is corrupt: it cannot be read`, { cause });
  });
  if (found.bytes > maxBytes) throw corrupt(path, `it has ${found.bytes} bytes`);
  if (found.sha256 !== sha256) throw corrupt(path, "its SHA-256 is not that of the export");
}

/** Stores every object of the list that is not there yet. */
class Upload {
  kept = 0;
  /** Of the oldest object: of this run, or of those that are kept. */
  storedSinceMs: number;
  readonly #options: ImportOptions;
  readonly #head: ExportHead;
  readonly #onProgress: ImportOptions["onProgress"];
  #done = 0;
  /** Something is stored under the name: each object is looked for first. */
  #mayBeThere = true;

  constructor(options: ImportOptions, head: ExportHead, onProgress: ImportOptions["onProgress"]) {
    this.#options = options;
    this.#head = head;
    this.#onProgress = onProgress;
    this.storedSinceMs = (options.clock ?? systemClock).nowMs();
  }

  async run(): Promise<void> {
    const { store, index, folder } = this.#options;
    this.#mayBeThere = (await store.list(layout.index(index), { limit: 1 })).objects.length > 0;
    const queue = new PQueue({ concurrency: OBJECTS_AT_ONCE });
    const failure = new AbortController();
    for await (const object of readObjectList(exportFiles(folder).list)) {
      if (failure.signal.aborted) break;
      // A large one has the memory for itself.
      const isLarge = object.bytes > RANGE_BYTES;
      if (isLarge) await queue.onIdle();
      const stored = queue.add(async () => await this.#store(object));
      stored.catch((error: unknown) => failure.abort(error));
      await (isLarge ? queue.onIdle() : queue.onSizeLessThan(OBJECTS_AT_ONCE));
    }
    await queue.onIdle();
    failure.signal.throwIfAborted();
  }

  async #store(object: ExportedObject): Promise<void> {
    const { store, index, folder } = this.#options;
    const { bytes, sha256, contentType } = object;
    const key = layout.index(index) + object.key;
    const path = exportFiles(folder).object(object.key);
    if (this.#mayBeThere && (await this.#isThere(key, object))) {
      this.kept += 1;
    } else {
      const content = await readVerified(path, bytes, sha256);
      await store.put(key, content, contentType === undefined ? {} : { contentType });
    }
    this.#done += 1;
    if (this.#done % PROGRESS_OBJECTS === 0) this.#onProgress?.(this.#done, this.#head.objects);
  }

  /** It has the size and the SHA-256, read back in ranges, and no garbage collection will take it before the commit. */
  async #isThere(key: string, { bytes, sha256 }: ExportedObject): Promise<boolean> {
    const { store, clock = systemClock } = this.#options;
    const listed = (await store.list(key, { limit: 1 })).objects[0];
    if (listed?.key !== key || listed.size !== bytes) return false;
    if (listed.lastModifiedMs < clock.nowMs() - MAX_KEPT_AGE_MS) return false;
    const hash = createHash("sha256");
    for (let offset = 0; offset < bytes; offset += RANGE_BYTES) {
      const object = await store.get(key, { offset, length: Math.min(RANGE_BYTES, bytes - offset) });
      if (object?.size !== bytes) return false;
      hash.update(object.bytes);
    }
    if (hash.digest("hex") !== sha256) return false;
    this.storedSinceMs = Math.min(this.storedSinceMs, listed.lastModifiedMs);
    return true;
  }
}

/** A whole file, since stores take whole objects. Its size is looked at before it is read. */
async function readVerified(path: string, bytes: number, sha256: string): Promise<Uint8Array> {
  if (bytes > MAX_SEGMENT_BYTES) throw corrupt(path, `no object has ${bytes} bytes`);
  const { size } = await statOf(path);
  if (size !== bytes) throw corrupt(path, `it has ${size} bytes, the list says ${bytes}`);
  const content = await readFile(path);
  if (createHash("sha256").update(content).digest("hex") !== sha256) {
    throw corrupt(path, "its SHA-256 is not the one in the list");
  }
  return content;
}

async function statOf(path: string): Promise<{ size: number }> {
  try {
    return await stat(path);
  } catch (cause) {
    throw new MaxleafError("corrupt_data", `the export is corrupt: ${path} is missing`, { cause });
  }
}
