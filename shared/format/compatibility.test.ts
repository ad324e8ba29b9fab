import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { layout } from "../store/layout.ts";
import { MemoryStore } from "../store/memory-store.ts";
import type { ObjectStore } from "../store/object-store.ts";
import { decodeCodebook, encodeCodebook } from "./codebook.ts";
import type { Codebook } from "./contract.ts";
import { lexicalContent, readLexical } from "./testing/stored-lexical.ts";
import {
  INVERTED_ID,
  listsOf,
  openStoredInverted,
  openStoredLexical,
  putInverted,
  readLists,
  segmentId,
} from "./testing/stored-inverted.ts";
import { INDEX, openStored, readAll, readAllRecords, recordsOf } from "./testing/stored-segment.ts";
import { identity, uniformInput } from "./testing/uniform-segment.ts";

/**
 * Files written by format version 2, kept for ever: what was stored once must stay readable. Those of `v2` have no lexical
 * index.
 */
const fixture = async (name: string, folder = "v2") =>
  new Uint8Array(await readFile(new URL(`testing/${folder}/${name}`, import.meta.url)));

const input = uniformInput(2, 2, 3);
const codebook: Codebook = {
  id: "c1",
  recipeFingerprint: identity.recipeFingerprint,
  dim: 4,
  centroidCount: 2,
  centroids: Int8Array.of(127, 0, 0, 0, 0, -127, 1, 2),
  centroidScale: 1 / 128,
  subspaces: 2,
  cells: { offsets: Uint32Array.of(0, 1, 2), centroids: Int8Array.of(127, 0, 0, 0, 0, -127, 1, 2), scale: 1 / 128 },
  codewords: Float32Array.from({ length: 1_024 }, (_, index) => index / 1_024),
  training: { vectors: 1_000, meanResidualNorm: 0.25, meanCosine: 0.96875 },
};

/** The objects of `v2`. */
const OBJECTS = {
  segment: layout.segment(INDEX, segmentId(0)),
  vectors: layout.vectors(INDEX, segmentId(0)),
  inverted: layout.inverted(INDEX, INVERTED_ID),
  "inverted.0": layout.invertedPart(INDEX, INVERTED_ID, 0),
  "inverted.1": layout.invertedPart(INDEX, INVERTED_ID, 1),
};
/** What `v2-lexical` has of its own; the rest is as in `v2`. */
const LEXICAL_OBJECTS = {
  segment: OBJECTS.segment,
  inverted: OBJECTS.inverted,
  "inverted.lexical": layout.lexical(INDEX, INVERTED_ID),
  "inverted.lexical.0": layout.lexicalPart(INDEX, INVERTED_ID, 0),
};
/** Two cells, each a part of its own; `uniformInput` uses fewer than 32 centroids. */
const cells = { offsets: Uint32Array.of(0, 8, 32) };

/** Writes the objects of `input` and gives what a manifest says of the inverted file. */
async function write(store: ObjectStore) {
  return await putInverted(store, [input], { identity, cells, maxPartBytes: 1 });
}

describe("files of format version 2", () => {
  it.each(["v2", "v2-lexical"])("are still read: %s", async (folder) => {
    const store = new MemoryStore();
    for (const [name, key] of Object.entries(OBJECTS)) await store.put(key, await fixture(name));
    const own: Record<string, string> = folder === "v2" ? {} : LEXICAL_OBJECTS;
    for (const [name, key] of Object.entries(own)) await store.put(key, await fixture(name, folder));
    const segment = await openStored(store, identity, segmentId(0));
    const read = await readAll(segment);
    expect(read.documents).toEqual(input.documents);
    expect(read).toMatchObject(recordsOf(input));
    expect(decodeCodebook(await fixture("codebook"), {})).toEqual(codebook);
    const entry = await write(new MemoryStore());
    const file = await openStoredInverted(store, entry, identity);
    expect(await readLists(file, cells)).toEqual(listsOf([input], 32));
    expect(await readAllRecords(file.records(0))).toEqual(recordsOf(input));
    expect(await file.findDocument("document-1")).toEqual([{ segment: 0, documentOrdinal: 1 }]);
    if (folder === "v2") return expect(read.lexical).toBeUndefined();
    const expected = lexicalContent(input.pages.map(({ page }) => page.text));
    expect(read.lexical).toEqual(expected);
    expect(await readLexical(await openStoredLexical(store, entry, identity))).toEqual(expected);
  });

  it("are still written, to the byte", async () => {
    const store = new MemoryStore();
    await write(store);
    for (const [name, key] of Object.entries({ ...OBJECTS, ...LEXICAL_OBJECTS })) {
      const folder = Object.hasOwn(LEXICAL_OBJECTS, name) ? "v2-lexical" : "v2";
      expect((await store.get(key))?.bytes).toEqual(await fixture(name, folder));
    }
    expect(encodeCodebook(codebook)).toEqual(await fixture("codebook"));
  });
});
