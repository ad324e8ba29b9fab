/**
 * Reads and commits manifests. A commit puts the next version where none may be: of two writers one wins, the other reads
 * what the first wrote and tries again on top of it. Nothing else in the bucket decides what an index holds.
 *
 * @module
 */
import { MaxleafError, quote } from "../errors.ts";
import { MAX_MANIFEST_BYTES, MAX_UNCOMMITTED_MS } from "../limits.ts";
import { parseIndexName } from "../names.ts";
import { type Clock, type Random, systemClock, systemRandom } from "../ports.ts";
import { recipeFingerprint } from "../recipe/fingerprint.ts";
import { INDEXES_PREFIX, layout } from "../store/layout.ts";
import type { ObjectStore } from "../store/object-store.ts";
import { corrupt } from "./bytes.ts";
import { decodeManifest, encodeManifest, MANIFEST_FORMAT, type Manifest } from "./manifest.ts";

/** A hint that is further behind than this is not walked up read by read: listing the versions is one request. */
const MAX_FORWARD_READS = 8;
/** CURRENT holds a number of at most 16 digits. */
const MAX_HINT_BYTES = 32;

/** Attempts after the first. Of ten writers that begin at once the last to win loses nine times. */
const COMMIT_RETRIES = 20;
/** Full jitter: wait a random part of base · 2^retry, at most the maximum. R2 allows one write per second and key. */
const RETRY_BASE_MS = 50;
const RETRY_MAX_MS = 2_000;

/** What a change decides; the rest of a manifest is made by the commit. */
export type ManifestDraft = Omit<Manifest, "format" | "index" | "version" | "commitId" | "committedAtMs">;

export interface CommitOptions {
  clock?: Clock | undefined;
  random?: Random | undefined;
  retries?: number | undefined;
  /**
   * When, by `clock`, the first object began to be stored that the commit names and no manifest does yet. Needed of every
   * change that stores objects before `mutate` is called: {@link MAX_UNCOMMITTED_MS} later they may be gone, and the commit
   * is refused.
   */
  storedSinceMs?: number | undefined;
}

/**
 * The newest manifest of `index`, or undefined when there is no such index, or no more. Two waves of reads as a rule: the
 * hint, then its version and the next side by side.
 *
 * @throws MaxleafError `corrupt_data`, `unsupported_format_version`, `store_unavailable`.
 */
export async function readManifest(store: ObjectStore, index: string): Promise<Manifest | undefined> {
  const newest = await readNewestManifest(store, index);
  return newest?.droppedAtMs === undefined ? newest : undefined;
}

/** As {@link readManifest}, but a dropped index's newest manifest is given too: for those who look after the bucket. */
export async function readNewestManifest(store: ObjectStore, index: string): Promise<Manifest | undefined> {
  const hint = await readHint(store, index);
  if (hint === undefined || hint.version === 0) return await readNewestListed(store, index);
  const [hinted, next] = await Promise.all([
    readManifestVersion(store, index, hint.version),
    readManifestVersion(store, index, hint.version + 1),
  ]);
  const newest = next ?? hinted;
  if (newest === undefined) return await readNewestListed(store, index);
  if (next === undefined) return newest;
  const walked = await walkForward(store, newest, MAX_FORWARD_READS);
  return walked.isNewest ? walked.manifest : await readNewestListed(store, index, walked.manifest);
}

/**
 * The newest manifest, for a reader that has `known` and knows that it was the newest moments ago: one read when it still is.
 * Longer ago is not enough, since a garbage collection removes what was superseded, and a gap would be taken for the end.
 * Undefined when the index was dropped. Errors: as {@link readManifest}.
 */
export async function readManifestAfter(store: ObjectStore, known: Manifest): Promise<Manifest | undefined> {
  const walked = await walkForward(store, known, MAX_FORWARD_READS);
  const newest = walked.isNewest ? walked.manifest : await readNewestListed(store, known.index, walked.manifest);
  return newest?.droppedAtMs === undefined ? newest : undefined;
}

/** The newest manifest that `reads` reads from `manifest` on lead to, and whether there is none after it. */
async function walkForward(
  store: ObjectStore,
  manifest: Manifest,
  reads: number,
): Promise<{ manifest: Manifest; isNewest: boolean }> {
  let newest = manifest;
  for (let read = 0; read < reads; read++) {
    const following = await readManifestVersion(store, manifest.index, newest.version + 1);
    if (following === undefined) return { manifest: newest, isNewest: true };
    newest = following;
  }
  return { manifest: newest, isNewest: false };
}

/**
 * Commits the next version of `index`.
 *
 * @param mutate makes the new content from the newest manifest (undefined: the index is new, or was dropped). It is called
 *   again, on a fresher manifest, whenever another writer was faster.
 * @returns what was committed.
 * @throws MaxleafError `commit_conflict` when others were always faster, `commit_expired` when it comes too late for what
 *   it names, `store_unavailable`, and whatever `mutate` throws.
 */
export async function commitManifest(
  store: ObjectStore,
  index: string,
  mutate: (current: Manifest | undefined) => ManifestDraft | Promise<ManifestDraft>,
  { clock = systemClock, random = systemRandom, retries = COMMIT_RETRIES, storedSinceMs }: CommitOptions = {},
): Promise<Manifest> {
  parseIndexName(index);
  // One id for all attempts: wherever it turns up, this change was made, even if the store's answer was lost.
  const commitId = crypto.randomUUID();
  let attempted: Manifest | undefined;
  let failure: MaxleafError | undefined;
  for (let attempt = 0; attempt <= retries; attempt++) {
    if (attempt > 0) await clock.sleep(random.next() * Math.min(RETRY_MAX_MS, RETRY_BASE_MS * 2 ** attempt));
    try {
      const landed = attempted && (await findLanded(store, attempted));
      if (landed !== undefined) return await announce(store, landed);
      const current = await readNewestManifest(store, index);
      const startedMs = clock.nowMs();
      attempted = {
        ...(await mutate(current?.droppedAtMs === undefined ? current : undefined)),
        format: MANIFEST_FORMAT,
        index,
        version: (current?.version ?? 0) + 1,
        commitId,
        committedAtMs: clock.nowMs(),
      };
      requireFresh(index, Math.min(storedSinceMs ?? startedMs, startedMs), clock);
      await store.put(layout.manifest(index, attempted.version), encodeManifest(attempted), {
        onlyIf: "absent",
        contentType: "application/json",
      });
      return await announce(store, attempted);
    } catch (error) {
      failure = retriable(error);
    }
  }
  const landed = attempted && (await findLanded(store, attempted));
  if (landed !== undefined) return await announce(store, landed);
  if (failure?.code === "store_unavailable") throw failure;
  throw new MaxleafError(
    "commit_conflict",
    `index ${quote(index)} was changed by others ${retries + 1} times in a row`,
    { cause: failure },
  );
}

/**
 * Version `version` of the manifest of `index`, or undefined when there is none.
 *
 * @throws MaxleafError as {@link readManifest}.
 */
export async function readManifestVersion(
  store: ObjectStore,
  index: string,
  version: number,
): Promise<Manifest | undefined> {
  // A read from the end gets all of it or, when it is too large, no more than the limit.
  const object = await store.get(layout.manifest(index, version), { suffix: MAX_MANIFEST_BYTES });
  if (object === undefined) return undefined;
  const what = `manifest ${version} of index ${quote(index)}`;
  if (object.size > MAX_MANIFEST_BYTES) throw corrupt(what, `it has ${object.size} bytes`);
  const manifest = decodeManifest(object.bytes, what);
  if (manifest.version !== version || manifest.index !== index) {
    throw corrupt(what, `it says it is version ${manifest.version} of ${quote(manifest.index)}`);
  }
  if ((await recipeFingerprint(manifest.recipe)) !== manifest.recipeFingerprint) {
    throw corrupt(what, `${quote(manifest.recipeFingerprint)} is not the fingerprint of its recipe`);
  }
  return manifest;
}

/**
 * Names under which something is stored, in order. An index whose first commit has not happened yet is among them;
 * {@link readManifest} gives undefined for it.
 */
export async function listIndexes(store: ObjectStore): Promise<string[]> {
  const names: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await store.list(INDEXES_PREFIX, { delimiter: "/", ...(cursor !== undefined && { cursor }) });
    names.push(...page.prefixes.map((prefix) => prefix.slice(INDEXES_PREFIX.length, -1)));
    cursor = page.cursor;
  } while (cursor !== undefined);
  return names;
}

/** The version that CURRENT names (0 when it names none) and its ETag; undefined without CURRENT. */
async function readHint(store: ObjectStore, index: string): Promise<{ version: number; etag: string } | undefined> {
  const object = await store.get(layout.current(index), { suffix: MAX_HINT_BYTES });
  if (object === undefined) return undefined;
  const version = Number(new TextDecoder().decode(object.bytes));
  // The versions themselves are the truth: without a usable hint they are listed.
  return { version: Number.isSafeInteger(version) && version > 0 ? version : 0, etag: object.etag };
}

/** By listing the versions, and from there forward: a listing may be older than what is there. At least `known`. */
async function readNewestListed(store: ObjectStore, index: string, known?: Manifest): Promise<Manifest | undefined> {
  const prefix = layout.manifests(index);
  let lastKey: string | undefined;
  let cursor: string | undefined;
  do {
    const page = await store.list(prefix, cursor === undefined ? {} : { cursor });
    lastKey = page.objects.at(-1)?.key ?? lastKey;
    cursor = page.cursor;
  } while (cursor !== undefined);
  if (lastKey === undefined) return known;
  const version = Number(lastKey.slice(prefix.length));
  if (!Number.isSafeInteger(version) || layout.manifest(index, version) !== lastKey) {
    throw corrupt(`index ${quote(index)}`, `the key ${quote(lastKey)} is no manifest's`);
  }
  const listed = version > (known?.version ?? 0) ? await readManifestVersion(store, index, version) : known;
  return listed && (await walkForward(store, listed, Number.POSITIVE_INFINITY)).manifest;
}

/**
 * Last thing before a manifest is written: garbage collection trusts that nobody names what was stored so long ago. A
 * machine that slept shows it by its clock.
 */
function requireFresh(index: string, storedSinceMs: number, clock: Clock): void {
  const waitedMs = clock.nowMs() - storedSinceMs;
  if (waitedMs <= MAX_UNCOMMITTED_MS) return;
  const hours = (ms: number) => Math.floor(ms / 3_600_000);
  throw new MaxleafError(
    "commit_expired",
    `a change of index ${quote(index)} took ${hours(waitedMs)} h from storing to committing; after ${hours(MAX_UNCOMMITTED_MS)} h it must be made anew`,
  );
}

/** `error` when another attempt may succeed; else throws it. R2 answers a lost race with 412 or with 429. */
function retriable(error: unknown): MaxleafError {
  if (error instanceof MaxleafError && (error.code === "precondition_failed" || error.code === "store_unavailable")) {
    return error;
  }
  throw error;
}

/** The manifest of an attempt that seemed to fail, when it is in place all the same. */
async function findLanded(store: ObjectStore, attempted: Manifest): Promise<Manifest | undefined> {
  const stored = await readManifestVersion(store, attempted.index, attempted.version);
  return stored?.commitId === attempted.commitId ? stored : undefined;
}

/**
 * Moves CURRENT to `committed` unless it is further already. A hint that stays behind costs readers reads, no more, so
 * failing to move it must not fail the commit.
 */
async function announce(store: ObjectStore, committed: Manifest): Promise<Manifest> {
  const key = layout.current(committed.index);
  try {
    const hint = await readHint(store, committed.index);
    if (hint !== undefined && hint.version >= committed.version) return committed;
    await store.put(key, new TextEncoder().encode(String(committed.version)), {
      onlyIf: hint === undefined ? "absent" : { etag: hint.etag },
      contentType: "text/plain",
    });
  } catch (error) {
    if (!(error instanceof MaxleafError)) throw error;
  }
  return committed;
}
