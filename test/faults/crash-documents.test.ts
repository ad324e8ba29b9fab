/**
 * The process killed at every single write of what changes documents: old state or new state, never a mixture.
 */
import { describe, expect, it } from "vitest";
import { deleteDocuments } from "../../encoder/indexing/commit-changes.ts";
import { buildInvertedFile } from "../../encoder/indexing/inverted-file.ts";
import { MaxleafError } from "../../shared/errors.ts";
import { documentIdOf } from "../../shared/names.ts";
import type { ObjectStore } from "../../shared/store/object-store.ts";
import { crashEverywhere } from "./support/crash-everywhere.ts";
import { collectAll } from "./support/index-state.ts";
import { INDEX, ingest, type SmallDocument } from "./support/small-documents.ts";

const A: SmallDocument = { name: "a", seed: 1, vectorCounts: [12, 0, 9], shelf: "north" };
const B: SmallDocument = { name: "b", seed: 2, vectorCounts: [10, 7], shelf: "south" };
const C: SmallDocument = { name: "c", seed: 3, vectorCounts: [8], shelf: "north" };
const NEW_B: SmallDocument = { name: "b", seed: 4, vectorCounts: [11], shelf: "north" };

/** Segments of one page, so that a document lies in several, and one commit writes several. */
const TINY_SEGMENTS = { limits: { maxVectors: 10, maxPages: 1 } };

async function remove(store: ObjectStore, ...names: string[]): Promise<void> {
  const ids = new Set(await Promise.all(names.map(documentIdOf)));
  await deleteDocuments({ store, index: INDEX }, ids).catch((error: unknown) => {
    // What is asked for again is gone already.
    if (!(error instanceof MaxleafError && error.code === "document_not_found")) throw error;
  });
}

async function threeDocuments(store: ObjectStore): Promise<void> {
  await ingest(store, [A, B]);
  await ingest(store, [C]);
}

describe("killed at any write", () => {
  it("ingestion into nothing", async () => {
    const run = async (store: ObjectStore) => void (await ingest(store, [A, B]));
    expect(await crashEverywhere({ indexes: [INDEX], prepare: async () => undefined, run })).toBeGreaterThan(30);
  });

  it("ingestion that adds and replaces, over several segments", async () => {
    const run = async (store: ObjectStore) => void (await ingest(store, [C, NEW_B], TINY_SEGMENTS));
    const prepare = async (store: ObjectStore) => void (await ingest(store, [A, B], TINY_SEGMENTS));
    expect(await crashEverywhere({ indexes: [INDEX], prepare, run })).toBeGreaterThan(30);
  });

  it("ingestion that ends in an inverted file", async () => {
    const run = async (store: ObjectStore) => {
      await ingest(store, [C, NEW_B], { maxUncoveredBagEntries: 0 });
      await buildInvertedFile({ store, index: INDEX });
    };
    const prepare = async (store: ObjectStore) => {
      await ingest(store, [A, B]);
      await buildInvertedFile({ store, index: INDEX });
    };
    expect(await crashEverywhere({ indexes: [INDEX], prepare, run })).toBeGreaterThan(30);
  });

  it("deletion of several documents, one of which empties its segment", async () => {
    const run = async (store: ObjectStore) => await remove(store, "b", "c");
    expect(await crashEverywhere({ indexes: [INDEX], prepare: threeDocuments, run })).toBeGreaterThan(10);
  });

  it("deletion of all", async () => {
    const run = async (store: ObjectStore) => await remove(store, "a", "b", "c");
    expect(await crashEverywhere({ indexes: [INDEX], prepare: threeDocuments, run })).toBeGreaterThan(10);
  });

  it("optimization", async () => {
    const run = async (store: ObjectStore) => void (await buildInvertedFile({ store, index: INDEX }));
    expect(await crashEverywhere({ indexes: [INDEX], prepare: threeDocuments, run })).toBeGreaterThan(10);
  });

  it("garbage collection, after replacements, deletions and an ingestion that was killed", async () => {
    const prepare = async (store: ObjectStore) => {
      await threeDocuments(store);
      await buildInvertedFile({ store, index: INDEX });
      await ingest(store, [NEW_B]);
      await buildInvertedFile({ store, index: INDEX });
      await remove(store, "c");
      await store.put(
        `indexes/${INDEX}/documents/${await documentIdOf("d")}/0123456789abcdef/source`,
        new Uint8Array(5),
      );
      await store.put(`indexes/${INDEX}/segments/00000000-dead`, new Uint8Array(5));
    };
    const run = async (store: ObjectStore) => await collectAll(store, INDEX);
    expect(await crashEverywhere({ indexes: [INDEX], prepare, run })).toBeGreaterThan(10);
  });
});
