import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from "node:fs/promises";
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
      const store = new FolderStore(join(root, "inside"), { create: true });
      await expect(store.put(key, Uint8Array.of(1))).rejects.toMatchObject({ code: "invalid_name" });
      await expect(store.get(key)).rejects.toMatchObject({ code: "invalid_name" });
      await expect(store.delete([key])).rejects.toMatchObject({ code: "invalid_name" });
      expect(await readdir(root)).toEqual([]);
    },
  );

  it("leaves no temporary file behind, lost races included", async () => {
    const folder = join(root, "tidy");
    const store = new FolderStore(folder, { create: true });
    await store.put("a", Uint8Array.of(1), { onlyIf: "absent" });
    await expect(store.put("a", Uint8Array.of(2), { onlyIf: "absent" })).rejects.toThrow(/exists already/);
    expect(await readdir(join(folder, ".writing"))).toEqual([]);
    expect((await store.list("")).objects.map((object) => object.key)).toEqual(["a"]);
  });

  it("is out of reach, and not empty, while its root is not there", async () => {
    const mount = join(root, "mount");
    const store = new FolderStore(mount);
    const outOfReach = { code: "store_unavailable" };
    const attempts = [
      () => store.get("a"),
      () => store.put("a", Uint8Array.of(1)),
      () => store.delete(["a"]),
      () => store.list(""),
    ];
    for (const attempt of attempts) await expect(attempt()).rejects.toMatchObject(outOfReach);
    await writeFile(mount, "a file");
    for (const attempt of attempts) await expect(attempt()).rejects.toMatchObject(outOfReach);
    await rm(mount);
    await mkdir(mount);
    expect(await store.get("a")).toBeUndefined();
    await store.put("a", Uint8Array.of(1));
    await rename(mount, join(root, "away"));
    for (const attempt of attempts) await expect(attempt()).rejects.toMatchObject(outOfReach);
  });

  it("makes its root once, when it is told to", async () => {
    const made = join(root, "made");
    const store = new FolderStore(made, { create: true });
    expect((await store.list("indexes/")).objects).toEqual([]);
    await rm(made, { recursive: true });
    await expect(store.get("a")).rejects.toMatchObject({ code: "store_unavailable" });
  });
});
