/**
 * The manifest of an index, kept while the isolate lives: all that the worker needs of an index whose shards do the rest.
 *
 * @module
 */
import type { ManifestLook } from "../../shared/engine/contract.ts";
import { MaxleafError, quote } from "../../shared/errors.ts";
import { readManifest, readManifestAfter } from "../../shared/format/manifest-store.ts";
import type { Manifest } from "../../shared/format/manifest.ts";
import type { ObjectStore } from "../../shared/store/object-store.ts";
import type { PoolableIndex } from "../index-pool.ts";

/** A segment's entry as an object, about; a manifest has few other parts. */
const BYTES_PER_SEGMENT = 500;

export class OpenedManifest implements PoolableIndex {
  readonly #store: ObjectStore;
  #manifest: Manifest;

  private constructor(store: ObjectStore, manifest: Manifest) {
    this.#store = store;
    this.#manifest = manifest;
  }

  /** Errors: `index_not_found`, and those of `readManifest`. */
  static async open(store: ObjectStore, index: string): Promise<OpenedManifest> {
    return new OpenedManifest(store, await readExisting(store, index));
  }

  /** As it was read last. */
  get manifest(): Manifest {
    return this.#manifest;
  }

  get memoryBytes(): number {
    return this.#manifest.segments.length * BYTES_PER_SEGMENT;
  }

  async refresh(look: ManifestLook = "newest"): Promise<void> {
    const known = this.#manifest;
    const read = await readExisting(this.#store, known.index, look === "next" ? known : undefined);
    // Another refresh may have been faster and have seen more.
    if (this.#manifest === known || read.version > this.#manifest.version) this.#manifest = read;
  }

  close(): void {}
}

async function readExisting(store: ObjectStore, index: string, recent?: Manifest): Promise<Manifest> {
  const manifest = recent === undefined ? await readManifest(store, index) : await readManifestAfter(store, recent);
  if (manifest !== undefined) return manifest;
  throw new MaxleafError("index_not_found", `there is no index ${quote(index)}`);
}
