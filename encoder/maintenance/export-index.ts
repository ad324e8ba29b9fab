/**
 * Copies an index into a folder. What {@link exportIndex} wrote before it was cut off, it does not write again.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { MaxleafError, quote } from "../../shared/errors.ts";
import { corrupt } from "../../shared/format/bytes.ts";
import { readManifest } from "../../shared/format/manifest-store.ts";
import type { Manifest } from "../../shared/format/manifest.ts";
import { type Clock, systemClock } from "../../shared/ports.ts";
import { layout } from "../../shared/store/layout.ts";
import type { ObjectStore } from "../../shared/store/object-store.ts";
import { DocumentTables } from "../indexing/document-index.ts";
import { mapInOrder } from "../ingest/map-in-order.ts";
import {
  EXPORT_FORMAT,
  type ExportedObject,
  exportFiles,
  type ExportHead,
  hashFile,
  OBJECTS_AT_ONCE,
  RANGE_BYTES,
  referredSizes,
} from "./export-format.ts";
import { listAll } from "./list-all.ts";

export interface ExportOptions {
  store: ObjectStore;
  index: string;
  /** Made when it is absent. */
  folder: string;
  clock?: Clock | undefined;
  onProgress?: ((objects: number) => void) | undefined;
}

export interface ExportReport extends Pick<ExportHead, "index" | "manifestVersion" | "objects" | "bytes"> {
  folder: string;
  /** Of `objects`: those that were there from an export that was cut off. */
  kept: number;
  /** Images and sources that were removed while the export ran: of documents that were deleted meanwhile. */
  vanished: number;
}

/** Objects between two calls of `onProgress`. */
const PROGRESS_OBJECTS = 1_000;

/**
 * Writes the newest version of `index` into a folder: its objects as they are, then their list, the manifest and the head.
 * Memory: the document tables, and a few ranges of objects.
 *
 * @throws MaxleafError `index_not_found`; `invalid_request` for a folder with something else in it; `corrupt_data` when an
 *   object of the index is missing or has another size; `store_unavailable`.
 */
export async function exportIndex(options: ExportOptions): Promise<ExportReport> {
  const { store, index, folder, clock = systemClock, onProgress } = options;
  const manifest = await readManifest(store, index);
  if (manifest === undefined) throw new MaxleafError("index_not_found", `there is no index ${quote(index)}`);
  // Now: an export that takes longer than the grace period of a garbage collection would not find it at the end.
  const manifestBytes = await storedManifest(store, manifest);
  const files = exportFiles(folder);
  await prepareFolder(folder, index);
  const totals = { objects: 0, bytes: 0, kept: 0, vanished: 0 };
  const list = await open(`${files.list}.part`, "w");
  const listHash = createHash("sha256");
  try {
    const copy = async (wanted: WantedObject) => await copyObject(store, index, folder, wanted);
    for await (const copied of mapInOrder(wantedObjects(store, index, manifest), OBJECTS_AT_ONCE, copy)) {
      if (copied === undefined) {
        totals.vanished += 1;
        continue;
      }
      const { kept, ...object } = copied;
      totals.objects += 1;
      totals.bytes += object.bytes;
      totals.kept += kept ? 1 : 0;
      const line = `${JSON.stringify(object)}\n`;
      listHash.update(line);
      // Not `write`, which may write a part of what it is given, as on a disk that is almost full.
      await list.writeFile(line);
      if (totals.objects % PROGRESS_OBJECTS === 0) onProgress?.(totals.objects);
    }
  } finally {
    await list.close();
  }
  await rename(`${files.list}.part`, files.list);
  await writeFile(files.manifest, manifestBytes);
  const { objects, bytes } = totals;
  const head: ExportHead = {
    format: EXPORT_FORMAT,
    index,
    manifestVersion: manifest.version,
    exportedAt: new Date(clock.nowMs()).toISOString(),
    objects,
    bytes,
    listSha256: listHash.digest("hex"),
    manifestSha256: createHash("sha256").update(manifestBytes).digest("hex"),
  };
  await writeFile(`${files.head}.part`, `${JSON.stringify(head, undefined, 2)}\n`);
  await rename(`${files.head}.part`, files.head);
  await rm(files.begun, { force: true });
  return { index, folder, manifestVersion: manifest.version, ...totals };
}

interface WantedObject {
  /** Below the index. */
  key: string;
  bytes: number;
  contentType: string | undefined;
  /** The manifest refers to it, so that its absence is damage. */
  isReferred: boolean;
}

/** A folder that is new, empty, or has the beginning of an export of this index. */
async function prepareFolder(folder: string, index: string): Promise<void> {
  await mkdir(folder, { recursive: true }).catch((cause: unknown) => {
    const because = cause instanceof Error ? cause.message : String(cause);
    throw new MaxleafError("invalid_request", `the folder ${quote(folder)} cannot be made: ${because}`, { cause });
  });
  const { begun } = exportFiles(folder);
  const entries = await readdir(folder);
  if (entries.length > 0) {
    const of = entries.includes("begun.txt") ? await readFile(begun, "utf8") : undefined;
    if (of !== index) {
      const what = of === undefined ? "is not empty" : `has the beginning of an export of ${quote(of)}`;
      throw new MaxleafError("invalid_request", `the folder ${quote(folder)} ${what}: give a new one`);
    }
  }
  await writeFile(begun, index);
}

async function* wantedObjects(store: ObjectStore, index: string, manifest: Manifest): AsyncGenerator<WantedObject> {
  for (const [key, bytes] of referredSizes(manifest)) yield { key, bytes, contentType: undefined, isReferred: true };
  const prefix = layout.index(index);
  const live = await new DocumentTables(store, index).liveDocuments(manifest);
  for (const { entry } of live.values()) {
    for await (const { key, size } of listAll(store, layout.revision(index, entry.id, entry.revision))) {
      const contentType = key.endsWith("/source") ? entry.contentType : "image/webp";
      yield { key: key.slice(prefix.length), bytes: size, contentType, isReferred: false };
    }
  }
}

/** Undefined for a file of a document that was deleted since it was listed. */
async function copyObject(
  store: ObjectStore,
  index: string,
  folder: string,
  { key, bytes, contentType, isReferred }: WantedObject,
): Promise<(ExportedObject & { kept: boolean }) | undefined> {
  const path = exportFiles(folder).object(key);
  const described = { key, bytes, ...(contentType !== undefined && { contentType }) };
  if ((await sizeOf(path)) === bytes) return { ...described, sha256: (await hashFile(path)).sha256, kept: true };
  await mkdir(dirname(path), { recursive: true });
  const hash = createHash("sha256");
  const file = await open(`${path}.part`, "w");
  try {
    for (let offset = 0; offset < bytes || offset === 0; offset += RANGE_BYTES) {
      const length = Math.min(RANGE_BYTES, bytes - offset);
      const range = bytes > RANGE_BYTES ? { offset, length } : undefined;
      const object = await store.get(layout.index(index) + key, range);
      if (object === undefined && !isReferred) {
        await rm(`${path}.part`);
        return undefined;
      }
      if (object === undefined) throw corrupt(`index ${index}`, `there is no object ${key}`);
      if (object.size !== bytes) throw corrupt(`index ${index}`, `${key} has ${object.size} bytes, not ${bytes}`);
      hash.update(object.bytes);
      await file.writeFile(object.bytes);
    }
  } finally {
    await file.close();
  }
  await rename(`${path}.part`, path);
  return { ...described, sha256: hash.digest("hex"), kept: false };
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch {
    return undefined;
  }
}

async function storedManifest(store: ObjectStore, { index, version }: Manifest): Promise<Uint8Array> {
  const object = await store.get(layout.manifest(index, version));
  if (object !== undefined) return object.bytes;
  throw corrupt(`index ${index}`, `manifest ${version} was removed while the export ran`);
}
