/**
 * Aliases: names that lead to an index. An alias is one small object, so that all who ask see it led elsewhere at once. An
 * index of the same name wins over an alias; whatever creates either refuses a name that the other has.
 *
 * The object of an alias that was removed stays, and says so: object stores replace on condition, and do not delete on one, so
 * that a removal in the moment of a change would take what it has not seen.
 *
 * @module
 */
import PQueue from "p-queue";
import { z } from "zod";
import { MaxleafError, quote } from "../errors.ts";
import { MAX_ALIAS_BYTES, MAX_CONCURRENT_READS } from "../limits.ts";
import { parseIndexName } from "../names.ts";
import { ALIASES_PREFIX, layout } from "../store/layout.ts";
import type { ObjectStore } from "../store/object-store.ts";
import { corrupt, decodeUtf8 } from "./bytes.ts";
import { readManifest } from "./manifest-store.ts";

/** Version of an alias' layout. */
const ALIAS_FORMAT = 1;

const aliasSchema = z.strictObject({
  format: z.literal(ALIAS_FORMAT),
  /** The index that it leads to: never another alias. */
  index: z.string().refine(isIndexName, "it is no index name"),
  changedAtMs: z.number().int().nonnegative(),
});

const removedAliasSchema = z.strictObject({
  format: z.literal(ALIAS_FORMAT),
  removed: z.literal(true),
  changedAtMs: z.number().int().nonnegative(),
});

/** An alias that is stored. */
export interface Alias {
  name: string;
  /** The index that it leads to, which may have been dropped since. */
  index: string;
  changedAtMs: number;
}

/** What lies under the name of an alias. */
export interface AliasObject {
  /** The version, to be replaced by. */
  etag: string;
  /** Undefined: it was removed. */
  alias: Alias | undefined;
}

/**
 * The name of the index that `name` means: itself where there is such an index, else where the alias of that name leads,
 * else itself. The one way from a name that a caller gave to that of an index. Whether that index is there is not looked at.
 * One read for a name that is no alias.
 *
 * @throws MaxleafError `invalid_name`, `corrupt_data`, `unsupported_format_version`, `store_unavailable`.
 */
export async function resolveIndexName(store: ObjectStore, name: string): Promise<string> {
  const alias = await readAlias(store, parseIndexName(name));
  if (alias === undefined) return name;
  return (await readManifest(store, name)) === undefined ? alias.index : name;
}

/**
 * The alias `name`, or undefined when there is none, whether or not an index has that name too.
 *
 * @throws MaxleafError as {@link resolveIndexName}.
 */
export async function readAlias(store: ObjectStore, name: string): Promise<Alias | undefined> {
  return (await readAliasObject(store, name))?.alias;
}

/**
 * The object of the alias `name`, or undefined when there never was one.
 *
 * @throws MaxleafError as {@link resolveIndexName}.
 */
export async function readAliasObject(store: ObjectStore, name: string): Promise<AliasObject | undefined> {
  const object = await store.get(layout.alias(parseIndexName(name)), { suffix: MAX_ALIAS_BYTES });
  if (object === undefined) return undefined;
  const what = `alias ${quote(name)}`;
  if (object.size > MAX_ALIAS_BYTES) throw corrupt(what, `it has ${object.size} bytes`);
  const decoded = decodeAlias(object.bytes, what);
  return { etag: object.etag, alias: decoded && { name, ...decoded } };
}

/** Errors: `name_taken` when `name` is an alias, so that no index may be made under it; as {@link resolveIndexName}. */
export async function requireNoAlias(store: ObjectStore, name: string): Promise<void> {
  const alias = await readAlias(store, name);
  if (alias === undefined) return;
  throw new MaxleafError("name_taken", `${quote(name)} is an alias of the index ${quote(alias.index)}`);
}

/** Every alias, by name. Errors: as {@link resolveIndexName}. */
export async function listAliases(store: ObjectStore): Promise<Alias[]> {
  const queue = new PQueue({ concurrency: MAX_CONCURRENT_READS });
  const names = await listAliasNames(store);
  const aliases = await queue.addAll(names.map((name) => async () => await readAlias(store, name)));
  return aliases.filter((alias) => alias !== undefined);
}

/** Names of aliases, removed ones too, in order. What lies there under a name that none may have is not Maxleaf's and left out. */
export async function listAliasNames(store: ObjectStore): Promise<string[]> {
  const names: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await store.list(ALIASES_PREFIX, cursor === undefined ? {} : { cursor });
    names.push(...page.objects.map(({ key }) => key.slice(ALIASES_PREFIX.length)).filter(isIndexName));
    cursor = page.cursor;
  } while (cursor !== undefined);
  return names;
}

/** The bytes of an alias to `index`. */
export function encodeAlias({ index, changedAtMs }: Omit<Alias, "name">): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ format: ALIAS_FORMAT, index, changedAtMs }));
}

/** The bytes that take the place of an alias that is removed. */
export function encodeRemovedAlias({ changedAtMs }: Pick<Alias, "changedAtMs">): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ format: ALIAS_FORMAT, removed: true, changedAtMs }));
}

/** Undefined for one that was removed. */
function decodeAlias(bytes: Uint8Array, what: string): Omit<Alias, "name"> | undefined {
  let value: unknown;
  try {
    value = JSON.parse(decodeUtf8(bytes, what));
  } catch (cause) {
    if (cause instanceof MaxleafError) throw cause;
    throw new MaxleafError("corrupt_data", `${what} is corrupt: it is not JSON`, { cause });
  }
  if (removedAliasSchema.safeParse(value).success) return undefined;
  const parsed = aliasSchema.safeParse(value);
  if (parsed.success) return { index: parsed.data.index, changedAtMs: parsed.data.changedAtMs };
  const hasLaterFormat =
    typeof value === "object" && value !== null && "format" in value && Number(value.format) > ALIAS_FORMAT;
  if (hasLaterFormat) {
    throw new MaxleafError(
      "unsupported_format_version",
      `${what} has a later format; this version of Maxleaf reads ${ALIAS_FORMAT}`,
    );
  }
  const [issue] = parsed.error.issues;
  throw new MaxleafError(
    "corrupt_data",
    `${what} is corrupt: its field ${quote(issue?.path.join("."))}: ${issue?.message}`,
    {
      cause: parsed.error,
    },
  );
}

function isIndexName(name: string): boolean {
  try {
    parseIndexName(name);
    return true;
  } catch {
    return false;
  }
}
