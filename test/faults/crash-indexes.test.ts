/**
 * The process killed at every single write of what changes whole indexes, their names and the metadata of their documents.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { deleteDocument } from "../../encoder/indexing/commit-changes.ts";
import { createIndex, dropIndex, renameIndex, restoreIndex, setAlias } from "../../encoder/indexing/index-life.ts";
import { buildInvertedFile } from "../../encoder/indexing/inverted-file.ts";
import { updateMetadata } from "../../encoder/indexing/update-metadata.ts";
import { exportIndex } from "../../encoder/maintenance/export-index.ts";
import { importIndex } from "../../encoder/maintenance/import-index.ts";
import { type ErrorCode, MaxleafError } from "../../shared/errors.ts";
import { readManifest } from "../../shared/format/manifest-store.ts";
import { documentIdOf } from "../../shared/names.ts";
import { MemoryStore } from "../../shared/store/memory-store.ts";
import type { ObjectStore } from "../../shared/store/object-store.ts";
import { crashEverywhere } from "./support/crash-everywhere.ts";
import { INDEX, ingest, RECIPE, type SmallDocument } from "./support/small-documents.ts";

const A: SmallDocument = { name: "a", seed: 1, vectorCounts: [12, 0, 9], shelf: "north" };
const B: SmallDocument = { name: "b", seed: 2, vectorCounts: [10, 7], shelf: "south" };
const C: SmallDocument = { name: "c", seed: 3, vectorCounts: [8], shelf: "north" };

const indexes = [INDEX];
const prepare = async (store: ObjectStore) => void (await ingest(store, [A, B]));

/** `work`, which says `code` when it was done before. */
async function unlessDone(code: ErrorCode, work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof MaxleafError && error.code === code)) throw error;
  }
}

describe("killed at any write", () => {
  it("creation of an index", async () => {
    const run = async (store: ObjectStore) => {
      await createIndex({ store }, { index: INDEX, recipe: RECIPE, settings: { subspaces: 8 } });
    };
    expect(await crashEverywhere({ indexes, prepare: async () => undefined, run })).toBeGreaterThan(3);
  });

  it("drop of an index", async () => {
    const run = async (store: ObjectStore) => {
      await unlessDone("index_not_found", async () => await dropIndex({ store }, INDEX));
    };
    expect(await crashEverywhere({ indexes, prepare, run })).toBeGreaterThan(3);
  });

  it("restoring a dropped index", async () => {
    const dropped = async (store: ObjectStore) => {
      await prepare(store);
      await dropIndex({ store }, INDEX);
    };
    const run = async (store: ObjectStore) => {
      await unlessDone("name_taken", async () => await restoreIndex({ store }, INDEX));
    };
    expect(await crashEverywhere({ indexes, prepare: dropped, run })).toBeGreaterThan(3);
  });

  it("ingestion under the name of a dropped index", async () => {
    const dropped = async (store: ObjectStore) => {
      await prepare(store);
      await dropIndex({ store }, INDEX);
    };
    const run = async (store: ObjectStore) => void (await ingest(store, [B, C]));
    expect(await crashEverywhere({ indexes, prepare: dropped, run })).toBeGreaterThan(20);
  });

  it("leading an alias to another index", async () => {
    const two = async (store: ObjectStore) => {
      await prepare(store);
      await createIndex({ store }, { index: "other", recipe: RECIPE });
      await setAlias({ store }, { name: "name", index: "other" });
    };
    const run = async (store: ObjectStore) => void (await setAlias({ store }, { name: "name", index: INDEX }));
    const scenario = { indexes: [INDEX, "other"], aliases: ["name"], prepare: two, run };
    expect(await crashEverywhere(scenario)).toBeGreaterThan(1);
  });

  it("renaming: the index is there by one of the names at any time", async () => {
    const named = async (store: ObjectStore) => {
      await prepare(store);
      await setAlias({ store }, { name: "old", index: INDEX });
    };
    const run = async (store: ObjectStore) => {
      await renameIndex({ store }, { from: INDEX, to: "new" });
      await store.delete(["aliases/old"]);
    };
    const both = async (store: ObjectStore) => void (await setAlias({ store }, { name: "new", index: INDEX }));
    const scenario = { indexes, aliases: ["old", "new"], prepare: named, run, between: [both] };
    expect(await crashEverywhere(scenario)).toBeGreaterThan(1);
  });

  it("update of metadata, over an earlier one and a deleted document's", async () => {
    const patch = async (store: ObjectStore, name: string, shelf: string) =>
      await updateMetadata({ store, index: INDEX }, new Map([[await documentIdOf(name), { shelf }]]));
    const updated = async (store: ObjectStore) => {
      await ingest(store, [A, B, C]);
      await patch(store, "b", "west");
      await patch(store, "c", "west");
      await deleteDocument({ store, index: INDEX }, await documentIdOf("c"));
    };
    const run = async (store: ObjectStore) => void (await patch(store, "a", "south"));
    expect(await crashEverywhere({ indexes, prepare: updated, run })).toBeGreaterThan(5);
  });

  it("replacing a document whose metadata was updated", async () => {
    const updated = async (store: ObjectStore) => {
      await prepare(store);
      await updateMetadata({ store, index: INDEX }, new Map([[await documentIdOf("a"), { shelf: "west" }]]));
    };
    const run = async (store: ObjectStore) => void (await ingest(store, [{ ...A, seed: 9 }]));
    expect(await crashEverywhere({ indexes, prepare: updated, run })).toBeGreaterThan(20);
  });
});

describe("killed at any write, import", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "maxleaf-faults-"));
    const store = new MemoryStore();
    await ingest(store, [A, C]);
    await buildInvertedFile({ store, index: INDEX });
    await exportIndex({ store, index: INDEX, folder });
  });
  afterAll(async () => await rm(folder, { recursive: true }));

  const importOnce = async (store: ObjectStore, replace: boolean) => {
    const before = await readManifest(store, INDEX);
    if (before?.inverted !== undefined && !replace) return;
    await importIndex({ store, index: INDEX, folder, replace });
  };

  it("into nothing", async () => {
    const run = async (store: ObjectStore) => await importOnce(store, false);
    expect(await crashEverywhere({ indexes, prepare: async () => undefined, run })).toBeGreaterThan(20);
  });

  it("over another index", async () => {
    const run = async (store: ObjectStore) => await importOnce(store, true);
    expect(await crashEverywhere({ indexes, prepare, run })).toBeGreaterThan(20);
  });
});
