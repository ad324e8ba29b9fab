import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FolderStore } from "../../encoder/storage/folder-store.ts";
import { describeObjectStore } from "./object-store.ts";

describeObjectStore("folder", {
  open: async () => {
    const root = await mkdtemp(join(tmpdir(), "maxleaf-folder-"));
    return { store: new FolderStore(root), close: async () => await rm(root, { recursive: true }) };
  },
  keepsContentTypes: false,
});

describe("folder store", () => {
  let root: string;
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), "maxleaf-folder-"));
  });
  afterAll(async () => await rm(root, { recursive: true }));

  it.each(["../outside", "a/../../outside", "/etc/passwd", "a//b", "a/./b", "a\\b", "C:/a", "a\0b", "", ".writing/a"])(
    "refuses the key %j",
    async (key) => {
      const store = new FolderStore(join(root, "inside"));
      await expect(store.put(key, Uint8Array.of(1))).rejects.toMatchObject({ code: "invalid_name" });
      await expect(store.get(key)).rejects.toMatchObject({ code: "invalid_name" });
      await expect(store.delete([key])).rejects.toMatchObject({ code: "invalid_name" });
      expect(await readdir(root)).toEqual([]);
    },
  );

  it("leaves no temporary file behind, lost races included", async () => {
    const folder = join(root, "tidy");
    const store = new FolderStore(folder);
    await store.put("a", Uint8Array.of(1), { onlyIf: "absent" });
    await expect(store.put("a", Uint8Array.of(2), { onlyIf: "absent" })).rejects.toThrow(/exists already/);
    expect(await readdir(join(folder, ".writing"))).toEqual([]);
    expect((await store.list("")).objects.map((object) => object.key)).toEqual(["a"]);
  });

  it("lists a folder that does not exist as empty", async () => {
    expect((await new FolderStore(join(root, "nowhere")).list("indexes/")).objects).toEqual([]);
  });
});
