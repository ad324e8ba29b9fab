/**
 * Every operation that changes an index, each with a state to begin in. Run again after a crash, it completes.
 *
 * @module
 */
import { deleteDocument, deleteDocuments } from "../../../encoder/indexing/commit-changes.ts";
import { compactIndex } from "../../../encoder/indexing/compact.ts";
import { renameIndex, setAlias } from "../../../encoder/indexing/change-aliases.ts";
import { createIndex, dropIndex, restoreIndex } from "../../../encoder/indexing/index-life.ts";
import { buildInvertedFile } from "../../../encoder/indexing/inverted-file.ts";
import { retrainIndex } from "../../../encoder/indexing/retrain.ts";
import { updateMetadata } from "../../../encoder/indexing/update-metadata.ts";
import { exportIndex } from "../../../encoder/maintenance/export-index.ts";
import { importIndex } from "../../../encoder/maintenance/import-index.ts";
import { type ErrorCode, MaxleafError } from "../../../shared/errors.ts";
import { readManifest } from "../../../shared/format/manifest-store.ts";
import { documentIdOf } from "../../../shared/names.ts";
import { layout } from "../../../shared/store/layout.ts";
import { MemoryStore } from "../../../shared/store/memory-store.ts";
import type { ObjectStore } from "../../../shared/store/object-store.ts";
import { collectAll } from "./collect-all.ts";
import { INDEX, ingest, RECIPE, type SmallDocument, type WriterSettings } from "./small-documents.ts";

type Step = (store: ObjectStore) => Promise<void>;

export interface Scenario {
  /** Indexes, whose objects are looked at. */
  indexes: readonly string[];
  /** Other names under which they are looked for. */
  aliases?: readonly string[];
  /** Makes the old state. */
  prepare: Step;
  /** The operation. */
  run: Step;
  /** States between old and new that an operation of several commits may stop in, each a whole one by itself. */
  between?: readonly Step[];
}

const A: SmallDocument = { name: "a", seed: 1, vectorCounts: [12, 0, 9], shelf: "north" };
const B: SmallDocument = { name: "b", seed: 2, vectorCounts: [10, 7], shelf: "south" };
const C: SmallDocument = { name: "c", seed: 3, vectorCounts: [8], shelf: "north" };
const NEW_B: SmallDocument = { name: "b", seed: 4, vectorCounts: [11], shelf: "north" };
const E: SmallDocument = { name: "e", seed: 9, vectorCounts: [5] };
const F: SmallDocument = { name: "f", seed: 5, vectorCounts: [9, 0, 6], shelf: "south" };

/** Segments of one page, so that a document lies in several, and one commit writes several. */
const TINY_SEGMENTS: WriterSettings = { limits: { maxVectors: 10, maxPages: 1 } };

const nothing: Step = async () => undefined;

const ingesting =
  (documents: readonly SmallDocument[], settings: WriterSettings = {}): Step =>
  async (store) =>
    void (await ingest(store, documents, settings));

const optimize: Step = async (store) => void (await buildInvertedFile({ store, index: INDEX }));

function inOrder(...steps: readonly Step[]): Step {
  return async (store) => {
    for (const step of steps) await step(store);
  };
}

/** `work`, which says `code` when it was done before. */
async function unlessDone(code: ErrorCode, work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof MaxleafError && error.code === code)) throw error;
  }
}

const deleting =
  (...names: string[]): Step =>
  async (store) => {
    const ids = new Set(await Promise.all(names.map(documentIdOf)));
    await unlessDone("document_not_found", async () => await deleteDocuments({ store, index: INDEX }, ids));
  };

const shelving =
  (name: string, shelf: string): Step =>
  async (store) =>
    void (await updateMetadata({ store, index: INDEX }, new Map([[await documentIdOf(name), { shelf }]])));

const dropping: Step = async (store) =>
  await unlessDone("index_not_found", async () => await dropIndex({ store }, INDEX));

const aliasing =
  (name: string, index: string): Step =>
  async (store) =>
    void (await setAlias({ store }, { name, index }));

const indexes = [INDEX];
const three = inOrder(ingesting([A, B]), ingesting([C]));

/** Documents that come, are replaced and go. */
export const documentScenarios: Readonly<Record<string, Scenario>> = {
  "ingestion into nothing": { indexes, prepare: nothing, run: ingesting([A, B]) },
  "ingestion that adds and replaces, over several segments": {
    indexes,
    prepare: ingesting([A, B], TINY_SEGMENTS),
    run: ingesting([C, NEW_B], TINY_SEGMENTS),
  },
  "ingestion that ends in an inverted file": {
    indexes,
    prepare: inOrder(ingesting([A, B]), optimize),
    run: inOrder(ingesting([C, NEW_B], { maxUncoveredBagEntries: 0 }), optimize),
  },
  "replacing a document whose metadata was updated": {
    indexes,
    prepare: inOrder(ingesting([A, B]), shelving("a", "west")),
    run: ingesting([{ ...A, seed: 9 }]),
  },
  "deletion of several documents, one of which empties its segment": {
    indexes,
    prepare: three,
    run: deleting("b", "c"),
  },
  "deletion of all": { indexes, prepare: three, run: deleting("a", "b", "c") },
  "update of metadata, over an earlier one and a deleted document's": {
    indexes,
    prepare: inOrder(three, shelving("b", "west"), shelving("c", "west"), async (store) => {
      await deleteDocument({ store, index: INDEX }, await documentIdOf("c"));
    }),
    run: shelving("a", "south"),
  },
};

/** A segment for each of four documents, one of them deleted, one with newer metadata, all in an inverted file. */
export const manySegments = inOrder(
  ingesting([A]),
  ingesting([B]),
  ingesting([C]),
  ingesting([E, F]),
  optimize,
  deleting("e"),
  shelving("a", "south"),
);
export const compacting: Step = async (store) => void (await compactIndex({ store, index: INDEX }));
export const retraining: Step = async (store) => void (await retrainIndex({ store, index: INDEX }, { threads: 1 }));

/** Whatever rewrites or removes what lies in the bucket. */
export const maintenanceScenarios: Readonly<Record<string, Scenario>> = {
  optimization: { indexes, prepare: three, run: optimize },
  compaction: { indexes, prepare: manySegments, run: compacting },
  retraining: { indexes, prepare: manySegments, run: retraining },
  "garbage collection, after all of this and an ingestion that was killed": {
    indexes,
    prepare: inOrder(manySegments, compacting, ingesting([NEW_B]), optimize, deleting("c"), async (store) => {
      await store.put(layout.source(INDEX, await documentIdOf("d"), "0123456789abcdef"), new Uint8Array(5));
      await store.put(layout.segment(INDEX, "00000000-dead"), new Uint8Array(5));
    }),
    run: async (store) => await collectAll(store, INDEX),
  },
};

/** Whole indexes and their names. */
export const indexScenarios: Readonly<Record<string, Scenario>> = {
  "creation of an index": {
    indexes,
    prepare: nothing,
    run: async (store) =>
      void (await createIndex({ store }, { index: INDEX, recipe: RECIPE, settings: { subspaces: 8 } })),
  },
  "drop of an index": { indexes, prepare: ingesting([A, B]), run: dropping },
  "restoring a dropped index": {
    indexes,
    prepare: inOrder(ingesting([A, B]), dropping),
    run: async (store) => await unlessDone("name_taken", async () => await restoreIndex({ store }, INDEX)),
  },
  "ingestion under the name of a dropped index": {
    indexes,
    prepare: inOrder(ingesting([A, B]), dropping),
    run: ingesting([B, C]),
  },
  "leading an alias to another index": {
    indexes: [INDEX, "other"],
    aliases: ["name"],
    prepare: inOrder(
      ingesting([A, B]),
      async (store) => void (await createIndex({ store }, { index: "other", recipe: RECIPE })),
      aliasing("name", "other"),
    ),
    run: aliasing("name", INDEX),
  },
  "renaming, when the index is there by one of its names at any time": {
    indexes,
    aliases: ["old", "new"],
    prepare: inOrder(ingesting([A, B]), aliasing("old", INDEX)),
    run: async (store) => {
      await renameIndex({ store }, { from: INDEX, to: "new" });
      await store.delete([layout.alias("old")]);
    },
    between: [aliasing("new", INDEX)],
  },
};

/** Imports of what {@link exportForImports} wrote into `folder`. */
export function importScenarios(folder: () => string): Readonly<Record<string, Scenario>> {
  const importing =
    (replace: boolean): Step =>
    async (store) => {
      // It is done when the inverted file is there, which no other index here has.
      const before = await readManifest(store, INDEX);
      if (before?.inverted === undefined) await importIndex({ store, index: INDEX, folder: folder(), replace });
    };
  return {
    "import into nothing": { indexes, prepare: nothing, run: importing(false) },
    "import over another index": { indexes, prepare: ingesting([A, B]), run: importing(true) },
  };
}

export async function exportForImports(folder: string): Promise<void> {
  const store = new MemoryStore();
  await inOrder(ingesting([A, C]), optimize, shelving("c", "west"))(store);
  await exportIndex({ store, index: INDEX, folder });
}
