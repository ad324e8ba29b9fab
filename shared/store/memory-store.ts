/**
 * An object store in memory, for tests and evaluation runs. Passes the same conformance suite as the real ones.
 *
 * @module
 */
import { MaxleafError } from "../errors.ts";
import type { ByteRange, ListOptions, ListPage, ObjectStore, PutOptions, StoredObject } from "./object-store.ts";
import { preconditionFailed, resolveRange } from "./object-store.ts";

/** What S3 and R2 answer at most. */
const MAX_LIST_PAGE = 1_000;

interface Entry {
  bytes: Uint8Array;
  etag: string;
  contentType: string | undefined;
  lastModifiedMs: number;
}

export class MemoryStore implements ObjectStore {
  readonly #entries = new Map<string, Entry>();
  #writes = 0;

  async get(key: string, range?: ByteRange): Promise<StoredObject | undefined> {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    const size = entry.bytes.byteLength;
    const { offset, length } = resolveRange(key, size, range);
    return {
      // A copy: a caller that writes into what it read must not change the store.
      bytes: new Uint8Array(entry.bytes.subarray(offset, offset + length)),
      size,
      etag: entry.etag,
      contentType: entry.contentType,
    };
  }

  async put(key: string, bytes: Uint8Array, options: PutOptions = {}): Promise<{ etag: string }> {
    const existing = this.#entries.get(key);
    const { onlyIf } = options;
    if (onlyIf === "absent" && existing !== undefined) throw preconditionFailed(key, onlyIf);
    if (typeof onlyIf === "object" && existing?.etag !== onlyIf.etag) throw preconditionFailed(key, onlyIf);
    this.#writes += 1;
    const etag = `w${this.#writes}`;
    this.#entries.set(key, {
      bytes: new Uint8Array(bytes),
      etag,
      contentType: options.contentType,
      lastModifiedMs: Date.now(),
    });
    return { etag };
  }

  async delete(keys: readonly string[]): Promise<void> {
    for (const key of keys) this.#entries.delete(key);
  }

  async list(prefix: string, { cursor, limit = MAX_LIST_PAGE, delimiter }: ListOptions = {}): Promise<ListPage> {
    if (limit < 1) throw new MaxleafError("internal", `a list of ${limit} objects cannot be asked for`);
    const page: ListPage = { objects: [], prefixes: [], cursor: undefined };
    let last = cursor;
    for (const [key, entry] of [...this.#entries].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
      const name = groupOf(key, prefix, delimiter) ?? key;
      // Keys inside the group that ended the last page, or this one, are behind us.
      if (!key.startsWith(prefix) || (last !== undefined && name <= last)) continue;
      if (page.objects.length + page.prefixes.length === Math.min(limit, MAX_LIST_PAGE)) {
        return { ...page, cursor: last };
      }
      last = name;
      if (name !== key) page.prefixes.push(name);
      else
        page.objects.push({
          key,
          size: entry.bytes.byteLength,
          etag: entry.etag,
          lastModifiedMs: entry.lastModifiedMs,
        });
    }
    return page;
  }
}

/** The part of `key` up to the first delimiter after `prefix`; undefined when there is none. */
function groupOf(key: string, prefix: string, delimiter: string | undefined): string | undefined {
  if (delimiter === undefined) return undefined;
  const end = key.indexOf(delimiter, prefix.length);
  return end < 0 ? undefined : key.slice(0, end + delimiter.length);
}
