import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { discoverFiles } from "./discover.ts";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "maxleaf-discover-"));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function touch(...names: string[]): Promise<void> {
  for (const name of names) {
    await mkdir(join(folder, name, ".."), { recursive: true });
    await writeFile(join(folder, name), name);
  }
}

async function namesIn(...paths: string[]): Promise<string[]> {
  const { files } = await discoverFiles(paths.map((path) => join(folder, path)));
  return files.map((file) => file.name);
}

describe("discoverFiles", () => {
  it("names documents by their path below the folder, in order", async () => {
    await touch("b.pdf", "a/z.PNG", "a/deep/x.tiff");
    expect(await namesIn(".")).toEqual(["a/deep/x.tiff", "a/z.PNG", "b.pdf"]);
  });

  it("names a file that is given by itself by its own name, whatever it ends in", async () => {
    await touch("reports/2024.dat");
    const { files } = await discoverFiles([join(folder, "reports/2024.dat")]);
    expect(files).toEqual([{ name: "2024.dat", path: join(folder, "reports/2024.dat"), bytes: 16 }]);
  });

  it("passes over hidden entries and counts files that cannot be rendered", async () => {
    await touch(".hidden.pdf", ".git/a.pdf", "notes.txt", "table.csv", "a.pdf");
    const found = await discoverFiles([folder]);
    expect(found.files.map((file) => file.name)).toEqual(["a.pdf"]);
    expect(found.skipped).toBe(2);
  });

  it("follows links but ends in a loop", async () => {
    await touch("a/b/c.pdf", "elsewhere/d.pdf");
    await symlink(join(folder, "a"), join(folder, "a/b/up"));
    await symlink(join(folder, "elsewhere"), join(folder, "a/linked"));
    expect(await namesIn("a")).toEqual(["b/c.pdf", "linked/d.pdf"]);
  });

  it("reports a link to nowhere and goes on", async () => {
    await touch("a.pdf");
    await symlink(join(folder, "gone.pdf"), join(folder, "dangling.pdf"));
    const found = await discoverFiles([folder]);
    expect(found.files).toHaveLength(1);
    expect(found.unreadable).toEqual([{ path: join(folder, "dangling.pdf"), reason: "it does not exist" }]);
  });

  it("composes decomposed letters", async () => {
    await touch("caf\u0065\u0301.pdf");
    expect(await namesIn(".")).toEqual(["caf\u00e9.pdf"]);
  });

  it("takes a file once when it is given twice", async () => {
    await touch("a.pdf");
    expect(await namesIn("a.pdf", ".")).toEqual(["a.pdf"]);
  });

  it("refuses two files that would be one document, naming both", async () => {
    await touch("x/a.pdf", "y/a.pdf");
    await expect(discoverFiles([join(folder, "x"), join(folder, "y")])).rejects.toMatchObject({
      code: "invalid_request",
      message: expect.stringMatching(/x\/a\.pdf" and ".*y\/a\.pdf" would both be the document "a\.pdf"/),
    });
  });

  it("refuses a path that does not exist, naming it", async () => {
    await expect(discoverFiles([join(folder, "missing")])).rejects.toMatchObject({
      code: "invalid_request",
      message: expect.stringMatching(/missing" cannot be read: it does not exist/),
    });
  });

  it("refuses a folder with nothing in it", async () => {
    await touch("notes.txt");
    await expect(discoverFiles([folder])).rejects.toMatchObject({
      code: "invalid_request",
      message: expect.stringMatching(/^no PDF, image or office file in ".*" \(1 other files\)$/),
    });
  });
});
