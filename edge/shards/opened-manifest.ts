/**
 * The manifest of an index, kept while the isolate lives: all that the worker needs of an index whose shards do the rest.
 *
 * @module
 */
import { MaxleafError, quote } from "../../shared/errors.ts";
import { readManifest } from "../../shared/format/manifest-store.ts";
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

  async refresh(): Promise<void> {
    this.#manifest = await readExisting(this.#store, this.#manifest.index);
  }

  close(): void {}
}

async function readExisting(store: ObjectStore, index: string): Promise<Manifest> {
  const manifest = await readManifest(store, index);
  if (manifest !== undefined) return manifest;
  throw new MaxleafError("index_not_found", `there is no index ${quote(index)}`);
}
