/**
 * What those who look after the bucket know of overlays.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { layout } from "../../shared/store/layout.ts";
import { MemoryStore } from "../../shared/store/memory-store.ts";
import { DocumentTables } from "../indexing/document-index.ts";
import { TestIndex } from "../indexing/testing-index.ts";
import { discardUpdates, updateMetadata } from "../indexing/update-metadata.ts";
import { collectGarbage } from "./collect-garbage.ts";
import { examineIndex } from "./doctor.ts";
import { exportIndex } from "./export-index.ts";
import { importIndex } from "./import-index.ts";
import { addWithFiles, aged, DyingStore, keysOf } from "./testing.ts";

const OLD_HOURS = 100;

let books: TestIndex;
let idOfA: string;
beforeEach(async () => {
  books = new TestIndex();
  const writer = await books.openWriter();
  idOfA = await addWithFiles(books, writer, "a", [20, 10]);
  await writer.commit();
});
afterEach(async () => await books.close());

const target = () => ({ store: books.store, index: books.name });
const update = async (year: string) => await updateMetadata(target(), new Map([[idOfA, { year }]]));
const overlaysOf = async (store = books.store, index = books.name) =>
  (await keysOf(store, index)).filter((key) => key.startsWith("overlays/"));

async function metadataOf(store = books.store, index = books.name): Promise<unknown> {
  const manifest = await books.manifest();
  const live = await new DocumentTables(store, index).liveDocuments({ ...manifest, index });
  return live.get(idOfA)?.entry.metadata;
}

describe("overlays", () => {
  it("are garbage when a newer one has taken their place, as long ago as the grace period", async () => {
    for (const year of ["2021", "2022", "2023"]) await update(year);
    const { overlay } = await books.manifest();
    expect(await overlaysOf()).toHaveLength(3);
    const young = await collectGarbage({ ...target(), remove: true });
    expect(young.garbage.overlay).toBeUndefined();
    const store = aged(books.store, OLD_HOURS, (key) => key.includes("/maintenance/"));
    const report = await collectGarbage({ store, index: books.name, remove: true });
    expect(report.garbage.overlay?.objects).toBe(2);
    expect(report.unknown.objects).toBe(0);
    expect(await overlaysOf()).toEqual([`overlays/${overlay?.id}`]);
    expect(await metadataOf()).toEqual({ year: "2023" });
  });

  it("are written whole or not at all: a change that is cut off after any write is the old state or the new one", async () => {
    await update("2021");
    for (let writes = 0; ; writes++) {
      const before = await metadataOf();
      const year = `after ${writes}`;
      const dying = new DyingStore(books.store, writes);
      const change = updateMetadata(
        { store: dying.store, index: books.name, retries: 0 },
        new Map([[idOfA, { year }]]),
      );
      const isDone = await change.then(
        () => true,
        () => false,
      );
      expect([before, { year }]).toContainEqual(await metadataOf());
      if (isDone) expect(await metadataOf()).toEqual({ year });
      // What is asked for again is done, and what is left is garbage in time.
      await update(year);
      expect(await metadataOf()).toEqual({ year });
      const store = aged(books.store, OLD_HOURS, (key) => key.includes("/maintenance/"));
      await collectGarbage({ store, index: books.name, remove: true });
      expect(await overlaysOf()).toHaveLength(1);
      expect(await examineIndex(target())).toMatchObject({ isWell: true, findings: [] });
      if (dying.writes < writes) break;
    }
  });

  it("go with an export and come with an import", async () => {
    await update("2023");
    const folder = await mkdtemp(join(tmpdir(), "maxleaf-overlay-"));
    try {
      const store = new MemoryStore();
      await exportIndex({ ...target(), folder: join(folder, "out") });
      await importIndex({ store, index: books.name, folder: join(folder, "out") });
      expect(await overlaysOf(store)).toHaveLength(1);
      expect(await metadataOf(store)).toEqual({ year: "2023" });
      expect(await examineIndex({ store, index: books.name, deep: true })).toMatchObject({
        isWell: true,
        findings: [],
      });
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it.each([
    ["missing", async (key: string) => await books.store.delete([key])],
    ["damaged", async (key: string) => void (await books.store.put(key, new Uint8Array(300)))],
  ])("that are %s are found, and the mend that is named mends", async (_what, harm) => {
    await update("2023");
    expect(await examineIndex(target())).toMatchObject({ isWell: true, findings: [] });
    const { overlay } = await books.manifest();
    await harm(layout.overlay(books.name, overlay?.id ?? ""));
    const { isWell, findings } = await examineIndex(target());
    expect(isWell).toBe(false);
    expect(findings).toMatchObject([
      {
        problem: expect.stringMatching(/^overlay /),
        mend: expect.stringContaining("maxleaf update --index books --discard"),
      },
    ]);
    await expect(metadataOf()).rejects.toMatchObject({ code: "corrupt_data" });
    expect(await discardUpdates(target())).toMatchObject({ documents: 1 });
    expect(await examineIndex(target())).toMatchObject({ isWell: true, findings: [] });
    expect(await metadataOf()).toEqual({});
  });
});
