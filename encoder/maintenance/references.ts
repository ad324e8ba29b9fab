/**
 * What the manifests of an index refer to that some reader may still be using.
 *
 * @module
 */
import PQueue from "p-queue";
import { corrupt } from "../../shared/format/bytes.ts";
import { readManifestVersion, readNewestManifest } from "../../shared/format/manifest-store.ts";
import type { SegmentIdentity } from "../../shared/format/contract.ts";
import type { Manifest } from "../../shared/format/manifest.ts";
import { segmentIdentityOf } from "../../shared/format/segment-identity.ts";
import { openSegment } from "../../shared/format/segment-reader.ts";
import { MAX_CONCURRENT_READS } from "../../shared/limits.ts";
import { layout } from "../../shared/store/layout.ts";
import type { ObjectStore } from "../../shared/store/object-store.ts";
import { listManifests, type ParsedKey, revisionKey } from "./object-kinds.ts";

/** A segment in the manifests that count. */
interface ReferredSegment {
  /** How to open it. */
  expected: SegmentIdentity;
  bytes: number;
  /** Ordinals that are deleted in every manifest that has the segment: only these documents nobody sees any more. */
  deletedEverywhere: ReadonlySet<number>;
}

/**
 * Everything that the newest manifest refers to and every manifest that was the newest at `cutoffMs` or later: a reader that
 * opened the index since then may hold it. Sizes in memory: an id per segment, and 37 characters per document.
 */
export class References {
  /** Manifests that may be removed: superseded before the cutoff. Ascending by version. */
  readonly oldManifests: { version: number; key: string; bytes: number }[] = [];
  readonly #store: ObjectStore;
  readonly #index: string;
  readonly #ids = new Set<string>();
  readonly #segments = new Map<string, ReferredSegment>();
  readonly #revisions = new Set<string>();
  /** Segments whose documents are in `#revisions`. */
  readonly #documentsRead = new Set<string>();
  #newest: Manifest | undefined;
  #keptManifests = 0;

  private constructor(store: ObjectStore, index: string) {
    this.#store = store;
    this.#index = index;
  }

  /**
   * Reads the manifests of `index` that count, and the document tables of their segments.
   *
   * @throws MaxleafError `corrupt_data`, `unsupported_format_version`, `recipe_mismatch` when one of them cannot be read:
   *   then nobody knows what it refers to; `store_unavailable`.
   */
  static async read(store: ObjectStore, index: string, cutoffMs: number): Promise<References> {
    const references = new References(store, index);
    const stored = await listManifests(store, index);
    const kept: number[] = [];
    for (const [at, { version, key, bytes }] of stored.entries()) {
      const successor = stored[at + 1];
      // A time of 0 is none: the store did not say.
      const isOld = successor !== undefined && successor.lastModifiedMs > 0 && successor.lastModifiedMs < cutoffMs;
      if (isOld) references.oldManifests.push({ version, key, bytes });
      else kept.push(version);
    }
    const newest = await requireNewest(store, index);
    const queue = new PQueue({ concurrency: MAX_CONCURRENT_READS });
    await queue.addAll(kept.map((version) => async () => await references.#addVersion(version)));
    if (newest !== undefined) references.#add(newest);
    references.#newest = newest;
    references.#keptManifests = kept.length;
    await references.#readDocuments([...references.#segments.keys()]);
    return references;
  }

  /** The newest manifest as of the last look, that of a drop too; undefined when the index has none. */
  get newest(): Manifest | undefined {
    return this.#newest;
  }

  /** Manifests that count. */
  get keptManifests(): number {
    return this.#keptManifests;
  }

  /** Takes in what was committed since the last look: a read, as a rule. Errors: as of {@link References.read}. */
  async refresh(): Promise<void> {
    for (;;) {
      const known = this.#newest;
      const next =
        known === undefined
          ? await readNewestManifest(this.#store, this.#index)
          : await readManifestVersion(this.#store, this.#index, known.version + 1);
      if (next === undefined) return;
      this.#add(next);
      this.#newest = next;
      this.#keptManifests += 1;
      await this.#readDocuments(next.segments.map(({ id }) => id));
    }
  }

  /** Whether a manifest that counts refers to the object. Manifests themselves: see {@link References.oldManifests}. */
  has(key: ParsedKey): boolean {
    if ("id" in key) return this.#ids.has(key.id);
    return "revision" in key && this.#revisions.has(key.revision);
  }

  /** Whether the document version ({@link revisionKey}) is live in a manifest that counts. */
  hasRevision(revision: string): boolean {
    return this.#revisions.has(revision);
  }

  async #addVersion(version: number): Promise<void> {
    const manifest = await readManifestVersion(this.#store, this.#index, version);
    // Undefined: another collection removed it since it was listed, so it was old after all.
    if (manifest !== undefined) this.#add(manifest);
  }

  #add(manifest: Manifest): void {
    const { codebook, inverted, overlay, segments } = manifest;
    for (const part of [codebook, inverted, overlay, ...segments]) if (part !== undefined) this.#ids.add(part.id);
    for (const entry of segments) {
      const before = this.#segments.get(entry.id)?.deletedEverywhere;
      const here = new Set(entry.deletedDocuments);
      const deletedEverywhere =
        before === undefined ? here : new Set([...here].filter((ordinal) => before.has(ordinal)));
      // An older manifest was brought back, and documents with it.
      if (before !== undefined && deletedEverywhere.size < before.size) this.#documentsRead.delete(entry.id);
      const expected = segmentIdentityOf(manifest, entry);
      this.#segments.set(entry.id, { expected, bytes: entry.bytes, deletedEverywhere });
    }
  }

  async #readDocuments(segmentIds: readonly string[]): Promise<void> {
    const queue = new PQueue({ concurrency: MAX_CONCURRENT_READS });
    const unread = segmentIds.filter((id) => !this.#documentsRead.has(id));
    await queue.addAll(unread.map((id) => async () => await this.#readDocumentsOf(id)));
  }

  async #readDocumentsOf(id: string): Promise<void> {
    const segment = this.#segments.get(id);
    if (segment === undefined) return;
    const { expected, bytes, deletedEverywhere } = segment;
    const { documents } = await openSegment(this.#store, { index: this.#index, id, expected, bytes });
    for (const [ordinal, document] of documents.entries()) {
      if (!deletedEverywhere.has(ordinal)) this.#revisions.add(revisionKey(document));
    }
    this.#documentsRead.add(id);
  }
}

/** The newest manifest, undefined when there was never one. Throws `corrupt_data` when there must have been one. */
async function requireNewest(store: ObjectStore, index: string): Promise<Manifest | undefined> {
  const newest = await readNewestManifest(store, index);
  if (newest !== undefined || (await store.get(layout.current(index))) === undefined) return newest;
  // Or the first commit came between the two looks.
  const first = await readNewestManifest(store, index);
  if (first !== undefined) return first;
  throw corrupt(`index ${index}`, "it has a CURRENT but no manifest: what it refers to is unknown");
}
