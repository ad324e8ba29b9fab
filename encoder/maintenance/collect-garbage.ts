/**
 * Garbage collection: removes what lies below an index and nothing refers to.
 *
 * Objects are written before the manifest that names them, so what nobody refers to may be about to be referred to. Only
 * age tells: an object younger than the grace period is never removed, nor is one that a manifest refers to which was the
 * newest within the grace period. So readers with an older manifest, and ingestions that run or were killed, are safe as
 * long as none lives longer than that. Safe to be killed at any point and to be run again.
 *
 * Of an index that was dropped within the grace period everything stays, so that it can be restored; later all goes but the
 * manifest that says so: the versions of a new index of that name go on from it. `restoreIndex` relies on manifests being
 * removed first.
 *
 * @module
 */
import { MaxleafError } from "../../shared/errors.ts";
import { MAX_UNCOMMITTED_MS } from "../../shared/limits.ts";
import { type Clock, systemClock } from "../../shared/ports.ts";
import { layout } from "../../shared/store/layout.ts";
import type { ListedObject, ObjectStore } from "../../shared/store/object-store.ts";
import { GarbageReport, type ObjectTally } from "./garbage-report.ts";
import { listAll } from "./list-all.ts";
import { type ObjectKind, type ParsedKey, parseRelativeKey, revisionPrefix } from "./object-kinds.ts";
import { References } from "./references.ts";
import { storeNowMs } from "./store-time.ts";

/**
 * Longer than anything that uses objects without their being referred to by the newest manifest. Readers: an isolate looks at
 * the manifest every 10 s, and a calibration or evaluation keeps one for minutes or hours. Writers: an ingestion commits
 * after 2 million vectors, which a model that makes one page a minute on a CPU needs some 30 hours for, and images of its
 * first pages wait as long. One that takes longer than 48 hours, because a laptop slept over a weekend, say, is refused.
 */
export const DEFAULT_GRACE_HOURS = 72;
const HOUR_MS = 60 * 60 * 1_000;
/** Below this a running change may lose what it has stored: only for a bucket that nobody else uses just now. */
export const SAFE_GRACE_HOURS = MAX_UNCOMMITTED_MS / HOUR_MS;

/** S3 takes as many keys in one request. */
const DELETE_BATCH_KEYS = 1_000;
/** Objects between two calls of `onProgress`: ten pages of a listing. */
const PROGRESS_OBJECTS = 10_000;
/** Looks at CURRENT, each after another writer moved it. */
const CURRENT_ATTEMPTS = 5;

export interface CollectOptions {
  store: ObjectStore;
  index: string;
  /** Default: {@link DEFAULT_GRACE_HOURS}. */
  graceHours?: number | undefined;
  /** Removes what it finds; without, it only says so and writes nothing. */
  remove?: boolean | undefined;
  /** For a dry run. Ages for removal are told by the store's clock. */
  clock?: Clock | undefined;
  onProgress?: ((listedObjects: number) => void) | undefined;
}

/**
 * Finds, and removes when asked, what nothing refers to.
 *
 * @throws MaxleafError `corrupt_data`, `unsupported_format_version`, `recipe_mismatch` when what is referred to cannot be
 *   known for sure: nothing was removed then; `store_unavailable` at any point: the next run goes on.
 */
export async function collectGarbage(options: CollectOptions): Promise<GarbageReport> {
  const { store, index, graceHours = DEFAULT_GRACE_HOURS, remove = false, clock = systemClock } = options;
  if (!Number.isFinite(graceHours) || graceHours < 0) {
    throw new MaxleafError("invalid_request", `a grace period of ${graceHours} hours is none`);
  }
  const nowMs = remove ? await storeNowMs(store, index) : clock.nowMs();
  const cutoffMs = nowMs - graceHours * HOUR_MS;
  const references = await References.read(store, index, cutoffMs);
  const report = new GarbageReport(index, graceHours, remove);
  report.manifestVersion = references.newest?.version;
  report.droppedAtMs = references.newest?.droppedAtMs;
  report.keptManifests = references.keptManifests;
  const collection = new Collection({ ...options, remove }, references, report, cutoffMs);
  await collection.removeOldManifests();
  await collection.sweep();
  return report;
}

/** The objects of one version of one document: they come and go together. */
interface RevisionGroup {
  revision: string;
  tallies: Map<ObjectKind, ObjectTally>;
  youngestMs: number;
}

class Collection {
  readonly #options: CollectOptions & { remove: boolean };
  readonly #references: References;
  readonly #report: GarbageReport;
  readonly #cutoffMs: number;
  #batch: { key: string; parsed: ParsedKey; bytes: number }[] = [];
  #listed = 0;

  constructor(
    options: CollectOptions & { remove: boolean },
    references: References,
    report: GarbageReport,
    cutoffMs: number,
  ) {
    this.#options = options;
    this.#references = references;
    this.#report = report;
    this.#cutoffMs = cutoffMs;
  }

  /**
   * First, so that no manifest is ever left that names what is gone. In ascending order and only below what CURRENT names:
   * a reader walks up from there, and must not meet a gap that it would take for the end.
   */
  async removeOldManifests(): Promise<void> {
    const { store, remove } = this.#options;
    const old = this.#references.oldManifests;
    if (old.length > 0 && remove) await this.#advanceCurrent((old.at(-1)?.version ?? 0) + 1);
    for (let first = 0; first < old.length; first += DELETE_BATCH_KEYS) {
      const batch = old.slice(first, first + DELETE_BATCH_KEYS);
      if (remove) await store.delete(batch.map(({ key }) => key));
      for (const { bytes } of batch) this.#report.addGarbage("manifest", bytes);
    }
  }

  /** Everything but manifests, by pages of a listing. */
  async sweep(): Promise<void> {
    const { store, index, onProgress } = this.#options;
    const prefix = layout.index(index);
    let group: RevisionGroup | undefined;
    for await (const object of listAll(store, prefix)) {
      this.#listed += 1;
      if (this.#listed % PROGRESS_OBJECTS === 0) onProgress?.(this.#listed);
      const parsed = parseRelativeKey(object.key.slice(prefix.length));
      const revision = "revision" in parsed ? parsed.revision : undefined;
      if (group !== undefined && group.revision !== revision) {
        await this.#endGroup(group);
        group = undefined;
      }
      if (revision === undefined) await this.#see(object, parsed);
      else group = withObject(group, revision, object, parsed);
    }
    if (group !== undefined) await this.#endGroup(group);
    await this.#flush();
    this.#report.listedObjects = this.#listed;
  }

  async #see(object: ListedObject, parsed: ParsedKey): Promise<void> {
    if (parsed.kind === "current" || parsed.kind === "manifest") return;
    if (parsed.kind === "unknown") {
      this.#report.addUnknown(object.key, object.size);
      return;
    }
    if (this.#references.has(parsed)) return;
    if (this.#isYoung(object.lastModifiedMs)) {
      this.#report.addYoung(object.size);
      return;
    }
    this.#batch.push({ key: object.key, parsed, bytes: object.size });
    if (this.#batch.length === DELETE_BATCH_KEYS) await this.#flush();
  }

  /** Removes the batch, but for what a commit since the listing refers to. */
  async #flush(): Promise<void> {
    const { store, remove } = this.#options;
    const batch = this.#batch;
    this.#batch = [];
    if (batch.length === 0) return;
    if (remove) await this.#references.refresh();
    const garbage = batch.filter(({ parsed }) => !this.#references.has(parsed));
    if (remove) await store.delete(garbage.map(({ key }) => key));
    for (const { parsed, bytes } of garbage) this.#report.addGarbage(parsed.kind, bytes);
  }

  /**
   * An ingestion writes the objects of a document over hours, and an import writes the same keys again: the age of the
   * youngest counts for all.
   */
  async #endGroup({ revision, tallies, youngestMs }: RevisionGroup): Promise<void> {
    if (this.#references.hasRevision(revision)) return;
    const isYoung = this.#isYoung(youngestMs);
    if (!isYoung && this.#options.remove) return await this.#removeRevision(revision);
    for (const [kind, { bytes, objects }] of tallies) {
      if (isYoung) this.#report.addYoung(bytes, objects);
      else this.#report.addGarbage(kind, bytes, objects);
    }
  }

  /**
   * Looks again before every batch: an import of this version may have begun since, and a young object shows. (An ingestion
   * never stores under a key that was there before.) Should one begin between that look and the removal, which is one
   * request later, the look after it tells, and the report names the document: its files may have to be imported again.
   */
  async #removeRevision(revision: string): Promise<void> {
    const { store, index } = this.#options;
    const prefix = revisionPrefix(index, revision);
    let hasRemoved = false;
    for (;;) {
      const { objects } = await store.list(prefix, { limit: DELETE_BATCH_KEYS });
      await this.#references.refresh();
      const isInUse =
        this.#references.hasRevision(revision) || objects.some(({ lastModifiedMs }) => this.#isYoung(lastModifiedMs));
      if (isInUse && hasRemoved) this.#report.raced.push(revision);
      if (isInUse || objects.length === 0) return;
      await store.delete(objects.map(({ key }) => key));
      hasRemoved = true;
      for (const { key, size } of objects) {
        this.#report.addGarbage(parseRelativeKey(key.slice(layout.index(index).length)).kind, size);
      }
    }
  }

  /** Not of a known age, or within the grace period. */
  #isYoung(lastModifiedMs: number): boolean {
    return lastModifiedMs <= 0 || lastModifiedMs >= this.#cutoffMs;
  }

  /**
   * CURRENT is a hint that a crash may have left far behind. Readers begin there: when the version that it names is the last
   * one before a gap, they would take it for the newest, and a writer would commit on top of it.
   */
  async #advanceCurrent(oldestKept: number): Promise<void> {
    const { store, index } = this.#options;
    const key = layout.current(index);
    for (let attempt = 1; ; attempt++) {
      const current = await store.get(key);
      const hint = current === undefined ? 0 : Number(new TextDecoder().decode(current.bytes));
      if (hint >= oldestKept) return;
      try {
        await store.put(key, new TextEncoder().encode(String(this.#references.newest?.version ?? oldestKept)), {
          onlyIf: current === undefined ? "absent" : { etag: current.etag },
          contentType: "text/plain",
        });
      } catch (error) {
        // Whoever moved it meanwhile has most likely moved it far enough.
        const isLost = error instanceof MaxleafError && error.code === "precondition_failed";
        if (!isLost || attempt === CURRENT_ATTEMPTS) throw error;
      }
    }
  }
}

function withObject(
  group: RevisionGroup | undefined,
  revision: string,
  { size: bytes, lastModifiedMs }: ListedObject,
  { kind }: ParsedKey,
): RevisionGroup {
  const grown = group ?? { revision, tallies: new Map(), youngestMs: Number.NEGATIVE_INFINITY };
  const tally = grown.tallies.get(kind) ?? { objects: 0, bytes: 0 };
  grown.tallies.set(kind, { objects: tally.objects + 1, bytes: tally.bytes + bytes });
  // Of unknown age is as good as young.
  grown.youngestMs = Math.max(grown.youngestMs, lastModifiedMs <= 0 ? Number.POSITIVE_INFINITY : lastModifiedMs);
  return grown;
}
