/**
 * The object store over a local folder, for tests and evaluation runs. Differences from a bucket: content types are not
 * kept, a key cannot also be the folder of another key, and `onlyIf: { etag }` is atomic within one process only.
 *
 * A root that is not there is a store that is out of reach, not one without objects: a disk that is not mounted must not
 * look as if everything in it were deleted.
 *
 * @module
 */
import { randomUUID } from "node:crypto";
import { link, mkdir, open, readdir, rename, rm, stat, unlink, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import PQueue from "p-queue";
import { MaxleafError, quote } from "../../shared/errors.ts";
import { listPageOf } from "../../shared/store/list-page.ts";
import {
  type ByteRange,
  type ListedObject,
  type ListOptions,
  type ListPage,
  type ObjectStore,
  preconditionFailed,
  type PutOptions,
  resolveRange,
  type StoredObject,
} from "../../shared/store/object-store.ts";

/** Files being written, beside the objects so that a rename stays on one file system. */
const TEMPORARY_FOLDER = ".writing";

export class FolderStore implements ObjectStore {
  readonly #root: string;
  readonly #create: boolean;
  #isCreated = false;
  /** Looking at a version and replacing it must not be interleaved. */
  readonly #writes = new PQueue({ concurrency: 1 });

  /** @param create makes `root` when it is absent; errors of that show at the first use. */
  constructor(root: string, { create = false }: { create?: boolean } = {}) {
    this.#root = resolve(root);
    this.#create = create;
  }

  async get(key: string, range?: ByteRange): Promise<StoredObject | undefined> {
    const path = this.#pathOf(key);
    try {
      await using file = await open(path, "r");
      const stats = await file.stat({ bigint: true });
      const size = Number(stats.size);
      const { offset, length } = resolveRange(key, size, range);
      const bytes = new Uint8Array(length);
      const { bytesRead } = await file.read(bytes, 0, length, offset);
      if (bytesRead < length) {
        throw new MaxleafError("corrupt_data", `object ${quote(key)} gave ${bytesRead} of ${length} bytes`);
      }
      return { bytes, size, etag: etagOf(stats), contentType: undefined };
    } catch (error) {
      if (!isCode(error, "ENOENT", "ENOTDIR")) throw unavailable("read", key, error);
      await this.#requireRoot();
      return undefined;
    }
  }

  async put(key: string, bytes: Uint8Array, { onlyIf }: PutOptions = {}): Promise<{ etag: string }> {
    const path = this.#pathOf(key);
    const temporary = join(this.#root, TEMPORARY_FOLDER, randomUUID());
    await this.#requireRoot();
    try {
      await mkdir(dirname(temporary), { recursive: true });
      await mkdir(dirname(path), { recursive: true });
      await writeFile(temporary, bytes, { flush: true });
      return await this.#writes.add(async () => await this.#publish(key, temporary, path, onlyIf));
    } catch (error) {
      throw unavailable("write", key, error);
    } finally {
      await rm(temporary, { force: true });
    }
  }

  async delete(keys: readonly string[]): Promise<void> {
    for (const key of keys) {
      try {
        await unlink(this.#pathOf(key));
      } catch (error) {
        if (!isCode(error, "ENOENT", "ENOTDIR")) throw unavailable("delete", key, error);
        await this.#requireRoot();
      }
    }
  }

  async list(prefix: string, options?: ListOptions): Promise<ListPage> {
    await this.#requireRoot();
    const folder = prefix.slice(0, prefix.lastIndexOf("/") + 1);
    const objects = await this.#objectsIn(folder, prefix);
    return listPageOf(objects, prefix, options);
  }

  /** Throws `store_unavailable` when the root is not there. */
  async #requireRoot(): Promise<void> {
    try {
      if (this.#create && !this.#isCreated) await mkdir(this.#root, { recursive: true });
      this.#isCreated = true;
      const stats = await stat(this.#root);
      if (!stats.isDirectory()) throw new MaxleafError("store_unavailable", `${quote(this.#root)} is no folder`);
    } catch (error) {
      throw unavailable("look into", this.#root, error);
    }
  }

  /** Puts the written file in place: a link fails where a name exists, a rename replaces it. */
  async #publish(
    key: string,
    temporary: string,
    path: string,
    onlyIf: PutOptions["onlyIf"],
  ): Promise<{ etag: string }> {
    if (onlyIf === "absent") {
      try {
        await link(temporary, path);
      } catch (error) {
        throw isCode(error, "EEXIST") ? preconditionFailed(key, onlyIf) : error;
      }
    } else {
      if (onlyIf !== undefined && (await currentEtag(path)) !== onlyIf.etag) throw preconditionFailed(key, onlyIf);
      await rename(temporary, path);
    }
    return { etag: etagOf(await stat(path, { bigint: true })) };
  }

  /** The objects under `folder` (a key ending in `/`, or empty) whose keys may begin with `prefix`. */
  async #objectsIn(folder: string, prefix: string): Promise<ListedObject[]> {
    const path = folder === "" ? this.#root : this.#pathOf(folder.slice(0, -1));
    const found: ListedObject[] = [];
    for (const entry of await entriesOf(path)) {
      const key = folder + entry.name;
      if (entry.name === TEMPORARY_FOLDER) continue;
      if (!key.startsWith(prefix) && !prefix.startsWith(`${key}/`)) continue;
      if (entry.isDirectory()) found.push(...(await this.#objectsIn(`${key}/`, prefix)));
      if (entry.isFile()) found.push(...(await describe(key, join(path, entry.name))));
    }
    return found;
  }

  /** Refuses keys that would leave the root or name something else than a file below it. */
  #pathOf(key: string): string {
    const parts = key.split("/");
    const isUnsafe = (part: string) => part === "" || part === "." || part === ".." || /[\\:\0]/.test(part);
    if (parts.some(isUnsafe) || parts[0] === TEMPORARY_FOLDER) {
      throw new MaxleafError("invalid_name", `${quote(key)} cannot be the key of an object in a folder`);
    }
    return join(this.#root, ...parts);
  }
}

async function entriesOf(path: string) {
  try {
    return await readdir(path, { withFileTypes: true });
  } catch (error) {
    if (isCode(error, "ENOENT", "ENOTDIR")) return [];
    throw unavailable("list", path, error);
  }
}

/** The object at `path`; none when it was deleted meanwhile. */
async function describe(key: string, path: string): Promise<ListedObject[]> {
  try {
    const stats = await stat(path, { bigint: true });
    return [{ key, size: Number(stats.size), etag: etagOf(stats), lastModifiedMs: Number(stats.mtimeMs) }];
  } catch (error) {
    if (isCode(error, "ENOENT")) return [];
    throw unavailable("list", key, error);
  }
}

async function currentEtag(path: string): Promise<string | undefined> {
  try {
    return etagOf(await stat(path, { bigint: true }));
  } catch (error) {
    if (isCode(error, "ENOENT", "ENOTDIR")) return undefined;
    throw error;
  }
}

/** Every write makes a new file, so file number and time to the nanosecond tell versions apart. */
function etagOf({ ino, size, mtimeNs }: { ino: bigint; size: bigint; mtimeNs: bigint }): string {
  return `${ino}-${size}-${mtimeNs}`;
}

function isCode(error: unknown, ...codes: string[]): boolean {
  return error instanceof Error && "code" in error && typeof error.code === "string" && codes.includes(error.code);
}

function unavailable(verb: string, key: string, cause: unknown): MaxleafError {
  if (cause instanceof MaxleafError) return cause;
  const because = cause instanceof Error ? cause.message : String(cause);
  return new MaxleafError("store_unavailable", `the folder could not ${verb} ${quote(key)}: ${because}`, { cause });
}
