/**
 * How much lives in each segment of an index.
 *
 * @module
 */
import PQueue from "p-queue";
import type { Manifest, SegmentEntry } from "../../shared/format/manifest.ts";
import type { Overlay } from "../../shared/format/overlay.ts";
import { segmentIdentityOf } from "../../shared/format/segment-identity.ts";
import { openSegment } from "../../shared/format/segment-reader.ts";
import { MAX_CONCURRENT_READS } from "../../shared/limits.ts";
import type { ObjectStore } from "../../shared/store/object-store.ts";
import type { SegmentSize } from "./compact-plan.ts";

/**
 * The sizes of the segments of `manifest`, in its order. Opens those with deletions, and with an overlay all of them, to see
 * whose documents it changes.
 *
 * @throws MaxleafError `corrupt_data`, `store_unavailable`.
 */
export async function readSegmentSizes(
  store: ObjectStore,
  manifest: Manifest,
  overlay?: Overlay,
): Promise<SegmentSize[]> {
  const queue = new PQueue({ concurrency: MAX_CONCURRENT_READS });
  return await queue.addAll(
    manifest.segments.map((entry) => async () => {
      if (entry.deletedDocuments.length > 0 || overlay !== undefined) {
        return await readSize(store, manifest, entry, overlay);
      }
      return { entry, livePages: entry.pageCount, liveVectors: entry.vectorCount };
    }),
  );
}

async function readSize(
  store: ObjectStore,
  manifest: Manifest,
  entry: SegmentEntry,
  overlay: Overlay | undefined,
): Promise<SegmentSize> {
  const expected = segmentIdentityOf(manifest, entry);
  const options = { index: manifest.index, id: entry.id, expected, bytes: entry.bytes };
  const { documents, pages } = await openSegment(store, options);
  const deleted = new Set(entry.deletedDocuments);
  let livePages = 0;
  let liveVectors = 0;
  pages.documentOrdinal.forEach((ordinal, page) => {
    if (deleted.has(ordinal)) return;
    livePages += 1;
    liveVectors += pages.vectorCount[page] ?? 0;
  });
  const isOverlaid = documents.some(
    ({ id, revision }, ordinal) => !deleted.has(ordinal) && overlay?.get(id)?.revision === revision,
  );
  return { entry, livePages, liveVectors, isOverlaid };
}
