/**
 * Reads objects of a source bucket: which version there is, and that version into a file.
 *
 * @module
 */
import { open } from "node:fs/promises";
import { MaxleafError, quote } from "../../shared/errors.ts";
import type { ObjectStore } from "../../shared/store/object-store.ts";
import { MAX_SOURCE_BYTES } from "../render/limits.ts";

/** What is held of an object at a time. A range costs a request; 256 MB, the largest source, take 16. */
const RANGE_BYTES = 16 * 1024 * 1024;

/** A version of an object. */
export interface ObjectVersion {
  etag: string;
  size: number;
}

/** The version there is now; undefined when the object is not there. Errors: `store_unavailable`. */
export async function currentVersion(source: ObjectStore, key: string): Promise<ObjectVersion | undefined> {
  // The last byte: a HEAD of one byte more, which every object store can give.
  const object = await source.get(key, { suffix: 1 });
  return object && { etag: object.etag, size: object.size };
}

/**
 * Writes `version` of an object to the file at `path`, in parts, so that memory does not depend on its size. False when
 * the object is another by now.
 *
 * @throws MaxleafError `file_too_large`, before anything is read; `store_unavailable`.
 */
export async function downloadVersion(
  source: ObjectStore,
  key: string,
  { etag, size }: ObjectVersion,
  path: string,
): Promise<boolean> {
  if (size > MAX_SOURCE_BYTES) {
    throw new MaxleafError("file_too_large", `${quote(key)} has ${size} bytes; the limit is ${MAX_SOURCE_BYTES}`);
  }
  await using file = await open(path, "w");
  for (let offset = 0; offset < size; offset += RANGE_BYTES) {
    const part = await readPart(source, key, { offset, length: Math.min(RANGE_BYTES, size - offset) });
    if (part?.etag !== etag) return false;
    // All of it, at the end: `write` may write a part of what it is given, as on a disk that is almost full.
    await file.writeFile(part.bytes);
  }
  return true;
}

/** Undefined when the object is gone or shorter than the range. */
async function readPart(source: ObjectStore, key: string, range: { offset: number; length: number }) {
  try {
    return await source.get(key, range);
  } catch (error) {
    if (error instanceof MaxleafError && error.code === "corrupt_data") return undefined;
    throw error;
  }
}
