import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { layout } from "../../shared/store/layout.ts";
import { MemoryStore } from "../../shared/store/memory-store.ts";
import { clockKey, listManifests, parseRelativeKey, revisionKey, revisionPrefix } from "./object-kinds.ts";

const INDEX = "reports";
const hex = (length: number) => fc.stringMatching(new RegExp(`^[0-9a-f]{${length}}$`));
const parse = (key: string) => parseRelativeKey(key.slice(layout.index(INDEX).length));

describe("parseRelativeKey", () => {
  it("knows every key that layout makes", () => {
    fc.assert(
      fc.property(
        fc.uuid(),
        hex(20),
        hex(16),
        fc.integer({ min: 1, max: 100_000 }),
        (id, document, revision, number) => {
          expect(parse(layout.current(INDEX))).toEqual({ kind: "current" });
          expect(parse(layout.manifest(INDEX, number))).toEqual({ kind: "manifest", version: number });
          expect(parse(layout.codebook(INDEX, id))).toEqual({ kind: "codebook", id });
          expect(parse(layout.segment(INDEX, id))).toEqual({ kind: "segment", id });
          expect(parse(layout.vectors(INDEX, id))).toEqual({ kind: "vectors", id });
          expect(parse(layout.inverted(INDEX, id))).toEqual({ kind: "inverted", id });
          expect(parse(layout.invertedPart(INDEX, id, number))).toEqual({ kind: "inverted", id });
          expect(parse(layout.lexical(INDEX, id))).toEqual({ kind: "lexical", id });
          expect(parse(layout.lexicalPart(INDEX, id, number))).toEqual({ kind: "lexical", id });
          expect(parse(layout.overlay(INDEX, id))).toEqual({ kind: "overlay", id });
          expect(parse(clockKey(INDEX, id))).toEqual({ kind: "clock" });
          const of = revisionKey({ id: document, revision });
          const at = [INDEX, document, revision] as const;
          expect(parse(layout.source(...at))).toEqual({ kind: "source", revision: of, page: 0 });
          expect(parse(layout.pageImage(...at, number))).toEqual({ kind: "image", revision: of, page: number });
          expect(parse(layout.pageThumbnail(...at, number))).toEqual({ kind: "thumbnail", revision: of, page: number });
          expect(layout.source(...at).startsWith(revisionPrefix(INDEX, of))).toBe(true);
        },
      ),
    );
  });

  it("takes nothing else for one of them", () => {
    const others = [
      "",
      "current",
      "CURRENT/x",
      "manifests/1",
      "manifests/000000000000",
      "manifests/00000000000x",
      "segments/",
      "segments/a.vectors.bak",
      "segments/../x",
      "segments/a/b",
      "codebooks/a.b",
      "inverted/a.x",
      "overlays/a/b",
      "overlays/",
      "documents/a/source",
      "documents/a/b/c/source",
      "documents/../b/source",
      "documents/a/b/pages/0.webp",
      "documents/a/b/pages/1.png",
      "maintenance/a/b",
      "x/segments/a",
    ];
    for (const key of others) expect(parseRelativeKey(key)).toEqual({ kind: "unknown" });
  });
});

describe("listManifests", () => {
  it("gives versions in ascending order and leaves out what is none", async () => {
    const store = new MemoryStore();
    for (const version of [11, 2, 1_000]) await store.put(layout.manifest(INDEX, version), new Uint8Array(version));
    await store.put(`${layout.manifests(INDEX)}notes`, new Uint8Array(1));
    const found = await listManifests(store, INDEX);
    expect(found.map(({ version, bytes }) => [version, bytes])).toEqual([
      [2, 2],
      [11, 11],
      [1_000, 1_000],
    ]);
  });
});
