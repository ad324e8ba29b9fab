import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { MemoryStore } from "../../shared/store/memory-store.ts";
import { currentVersion, downloadVersion } from "./source-object.ts";

/** Two parts and a rest. */
const BYTES = Uint8Array.from({ length: 2 * 16 * 1024 * 1024 + 5 }, (_, at) => (at * 31) >> 3);

let folder: string;
let path: string;
let store: MemoryStore;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "maxleaf-source-"));
  path = join(folder, "file");
  store = new MemoryStore();
});
afterEach(async () => await rm(folder, { recursive: true, force: true }));

async function versionOf(key: string) {
  const version = await currentVersion(store, key);
  if (version === undefined) throw new Error("there is no such object");
  return version;
}

describe("downloadVersion", () => {
  it("writes all parts one after the other", async () => {
    await store.put("a.pdf", BYTES);
    expect(await downloadVersion(store, "a.pdf", await versionOf("a.pdf"), path)).toBe(true);
    expect(Buffer.compare(await readFile(path), BYTES)).toBe(0);
  });

  it("writes an empty file for an empty object", async () => {
    await store.put("a.pdf", new Uint8Array());
    expect(await downloadVersion(store, "a.pdf", { etag: "any", size: 0 }, path)).toBe(true);
    expect(await readFile(path)).toHaveLength(0);
  });

  it("gives up when the object is another by now, shorter, or gone", async () => {
    await store.put("a.pdf", BYTES);
    const version = await versionOf("a.pdf");
    await store.put(
      "a.pdf",
      BYTES.map((byte) => byte + 1),
    );
    expect(await downloadVersion(store, "a.pdf", version, path)).toBe(false);
    await store.put("a.pdf", BYTES.subarray(0, 7));
    expect(await downloadVersion(store, "a.pdf", version, path)).toBe(false);
    await store.delete(["a.pdf"]);
    expect(await downloadVersion(store, "a.pdf", version, path)).toBe(false);
    expect(await currentVersion(store, "a.pdf")).toBeUndefined();
  });

  it("reads nothing of what is too large", async () => {
    const reads: string[] = [];
    const source = Object.assign(new MemoryStore(), { get: async (key: string) => void reads.push(key) });
    const version = { etag: "any", size: 1024 ** 4 };
    await expect(downloadVersion(source, "a.pdf", version, path)).rejects.toMatchObject({ code: "file_too_large" });
    expect(reads).toEqual([]);
  });
});
