/**
 * The data centre's cache before the bucket, for objects that never change: an isolate that starts cold finds there what
 * other isolates have read, in some 5 ms instead of 60 to 80 (`../shared/design/platform.md`).
 *
 * The Cache API keeps whole responses, so every range is an entry of its own under an address that is only a cache key. A
 * cache that fails is a cache that misses. Each read costs a look-up, and a missed one a write behind the answer: both count
 * as subrequests of the request.
 *
 * @module
 */
import { MaxleafError } from "../../shared/errors.ts";
import { INDEXES_PREFIX } from "../../shared/store/layout.ts";
import {
  type ByteRange,
  type ListOptions,
  type ListPage,
  type ObjectStore,
  type PutOptions,
  resolveRange,
  type StoredObject,
} from "../../shared/store/object-store.ts";
import { describeCauses, logError } from "../http/log.ts";

/** Only a cache key: nothing answers at this address (RFC 6761 keeps `.invalid` for that). */
const CACHE_ORIGIN = "https://objects.invalid";

/** Objects do not change, so age cannot make them wrong; a week bounds how long deleted ones are kept. */
const CACHE_TTL_SECONDS = 7 * 86_400;

/** Longer reads are whole bags and codebooks of large indexes: writing them behind the answer would hold them in memory twice. */
export const MAX_CACHED_BYTES = 16 * 1024 * 1024;

const SIZE_HEADER = "x-object-size";
const ETAG_HEADER = "x-object-etag";
const CONTENT_TYPE_HEADER = "x-object-content-type";

/** Rooms of an index whose objects are written once under ids of their own. Manifests and their hint are not among them. */
const IMMUTABLE_ROOMS = new Set(["segments", "codebooks", "inverted", "overlays"]);

export interface CacheApiStoreOptions {
  cache: Cache;
  /** Of the request under way: `waitUntil` of `cloudflare:workers`. */
  waitUntil: (work: Promise<unknown>) => void;
}

export class CacheApiStore implements ObjectStore {
  readonly #inner: ObjectStore;
  readonly #cache: Cache;
  readonly #waitUntil: (work: Promise<unknown>) => void;

  constructor(inner: ObjectStore, { cache, waitUntil }: CacheApiStoreOptions) {
    this.#inner = inner;
    this.#cache = cache;
    this.#waitUntil = waitUntil;
  }

  async get(key: string, range?: ByteRange): Promise<StoredObject | undefined> {
    if (!isImmutable(key)) return await this.#inner.get(key, range);
    const address = addressOf(key, range);
    const known = await this.#lookUp(address, key, range);
    if (known !== undefined) return known;
    const object = await this.#inner.get(key, range);
    if (object !== undefined && object.bytes.byteLength <= MAX_CACHED_BYTES) this.#keepBehind(address, object);
    return object;
  }

  async put(key: string, bytes: Uint8Array, options?: PutOptions): Promise<{ etag: string }> {
    return await this.#inner.put(key, bytes, options);
  }

  async delete(keys: readonly string[]): Promise<void> {
    await this.#inner.delete(keys);
  }

  async list(prefix: string, options?: ListOptions): Promise<ListPage> {
    return await this.#inner.list(prefix, options);
  }

  async #lookUp(address: string, key: string, range: ByteRange | undefined): Promise<StoredObject | undefined> {
    try {
      const response = await this.#cache.match(address);
      if (response === undefined) return undefined;
      return objectIn(response.headers, new Uint8Array(await response.arrayBuffer()), key, range);
    } catch (error) {
      logError("the object cache could not be read", { key, causes: describeCauses(error) });
      return undefined;
    }
  }

  #keepBehind(address: string, object: StoredObject): void {
    try {
      this.#waitUntil(this.#keep(address, object));
    } catch (error) {
      // Outside a request nothing can be done behind it.
      logError("the object cache could not be written", { address, causes: describeCauses(error) });
    }
  }

  async #keep(address: string, { bytes, size, etag, contentType }: StoredObject): Promise<void> {
    const headers = new Headers({
      "Cache-Control": `max-age=${CACHE_TTL_SECONDS}`,
      [SIZE_HEADER]: String(size),
      [ETAG_HEADER]: etag,
    });
    if (contentType !== undefined) headers.set(CONTENT_TYPE_HEADER, contentType);
    try {
      await this.#cache.put(address, new Response(bytes, { headers }));
    } catch (error) {
      logError("the object cache could not be written", { address, causes: describeCauses(error) });
    }
  }
}

function isImmutable(key: string): boolean {
  if (!key.startsWith(INDEXES_PREFIX)) return false;
  const [, room] = key.slice(INDEXES_PREFIX.length).split("/");
  return room !== undefined && IMMUTABLE_ROOMS.has(room);
}

function addressOf(key: string, range: ByteRange | undefined): string {
  const object = `${CACHE_ORIGIN}/${encodeURIComponent(key)}`;
  if (range === undefined) return object;
  return "suffix" in range
    ? `${object}?suffix=${range.suffix}`
    : `${object}?offset=${range.offset}&length=${range.length}`;
}

/** What was kept. Throws `corrupt_data` when it is not what the range asks for. */
function objectIn(headers: Headers, bytes: Uint8Array, key: string, range: ByteRange | undefined): StoredObject {
  const size = Number(headers.get(SIZE_HEADER) ?? Number.NaN);
  const etag = headers.get(ETAG_HEADER);
  if (etag === null || !Number.isSafeInteger(size) || bytes.byteLength !== resolveRange(key, size, range).length) {
    throw new MaxleafError("corrupt_data", `the cache has ${bytes.byteLength} bytes of an object of ${size}`);
  }
  return { bytes, size, etag, contentType: headers.get(CONTENT_TYPE_HEADER) ?? undefined, fromCache: true };
}
