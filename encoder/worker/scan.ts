/**
 * Notifications for what buckets and indexes have already: the beginning, before a bucket sends any, and the repair of
 * whatever was missed.
 *
 * @module
 */
import { resolveIndexName } from "../../shared/format/aliases.ts";
import { readManifest } from "../../shared/format/manifest-store.ts";
import type { ObjectStore } from "../../shared/store/object-store.ts";
import { DocumentTables } from "../indexing/document-index.ts";
import { MAX_MESSAGES_AT_ONCE, type JobQueue } from "../queue/queue.ts";
import { isIngestible } from "../render/file-kind.ts";
import type { ObjectEvent } from "./bucket-events.ts";
import type { IndexMap, IndexMapping } from "./index-map.ts";

export interface ScanOptions {
  queue: Pick<JobQueue, "send">;
  map: IndexMap;
  /** The source bucket called so. */
  source: (bucket: string) => ObjectStore;
  /** Where the indexes are. */
  store: ObjectStore;
  signal: AbortSignal;
}

/**
 * Sends a message for every object that is a document of a mapped index, and for every document whose object is not
 * there. Gives their number. What is unchanged costs the worker a download.
 *
 * Errors: `store_unavailable`, `queue_unavailable`.
 */
export async function scanBuckets(options: ScanOptions): Promise<number> {
  let count = 0;
  for (const mapping of options.map.mappings) {
    for await (const events of inBatches(eventsOf(mapping, options))) {
      if (options.signal.aborted) return count;
      await options.queue.send(events.map(bodyOf));
      count += events.length;
    }
  }
  return count;
}

async function* eventsOf(mapping: IndexMapping, options: ScanOptions): AsyncGenerator<ObjectEvent> {
  const { bucket, prefix, index } = mapping;
  const names = new Set<string>();
  for await (const { key, etag } of objectsOf(options.source(bucket), prefix)) {
    const target = options.map.find(bucket, key);
    // A longer prefix may have it.
    if (target?.index !== index || !isIngestible(target.name)) continue;
    names.add(target.name);
    yield { kind: "created", bucket, key, etag };
  }
  for (const name of await documentNames(options.store, index)) {
    if (!names.has(name)) yield { kind: "removed", bucket, key: prefix + name, etag: undefined };
  }
}

async function* objectsOf(source: ObjectStore, prefix: string) {
  let cursor: string | undefined;
  do {
    const page = await source.list(prefix, cursor === undefined ? {} : { cursor });
    yield* page.objects;
    cursor = page.cursor;
  } while (cursor !== undefined);
}

async function documentNames(store: ObjectStore, name: string): Promise<string[]> {
  const index = await resolveIndexName(store, name);
  const manifest = await readManifest(store, index);
  if (manifest === undefined) return [];
  const live = await new DocumentTables(store, index).liveDocuments(manifest);
  return [...live.values()].map(({ entry }) => entry.name);
}

async function* inBatches(events: AsyncIterable<ObjectEvent>): AsyncGenerator<ObjectEvent[]> {
  let batch: ObjectEvent[] = [];
  for await (const event of events) {
    batch.push(event);
    if (batch.length < MAX_MESSAGES_AT_ONCE) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

/** As S3 would have said it. */
function bodyOf({ kind, bucket, key, etag }: ObjectEvent): string {
  const eventName = kind === "created" ? "ObjectCreated:Put" : "ObjectRemoved:Delete";
  const object = { key: encodeURIComponent(key), ...(etag !== undefined && { eTag: etag }) };
  return JSON.stringify({
    Records: [{ eventSource: "maxleaf:scan", eventName, s3: { bucket: { name: bucket }, object } }],
  });
}
