/**
 * Pages of a listing for the stores that have all keys at hand, as S3's ListObjectsV2 would cut them.
 *
 * @module
 */
import { MaxleafError } from "../errors.ts";
import type { ListedObject, ListOptions, ListPage } from "./object-store.ts";

/** What S3 and R2 answer at most. */
const MAX_LIST_PAGE = 1_000;

/** The page of `objects`, which are in any order, that `prefix` and `options` ask for. */
export function listPageOf(
  objects: Iterable<ListedObject>,
  prefix: string,
  { cursor, limit = MAX_LIST_PAGE, delimiter }: ListOptions = {},
): ListPage {
  if (limit < 1) throw new MaxleafError("internal", `a page of ${limit} objects cannot be asked for`);
  const page: ListPage = { objects: [], prefixes: [], cursor: undefined };
  // A cursor is the last key or prefix of the page before; keys below that prefix are behind it too.
  let last = cursor;
  const matching = [...objects]
    .filter(({ key }) => key.startsWith(prefix))
    .toSorted((a, b) => (a.key < b.key ? -1 : 1));
  for (const object of matching) {
    const name = commonPrefix(object.key, prefix, delimiter) ?? object.key;
    if (last !== undefined && name <= last) continue;
    if (page.objects.length + page.prefixes.length >= Math.min(limit, MAX_LIST_PAGE)) return { ...page, cursor: last };
    if (name === object.key) page.objects.push(object);
    else page.prefixes.push(name);
    last = name;
  }
  return page;
}

/** The part of `key` up to the first delimiter after `prefix`; undefined when there is none. */
function commonPrefix(key: string, prefix: string, delimiter: string | undefined): string | undefined {
  if (delimiter === undefined) return undefined;
  const end = key.indexOf(delimiter, prefix.length);
  return end < 0 ? undefined : key.slice(0, end + delimiter.length);
}
