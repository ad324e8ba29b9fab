/**
 * Whether the bucket has exactly what an index is made of, and all of that is sound.
 *
 * @module
 */
import { expect } from "vitest";
import { examineIndex } from "../../../encoder/maintenance/doctor.ts";
import { readNewestManifest } from "../../../shared/format/manifest-store.ts";
import { layout } from "../../../shared/store/layout.ts";
import type { ObjectStore } from "../../../shared/store/object-store.ts";
import { collectAll, keysBelow } from "./collect-all.ts";
import { liveDocuments } from "./index-state.ts";

/** The doctor reads every byte of the index and finds nothing wrong. */
export async function expectWell(store: ObjectStore, index: string): Promise<void> {
  if ((await readNewestManifest(store, index)) === undefined) return;
  const { findings } = await examineIndex({ store, index, deep: true });
  expect(findings.filter(({ severity }) => severity === "error")).toEqual([]);
}

/** After a collection, the bucket has what the newest manifest refers to, no more and no less. */
export async function expectTidyAfterCollection(store: ObjectStore, index: string): Promise<void> {
  await collectAll(store, index);
  const left = await keysBelow(store, layout.index(index));
  expect(left.toSorted()).toEqual((await referredKeys(store, index)).toSorted());
}

/** The keys that the newest manifest needs, told by the layout alone. */
async function referredKeys(store: ObjectStore, index: string): Promise<string[]> {
  const manifest = await readNewestManifest(store, index);
  if (manifest === undefined) return [];
  const { codebook, segments, inverted, overlay, version } = manifest;
  const keys = [layout.manifest(index, version)];
  // Only a hint, which a crash may have prevented.
  if ((await store.get(layout.current(index))) !== undefined) keys.push(layout.current(index));
  if (codebook !== undefined) keys.push(layout.codebook(index, codebook.id));
  for (const { id } of segments) keys.push(layout.segment(index, id), layout.vectors(index, id));
  if (inverted !== undefined) {
    const { id, parts, lexical } = inverted;
    keys.push(layout.inverted(index, id), ...parts.map((_, part) => layout.invertedPart(index, id, part)));
    if (lexical !== undefined) keys.push(layout.lexical(index, id));
    keys.push(...(lexical?.parts ?? []).map((_, part) => layout.lexicalPart(index, id, part)));
  }
  if (overlay !== undefined) keys.push(layout.overlay(index, overlay.id));
  for (const { entry } of await liveDocuments(store, index, manifest)) {
    const at = [index, entry.id, entry.revision] as const;
    keys.push(layout.source(...at));
    for (let page = 1; page <= entry.pageCount; page++) {
      keys.push(layout.pageImage(...at, page), layout.pageThumbnail(...at, page));
    }
  }
  return keys;
}
