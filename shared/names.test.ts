import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MaxleafError } from "./errors.ts";
import { documentIdOf, isDocumentId, parseDocumentId, parseDocumentName, parseIndexName, sha256Hex } from "./names.ts";

function codeOf(action: () => unknown): string | undefined {
  try {
    action();
  } catch (error) {
    return error instanceof MaxleafError ? error.code : "not a MaxleafError";
  }
  return undefined;
}

describe("parseIndexName", () => {
  it.each(["a", "samples", "annual-reports_2026", "0", "x".repeat(63)])("accepts %j", (name) => {
    expect(parseIndexName(name)).toBe(name);
  });

  it.each([
    "",
    "A",
    "-a",
    "a/b",
    "..",
    "../a",
    "a\u0000",
    "a b",
    "ä",
    "x".repeat(64),
    "x".repeat(2_000),
    "a.b",
    "a%2fb",
  ])("refuses %j", (name) => {
    expect(codeOf(() => parseIndexName(name))).toBe("invalid_name");
  });

  it("names the offending value, cut to a readable length", () => {
    expect(() => parseIndexName("Bad Name")).toThrow('"Bad Name" is no index name');
    expect(() => parseIndexName("x".repeat(2_000))).toThrow(/^.{1,300}$/s);
  });

  it("lets through nothing that could leave the index's prefix", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (name) => {
        const code = codeOf(() => parseIndexName(name));
        if (code === undefined) expect(name).toMatch(/^[a-z0-9_-]{1,63}$/);
        else expect(code).toBe("invalid_name");
      }),
    );
  });
});

describe("parseDocumentName", () => {
  it.each(["a.pdf", "reports/2026 Q1.pdf", "отчёт.pdf", "a..b.pdf", "x".repeat(1_024)])("accepts %j", (name) => {
    expect(parseDocumentName(name)).toBe(name);
  });

  it.each(["", "/etc/passwd", "../a.pdf", "a/../b.pdf", "a\\..\\b.pdf", "a\u0000.pdf", "a\n.pdf", "é".repeat(513)])(
    "refuses %j",
    (name) => {
      expect(codeOf(() => parseDocumentName(name))).toBe("invalid_name");
    },
  );
});

describe("documentIdOf", () => {
  it("is the first 20 hex digits of the SHA-256 of the name", async () => {
    // printf 'abc' | sha256sum; the digest of FIPS 180-2's first example.
    expect(await sha256Hex(new TextEncoder().encode("abc"))).toBe(
      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    );
    expect(await documentIdOf("abc")).toBe("ba7816bf8f01cfea4141");
  });

  it("has the form that isDocumentId accepts, and differs between names", async () => {
    const ids = await Promise.all(["a.pdf", "b.pdf", "A.pdf"].map(documentIdOf));
    expect(ids.every(isDocumentId)).toBe(true);
    expect(new Set(ids).size).toBe(3);
    expect(isDocumentId("../../etc/passwd0000")).toBe(false);
  });
});

describe("parseDocumentId", () => {
  it("takes what has the form of an id, and nothing else", async () => {
    const id = await documentIdOf("a.pdf");
    expect(parseDocumentId(id)).toBe(id);
    for (const other of ["", "a.pdf", id.slice(1), `${id}0`, id.toUpperCase(), `../${id}`]) {
      expect(codeOf(() => parseDocumentId(other))).toBe("invalid_name");
    }
  });
});
