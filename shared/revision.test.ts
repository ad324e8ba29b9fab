import { describe, expect, it } from "vitest";
import { contentHashOf, isOfContent, isRevision, newRevision } from "./revision.ts";

const bytesOf = (text: string) => new TextEncoder().encode(text);

describe("revisions", () => {
  it("begin with the content hash and are never the same twice", async () => {
    const hash = await contentHashOf(bytesOf("abc"));
    // SHA-256 of "abc" (FIPS 180-2, appendix B.1).
    expect(hash).toBe("ba7816bf8f01cfea");
    const revisions = Array.from({ length: 1_000 }, () => newRevision(hash));
    expect(new Set(revisions).size).toBe(1_000);
    for (const revision of revisions) {
      expect(isRevision(revision)).toBe(true);
      expect(isOfContent(revision, hash)).toBe(true);
    }
    expect(isOfContent(newRevision(hash), await contentHashOf(bytesOf("abd")))).toBe(false);
  });

  it("may be without the random part, as in older indexes", () => {
    expect(isRevision("ba7816bf8f01cfea")).toBe(true);
    expect(isOfContent("ba7816bf8f01cfea", "ba7816bf8f01cfea")).toBe(true);
  });

  it.each(["", "ba7816bf8f01cfe", "BA7816BF8F01CFEA", "ba7816bf8f01cfea0", "../16bf8f01cfea", `${"a".repeat(24)}\n`])(
    "are not %j",
    (text) => expect(isRevision(text)).toBe(false),
  );
});
