/**
 * A whole listing, a page of it in memory at a time.
 *
 * @module
 */
import type { ListedObject, ObjectStore } from "../../shared/store/object-store.ts";

/** The objects whose keys begin with `prefix`, in key order. Deleting what was listed does not disturb it. */
export async function* listAll(store: Pick<ObjectStore, "list">, prefix: string): AsyncGenerator<ListedObject> {
  let cursor: string | undefined;
  do {
    const page = await store.list(prefix, cursor === undefined ? {} : { cursor });
    yield* page.objects;
    cursor = page.cursor;
  } while (cursor !== undefined);
}
