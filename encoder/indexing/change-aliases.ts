/**
 * Other names of indexes made, led elsewhere and removed: each by one conditional write, so that all who read see it at once
 * and none of two changes is lost.
 *
 * @module
 */
import { MaxleafError, quote } from "../../shared/errors.ts";
import {
  type Alias,
  encodeAlias,
  encodeRemovedAlias,
  readAlias,
  readAliasObject,
  resolveIndexName,
} from "../../shared/format/aliases.ts";
import { readManifest } from "../../shared/format/manifest-store.ts";
import { parseIndexName } from "../../shared/names.ts";
import { systemClock, systemRandom } from "../../shared/ports.ts";
import { layout } from "../../shared/store/layout.ts";
import type { ObjectStore, PutOptions } from "../../shared/store/object-store.ts";
import type { LifeTarget } from "./index-life.ts";

/** Attempts of an alias to be the next: others swap it a few times a second at most. */
const ALIAS_ATTEMPTS = 10;
/** A random part of it between two: R2 allows one write per second and key. */
const ALIAS_RETRY_MS = 500;

export interface AliasChange {
  name: string;
  /** Where it is to lead: an index, or an alias, which is followed now and not later. */
  index: string;
  /** Only when it leads there now; null: only when there is no such alias. Absent: whatever it is. */
  expected?: string | null | undefined;
}

export interface ChangedAlias extends Alias {
  /** Where it led before; undefined: it is new. */
  previous: string | undefined;
}

/**
 * Makes an alias, or leads it to another index: whoever asks gets the one or the other. Asked for again it changes nothing.
 *
 * @throws MaxleafError `invalid_name`; `index_not_found` when there is no such index; `name_taken` when an index has the
 *   alias' name; `precondition_failed` when it does not lead where `expected` says; `commit_conflict` when others were always
 *   faster; `store_unavailable`, `corrupt_data`.
 */
export async function setAlias(target: LifeTarget, { name, index: to, expected }: AliasChange): Promise<ChangedAlias> {
  const { store, clock = systemClock } = target;
  parseIndexName(name);
  return await untilWritten(target, name, async () => {
    const index = await resolveIndexName(store, to);
    if ((await readManifest(store, index)) === undefined) {
      throw new MaxleafError("index_not_found", `there is no index ${quote(index)}`);
    }
    await requireNoIndex(store, name);
    const object = await readAliasObject(store, name);
    const before = object?.alias;
    const previous = before?.index;
    if (before?.index === index && expected !== null) return { ...before, previous };
    if (expected !== undefined && (previous ?? null) !== expected) throw ledElsewhere(name, previous, expected);
    const change = { name, index, changedAtMs: clock.nowMs() };
    const etag = await write(store, name, encodeAlias(change), object?.etag);
    if (etag === undefined) return undefined;
    try {
      await requireNoIndex(store, name);
    } catch (error) {
      // Who has replaced it since finds the index too.
      if (previous === undefined) await write(store, name, encodeRemovedAlias({ changedAtMs: clock.nowMs() }), etag);
      throw error;
    }
    return { ...change, previous };
  });
}

export interface AliasRemoval {
  name: string;
  /** Only when it leads there now. Absent: wherever it leads. */
  expected?: string | undefined;
}

/**
 * Removes an alias; the index it leads to stays. Gives what it was.
 *
 * @throws MaxleafError `invalid_name`; `not_found` when there is no such alias; `precondition_failed` when it does not lead where
 *   `expected` says; `commit_conflict` when others were always faster; `store_unavailable`, `corrupt_data`.
 */
export async function removeAlias(target: LifeTarget, { name, expected }: AliasRemoval): Promise<Alias> {
  const { store, clock = systemClock } = target;
  return await untilWritten(target, name, async () => {
    const object = await readAliasObject(store, name);
    const alias = object?.alias;
    if (alias === undefined) throw new MaxleafError("not_found", `there is no alias ${quote(name)}`);
    if (expected !== undefined && alias.index !== expected) throw ledElsewhere(name, alias.index, expected);
    const removed = encodeRemovedAlias({ changedAtMs: clock.nowMs() });
    return (await write(store, name, removed, object?.etag)) === undefined ? undefined : alias;
  });
}

/** Attempts a change until none comes between its reading and its writing: `attempt` gives undefined when one has. */
async function untilWritten<T>(target: LifeTarget, name: string, attempt: () => Promise<T | undefined>): Promise<T> {
  const { clock = systemClock, random = systemRandom } = target;
  for (let attempts = 0; attempts < ALIAS_ATTEMPTS; attempts++) {
    if (attempts > 0) await clock.sleep(random.next() * ALIAS_RETRY_MS);
    const done = await attempt();
    if (done !== undefined) return done;
  }
  const message = `alias ${quote(name)} was changed by others ${ALIAS_ATTEMPTS} times in a row`;
  throw new MaxleafError("commit_conflict", message);
}

/** Puts `bytes` in the place of version `etag`, or where nothing is; the new ETag, undefined when another was faster. */
async function write(
  store: ObjectStore,
  name: string,
  bytes: Uint8Array,
  etag: string | undefined,
): Promise<string | undefined> {
  const onlyIf: PutOptions["onlyIf"] = etag === undefined ? "absent" : { etag };
  try {
    return (await store.put(layout.alias(name), bytes, { onlyIf, contentType: "application/json" })).etag;
  } catch (error) {
    if (error instanceof MaxleafError && error.code === "precondition_failed") return undefined;
    throw error;
  }
}

async function requireNoIndex(store: ObjectStore, name: string): Promise<void> {
  if ((await readManifest(store, name)) === undefined) return;
  throw new MaxleafError("name_taken", `there is an index ${quote(name)}: an alias needs a name of its own`);
}

function ledElsewhere(name: string, previous: string | undefined, expected: string | null): MaxleafError {
  const is = previous === undefined ? "there is no such alias" : `it leads to ${quote(previous)}`;
  const wanted = expected === null ? "be new" : `lead to ${quote(expected)}`;
  return new MaxleafError("precondition_failed", `alias ${quote(name)} was to ${wanted}, but ${is}`);
}

export interface Renaming {
  /** An index, or an alias of one. */
  from: string;
  to: string;
  /** Keeps `from` where it is an alias. */
  keepOld?: boolean | undefined;
}

export interface RenamedIndex {
  /** The index itself, whose name in the bucket never changes. */
  index: string;
  /** Its new name. */
  name: string;
  /** The alias that was removed: the old name. Undefined where that is the index's own, was to be kept, or is another's by now. */
  removed: string | undefined;
}

/**
 * Gives an index another name: an alias. The objects stay where they are. An old name that is an alias goes, after the new
 * one is there; the index's own name stays valid. Cut off in between, it can be done again.
 *
 * @throws MaxleafError `index_not_found`; `name_taken` when an index, or an alias to another index, has the new name;
 *   `invalid_name`, `invalid_request`, `commit_conflict`, `store_unavailable`, `corrupt_data`.
 */
export async function renameIndex(target: LifeTarget, { from, to, keepOld = false }: Renaming): Promise<RenamedIndex> {
  if (from === to) throw new MaxleafError("invalid_request", `${quote(from)} is called so already`);
  const index = await resolveIndexName(target.store, from);
  if ((await readManifest(target.store, index)) === undefined) {
    throw new MaxleafError("index_not_found", `there is no index ${quote(index)}`);
  }
  const existing = await readAlias(target.store, to);
  if (existing !== undefined && existing.index !== index) {
    throw new MaxleafError("name_taken", `${quote(to)} is an alias of the index ${quote(existing.index)}`);
  }
  // Against one that another makes meanwhile.
  await setAlias(target, { name: to, index, expected: existing === undefined ? null : index });
  const removed = index === from || keepOld ? undefined : await removedOf(target, { name: from, expected: index });
  return { index, name: to, removed };
}

/** The name, if it was removed; undefined when others have removed it or led it elsewhere meanwhile. */
async function removedOf(target: LifeTarget, removal: AliasRemoval): Promise<string | undefined> {
  try {
    return (await removeAlias(target, removal)).name;
  } catch (error) {
    const isOthers = error instanceof MaxleafError && ["not_found", "precondition_failed"].includes(error.code);
    if (isOthers) return undefined;
    throw error;
  }
}
