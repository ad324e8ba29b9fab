import { describe, expect, it } from "vitest";
import { recipeFingerprint } from "../recipe/fingerprint.ts";
import { decodeManifest, encodeManifest, type Manifest } from "./manifest.ts";
import { testRecipe } from "./testing/samples.ts";

const manifest: Manifest = {
  format: 2,
  index: "reports",
  version: 7,
  commitId: "7f1e3f0e-0f0c-4a0e-9d5a-1f2e3d4c5b6a",
  committedAtMs: 1_700_000_000_000,
  recipe: testRecipe,
  recipeFingerprint: await recipeFingerprint(testRecipe),
  segments: [
    {
      id: "0123abcd",
      bytes: 1_000,
      vectorsBytes: 1_000,
      documentCount: 3,
      pageCount: 5,
      searchablePageCount: 4,
      vectorCount: 40,
      bagEntries: 30,
      meanResidualNorm: 0.5,
      deletedDocuments: [1],
    },
  ],
};

describe("the checksum of a manifest", () => {
  it("notices every flipped bit", () => {
    const bytes = encodeManifest(manifest);
    expect(decodeManifest(bytes, "manifest")).toEqual(manifest);
    for (let at = 0; at < bytes.byteLength; at++) {
      for (let bit = 0; bit < 8; bit++) {
        const flipped = bytes.slice();
        flipped[at] = (flipped[at] ?? 0) ^ (1 << bit);
        expect(() => decodeManifest(flipped, "manifest")).toThrow(/corrupt|format version/);
      }
    }
  });

  it("is the CRC-32 of everything after it", () => {
    const text = new TextDecoder().decode(encodeManifest(manifest));
    expect(text).toMatch(/^\{"crc32":"[0-9a-f]{8}","format":2,/);
    const deleted = text.replace('"deletedDocuments":[1]', '"deletedDocuments":[2]');
    expect(() => decodeManifest(new TextEncoder().encode(deleted), "manifest")).toThrow(
      "manifest is corrupt: its checksum is wrong",
    );
  });

  it("is not needed of manifests of before there was one", () => {
    const old = new TextEncoder().encode(JSON.stringify(manifest));
    expect(decodeManifest(old, "manifest")).toEqual(manifest);
  });
});
