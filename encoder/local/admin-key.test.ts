import { chmod, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { readAdminKey } from "./admin-key.ts";
import { type DataDir, openDataDir } from "./data-dir.ts";

let dataDir: DataDir;
beforeEach(async () => {
  dataDir = await openDataDir(await mkdtemp(join(tmpdir(), "maxleaf-key-")));
});
afterEach(async () => await rm(dataDir.path, { recursive: true, force: true }));

it("makes a key that its owner alone may read, once", async () => {
  const key = await readAdminKey(dataDir);
  expect(key).toMatch(/^[\w-]{43}$/);
  expect(await readAdminKey(dataDir)).toBe(key);
  expect((await readFile(dataDir.adminKey, "utf8")).trim()).toBe(key);
  expect((await stat(dataDir.adminKey)).mode & 0o777).toBe(0o600);
});

it("takes a key that somebody chose", async () => {
  await writeFile(dataDir.adminKey, "  mine\n");
  expect(await readAdminKey(dataDir)).toBe("mine");
});

it.each(["", "\n", "two words", "größe"])("says that %j is none", async (text) => {
  await writeFile(dataDir.adminKey, text);
  await expect(readAdminKey(dataDir)).rejects.toMatchObject({ code: "invalid_request" });
});

it.skipIf(process.getuid?.() === 0)("says when it may not read it", async () => {
  await readAdminKey(dataDir);
  await chmod(dataDir.adminKey, 0);
  await expect(readAdminKey(dataDir)).rejects.toMatchObject({ code: "invalid_request" });
});
