/**
 * The process killed at every single write of compaction and retraining: searches answer the same before, meanwhile and after.
 */
import { describe, expect, it } from "vitest";
import { deleteDocument } from "../../encoder/indexing/commit-changes.ts";
import { compactIndex } from "../../encoder/indexing/compact.ts";
import { buildInvertedFile } from "../../encoder/indexing/inverted-file.ts";
import { retrainIndex } from "../../encoder/indexing/retrain.ts";
import { updateMetadata } from "../../encoder/indexing/update-metadata.ts";
import { readManifest } from "../../shared/format/manifest-store.ts";
import { documentIdOf } from "../../shared/names.ts";
import { MemoryStore } from "../../shared/store/memory-store.ts";
import type { ObjectStore } from "../../shared/store/object-store.ts";
import { crashEverywhere } from "./support/crash-everywhere.ts";
import { INDEX, ingest, type SmallDocument } from "./support/small-documents.ts";

const NAMES = ["a", "b", "c", "d"];
const documentOf = (name: string, at: number): SmallDocument => ({
  name,
  seed: at + 1,
  vectorCounts: [9, 0, 7 + at],
  shelf: at % 2 === 0 ? "north" : "south",
});

/** A segment for each of four documents, one of them deleted, one with newer metadata, all in an inverted file. */
async function prepare(store: ObjectStore): Promise<void> {
  for (const [at, name] of NAMES.entries()) await ingest(store, [documentOf(name, at)]);
  await ingest(store, [{ name: "e", seed: 9, vectorCounts: [5] }, documentOf("f", 5)]);
  await buildInvertedFile({ store, index: INDEX });
  await deleteDocument({ store, index: INDEX }, await documentIdOf("e"));
  await updateMetadata({ store, index: INDEX }, new Map([[await documentIdOf("a"), { shelf: "south" }]]));
}

const compact = async (store: ObjectStore) =>
  void (await compactIndex({ store, index: INDEX }, { maxSegmentsPerTier: 1 }));
const retrain = async (store: ObjectStore) => void (await retrainIndex({ store, index: INDEX }, { threads: 1 }));

describe("killed at any write", () => {
  it("compaction", async () => {
    const crashes = await crashEverywhere({ indexes: [INDEX], prepare, run: compact });
    expect(crashes).toBeGreaterThan(15);
  });

  it("retraining", async () => {
    const crashes = await crashEverywhere({ indexes: [INDEX], prepare, run: retrain });
    expect(crashes).toBeGreaterThan(15);
  });

  it("is a test of something: both replace every segment", async () => {
    for (const run of [compact, retrain]) {
      const store = new MemoryStore();
      await prepare(store);
      const before = await readManifest(store, INDEX);
      await run(store);
      const after = await readManifest(store, INDEX);
      const ids = new Set(after?.segments.map(({ id }) => id));
      expect(before?.segments.filter(({ id }) => ids.has(id))).toEqual([]);
      expect(after?.inverted?.id).not.toBe(before?.inverted?.id);
    }
  });
});
