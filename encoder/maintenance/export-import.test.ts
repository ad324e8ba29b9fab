import { createHash } from "node:crypto";
import { mkdir, mkdtemp, open, readdir, readFile, rm, truncate, unlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { openIndex } from "../../shared/engine/open-index.ts";
import { randomQuery } from "../../shared/engine/testing/random-material.ts";
import { readManifest } from "../../shared/format/manifest-store.ts";
import type { KernelModule } from "../../shared/kernel/webassembly.ts";
import { seededRandom } from "../../shared/seeded-random.ts";
import { encodeAlias } from "../../shared/format/aliases.ts";
import { layout } from "../../shared/store/layout.ts";
import { MemoryStore } from "../../shared/store/memory-store.ts";
import type { ObjectStore } from "../../shared/store/object-store.ts";
import { loadKernel } from "../cli/load-kernel.ts";
import { deleteDocument } from "../indexing/commit-changes.ts";
import { buildInvertedFile } from "../indexing/inverted-file.ts";
import { decorate, TEST_DIM, TestIndex } from "../indexing/testing-index.ts";
import { examineIndex } from "./doctor.ts";
import { RANGE_BYTES } from "./export-format.ts";
import { createIndex, dropIndex } from "../indexing/index-life.ts";
import { exportIndex } from "./export-index.ts";
import { importIndex } from "./import-index.ts";
import { addWithFiles, aged, DyingStore, keysOf } from "./testing.ts";

const NAME = "copy";

let kernelModule: KernelModule;
let books: TestIndex;
let folder: string;
let target: MemoryStore;

beforeAll(async () => {
  kernelModule = await loadKernel();
  books = new TestIndex();
  const writer = await books.openWriter();
  await addWithFiles(books, writer, "a", [20, 0, 10]);
  const gone = await addWithFiles(books, writer, "gone", [10]);
  await writer.commit();
  await addWithFiles(books, writer, "b", [15]);
  await writer.commit();
  await buildInvertedFile({ store: books.store, index: books.name });
  await deleteDocument({ store: books.store, index: books.name }, gone);
  // An orphan, which is not to be exported.
  await books.store.put(layout.segment(books.name, "0000-dead"), new Uint8Array(9));
});
afterAll(async () => await books.close());
beforeEach(async () => {
  target = new MemoryStore();
  folder = await mkdtemp(join(tmpdir(), "maxleaf-export-"));
});
afterEach(async () => await rm(folder, { recursive: true }));

const out = (name = "out") => join(folder, name);
const exported = async (store: ObjectStore = books.store) =>
  await exportIndex({ store, index: books.name, folder: out() });
const imported = async (more = {}) =>
  await importIndex({ store: target, index: NAME, folder: out(), retries: 0, ...more });
const searched = async (store: ObjectStore, index: string) => {
  const opened = await openIndex({ store, index, kernelModule });
  try {
    const { recipeFingerprint } = await books.manifest();
    const query = randomQuery(recipeFingerprint, TEST_DIM, 8, seededRandom(1));
    const { hits } = await opened.search({ query, k: 10 });
    expect(hits.length).toBeGreaterThan(1);
    return hits;
  } finally {
    opened.close();
  }
};

describe("an exported index", () => {
  it("is whole on a disk that takes a part of what it is given", async () => {
    const handle = await open(join(folder, "any"), "w");
    const prototype: { write: (bytes: Uint8Array | string) => Promise<unknown> } = Object.getPrototypeOf(handle);
    const { write } = prototype;
    const half = vi.spyOn(prototype, "write").mockImplementation(async function (this: unknown, bytes) {
      return await Reflect.apply(write, this, [bytes.slice(0, Math.ceil(bytes.length / 2))]);
    });
    try {
      await handle.write("four");
      expect((await handle.stat()).size).toBe(2);
      const { objects } = await exported();
      expect(await imported()).toMatchObject({ objects });
    } finally {
      half.mockRestore();
      await handle.close();
    }
  });

  it("is the same when it is imported under another name: bytes, searches, health", async () => {
    const report = await exported();
    expect(report).toMatchObject({ manifestVersion: 4, kept: 0, vanished: 0 });
    expect(await imported()).toMatchObject({ index: NAME, manifestVersion: 1, objects: report.objects, kept: 0 });
    const keys = (await keysOf(target, NAME)).filter((key) => !/^(CURRENT|manifests)/.test(key));
    expect(keys).toHaveLength(report.objects);
    expect(keys.filter((key) => key.includes("0000-dead"))).toEqual([]);
    for (const key of keys) {
      const original = await books.store.get(layout.index(books.name) + key);
      expect((await target.get(layout.index(NAME) + key))?.bytes).toEqual(original?.bytes);
    }
    expect(await searched(target, NAME)).toEqual(await searched(books.store, books.name));
    expect(await examineIndex({ store: target, index: NAME, deep: true })).toMatchObject({
      isWell: true,
      findings: [],
    });
  });

  it("keeps what an export that was cut off has written", async () => {
    let reads = 0;
    const failing = decorate(books.store, {
      get: async (...args) => {
        if (/\/documents\//.test(args[0]) && (reads += 1) > 3) throw new Error("the line is cut");
        return await books.store.get(...args);
      },
    });
    await expect(exported(failing)).rejects.toThrow("the line is cut");
    await expect(imported()).rejects.toMatchObject({ code: "invalid_request" });
    const report = await exported();
    expect(report.kept).toBeGreaterThan(5);
    expect(report.kept).toBeLessThan(report.objects);
    await imported();
    expect((await examineIndex({ store: target, index: NAME, deep: true })).isWell).toBe(true);
  });

  it("is not written into a folder with something else", async () => {
    await exported();
    await expect(exported()).rejects.toMatchObject({ code: "invalid_request" });
    await mkdir(out("other"));
    await writeFile(join(out("other"), "letter.txt"), "dear reader");
    const into = exportIndex({ store: books.store, index: books.name, folder: out("other") });
    await expect(into).rejects.toMatchObject({ code: "invalid_request" });
    const missing = exportIndex({ store: books.store, index: "none", folder: out("none") });
    await expect(missing).rejects.toMatchObject({ code: "index_not_found" });
  });

  it("is not made of an index of which something is missing", async () => {
    const holed = decorate(books.store, {
      get: async (key, ...rest) => (key.endsWith(".vectors") ? undefined : await books.store.get(key, ...rest)),
    });
    await expect(exported(holed)).rejects.toMatchObject({ code: "corrupt_data" });
    expect(await readdir(out())).not.toContain("maxleaf-export.json");
  });

  it("leaves out files of a document that is deleted meanwhile", async () => {
    const holed = decorate(books.store, {
      get: async (key, ...rest) => (key.endsWith("2.webp") ? undefined : await books.store.get(key, ...rest)),
    });
    expect(await exported(holed)).toMatchObject({ vanished: 1 });
  });

  it("passes large objects in ranges", async () => {
    const large = new TestIndex();
    const writer = await large.openWriter();
    const id = await addWithFiles(large, writer, "large", [5]);
    await writer.commit();
    await large.close();
    const bytes = new Uint8Array(2 * RANGE_BYTES + 5).map((_, at) => at % 251);
    await large.store.put(layout.source(large.name, id, "0123456789abcdef"), bytes);
    let longest = 0;
    const watched = decorate(large.store, {
      get: async (...args) => {
        const object = await large.store.get(...args);
        longest = Math.max(longest, object?.bytes.length ?? 0);
        return object;
      },
    });
    await exportIndex({ store: watched, index: large.name, folder: out() });
    await imported();
    expect(longest).toBe(RANGE_BYTES);
    expect((await target.get(layout.source(NAME, id, "0123456789abcdef")))?.bytes).toEqual(bytes);
  });
});

describe("an import", () => {
  beforeEach(async () => {
    await exported();
  });

  it("never goes over an index, unless it is to replace it", async () => {
    await imported();
    await expect(imported()).rejects.toMatchObject({ code: "commit_conflict" });
    const replaced = await imported({ replace: true });
    expect(replaced.manifestVersion).toBe(2);
    expect(replaced.kept).toBe(replaced.objects);
  });

  it("takes no name that is an alias", async () => {
    await target.put(layout.alias(NAME), encodeAlias({ index: "other", changedAtMs: 1 }));
    for (const replace of [false, true]) {
      await expect(imported({ replace })).rejects.toMatchObject({ code: "name_taken" });
    }
    expect(await keysOf(target, NAME)).toEqual([]);
  });

  it("takes the name of an index that was dropped, and keeps the settings of its own", async () => {
    const settings = { filterableFields: ["year"] };
    const { recipe } = books;
    await createIndex({ store: target }, { index: "with-settings", recipe, settings });
    await exportIndex({ store: target, index: "with-settings", folder: out("empty") });
    await createIndex({ store: target }, { index: NAME, recipe });
    await dropIndex({ store: target }, NAME);
    expect(await imported({ folder: out("empty") })).toMatchObject({ manifestVersion: 3 });
    expect(await readManifest(target, NAME)).toMatchObject({ settings, segments: [] });
    await expect(exportIndex({ store: target, index: "gone", folder: out("gone") })).rejects.toMatchObject({
      code: "index_not_found",
    });
  });

  it("does not go over an index that was made while it ran", async () => {
    const racing = decorate(target, {
      put: async (key, ...rest) => {
        if (key.endsWith("manifests/000000000001")) await importIndex({ store: target, index: NAME, folder: out() });
        return await target.put(key, ...rest);
      },
    });
    await expect(imported({ store: racing, retries: 1 })).rejects.toThrow(/--replace/);
    expect((await readManifest(target, NAME))?.version).toBe(1);
  });

  it("mends a damaged index in its place", async () => {
    await imported();
    const [segment] = (await readManifest(target, NAME))?.segments ?? [];
    const key = layout.segment(NAME, segment?.id ?? "");
    const object = await target.get(key);
    const bytes = object?.bytes ?? new Uint8Array();
    bytes[20] = (bytes[20] ?? 0) ^ 1;
    await target.put(key, bytes);
    expect((await examineIndex({ store: target, index: NAME, deep: true })).isWell).toBe(false);
    const report = await imported({ replace: true });
    expect(report.kept).toBe(report.objects - 1);
    expect((await examineIndex({ store: target, index: NAME, deep: true })).isWell).toBe(true);
  });

  it("stores again what lies there for so long that a garbage collection may take it", async () => {
    const dying = new DyingStore(target, 5);
    await expect(imported({ store: dying.store })).rejects.toMatchObject({ code: "store_unavailable" });
    expect(await imported({ store: aged(target, 40) })).toMatchObject({ kept: 0 });
  });

  const file = async (name: string) => {
    const found = (await readdir(out(), { recursive: true })).find((path) => path.endsWith(name));
    return join(out(), found ?? name);
  };
  const damages: { name: string; harm: () => Promise<void> }[] = [
    { name: "an object is missing", harm: async () => await unlink(await file("source")) },
    { name: "an object was cut off", harm: async () => await truncate(await file(".vectors"), 10) },
    {
      name: "a bit of an object flipped",
      harm: async () => {
        const path = await file(".vectors");
        const bytes = await readFile(path);
        bytes[20] = (bytes[20] ?? 0) ^ 1;
        await writeFile(path, bytes);
      },
    },
    { name: "a line of the list is missing", harm: async () => await dropLine(await file("objects.jsonl")) },
    { name: "the manifest was changed", harm: async () => await writeFile(await file("manifest.json"), "{}") },
    { name: "the head is no JSON", harm: async () => await writeFile(await file("maxleaf-export.json"), "{") },
  ];
  for (const { name, harm } of damages) {
    it(`shows nothing when ${name}`, async () => {
      await harm();
      await expect(imported()).rejects.toMatchObject({ code: "corrupt_data" });
      expect(await readManifest(target, NAME)).toBeUndefined();
    });
  }

  it("cannot be made to write outside the index, or manifests", async () => {
    const list = await file("objects.jsonl");
    const head = await file("maxleaf-export.json");
    for (const key of ["../other/segments/0000-dead", "manifests/000000000009", "CURRENT", "segments/../x"]) {
      const line = `${JSON.stringify({ key, bytes: 1, sha256: "0".repeat(64) })}\n`;
      await writeFile(list, line);
      const listSha256 = createHash("sha256").update(line).digest("hex");
      await writeFile(head, JSON.stringify({ ...JSON.parse(await readFile(head, "utf8")), listSha256 }));
      await expect(imported()).rejects.toMatchObject({ code: "corrupt_data", message: expect.stringContaining("key") });
    }
    expect((await target.list("")).objects).toEqual([]);
  });

  it("killed after any write shows the old state or the new one, and the next run completes", async () => {
    for (const replace of [false, true]) {
      let deaths = 0;
      for (let after = 0; ; after++) {
        target = new MemoryStore();
        if (replace) await oldIndex(target);
        const dying = new DyingStore(target, after);
        let failure: unknown;
        try {
          await imported({ store: dying.store, replace });
        } catch (error) {
          failure = error;
        }
        const documents = (await readManifest(target, NAME))?.segments.length;
        if (failure !== undefined) expect(documents).toBe(replace ? 1 : undefined);
        if (failure === undefined && documents === 2) await imported({ replace: true });
        else await imported({ replace });
        expect(await examineIndex({ store: target, index: NAME, deep: true })).toMatchObject({ isWell: true });
        expect((await readManifest(target, NAME))?.segments).toHaveLength(2);
        if (failure === undefined) break;
        expect(failure).toMatchObject({ code: "store_unavailable" });
        deaths += 1;
      }
      expect(deaths).toBeGreaterThan(10);
    }
  });
});

async function dropLine(path: string): Promise<void> {
  const [, ...lines] = (await readFile(path, "utf8")).split("\n");
  await writeFile(path, lines.join("\n"));
}

/** Another index under the name that is imported to. */
async function oldIndex(store: MemoryStore): Promise<void> {
  const old = { store, name: NAME };
  const index = new TestIndex();
  const writer = await index.openWriter({ store, index: NAME });
  await addWithFiles(old, writer, "old", [5]);
  await writer.commit();
  await index.close();
}
