import { mkdtemp, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { MAX_SOURCE_BYTES } from "../render/limits.ts";
import { isUnchanged, readSource } from "./document-source.ts";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "maxleaf-source-"));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

function found(name: string) {
  return { name, path: join(folder, "file"), bytes: 0 };
}

describe("readSource", () => {
  it("identifies a document by its name and a version by its content", async () => {
    await writeFile(join(folder, "file"), "abc");
    const source = await readSource(found("a.pdf"));
    // SHA-256 of "abc" (FIPS 180-2, appendix B.1).
    expect(source.contentHash).toBe("ba7816bf8f01cfea");
    expect((await readSource(found("b.pdf"))).id).not.toBe(source.id);
  });

  it("refuses a file that is too large before reading it", async () => {
    await writeFile(join(folder, "file"), "");
    await truncate(join(folder, "file"), MAX_SOURCE_BYTES + 1);
    await expect(readSource(found("a.pdf"))).rejects.toMatchObject({ code: "file_too_large" });
  });

  it("refuses a name that is none, and a file that is gone", async () => {
    await expect(readSource(found("a\u0000.pdf"))).rejects.toMatchObject({ code: "invalid_name" });
    await expect(readSource(found("a.pdf"))).rejects.toMatchObject({
      code: "file_unreadable",
      message: '"a.pdf" cannot be read: it does not exist',
    });
  });
});

describe("isUnchanged", () => {
  const source = { id: "0", name: "a.pdf", bytes: new Uint8Array(), contentHash: "00000000000000a1" };
  const live = (revision: string, metadata: Record<string, string>) => ({
    entry: {
      id: source.id,
      name: source.name,
      revision,
      metadata,
      contentType: "application/pdf",
      sourceBytes: 0,
      pageCount: 1,
      addedAtMs: 0,
    },
    searchablePages: 1,
    places: [],
  });

  it("needs the same content", () => {
    expect(isUnchanged(undefined, source, undefined)).toBe(false);
    expect(isUnchanged(live("00000000000000a0", {}), source, undefined)).toBe(false);
    expect(isUnchanged(live(`${source.contentHash}0123abcd`, {}), source, undefined)).toBe(true);
  });

  it("knows revisions of older indexes, which have no random part", () => {
    expect(isUnchanged(live(source.contentHash, { year: "2023" }), source, undefined)).toBe(true);
  });

  it("needs the same fields when some are given", () => {
    expect(isUnchanged(live(source.contentHash, { year: "2023" }), source, { year: "2023" })).toBe(true);
    expect(isUnchanged(live(source.contentHash, { year: "2023" }), source, { year: "2024" })).toBe(false);
    expect(isUnchanged(live(source.contentHash, { year: "2023" }), source, { year: "2023", month: "1" })).toBe(false);
    expect(isUnchanged(live(source.contentHash, {}), source, JSON.parse('{"__proto__": "x"}'))).toBe(false);
  });
});
