import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { layout } from "../store/layout.ts";
import { MemoryStore } from "../store/memory-store.ts";
import { decodeCodebook, encodeCodebook } from "./codebook.ts";
import type { Codebook } from "./contract.ts";
import { writeSegment } from "./segment-writer.ts";
import { INDEX, openStored, readAll, SEGMENT_ID } from "./testing/stored-segment.ts";
import { identity, uniformInput } from "./testing/uniform-segment.ts";

/** Files written by format version 1, kept for ever: what was stored once must stay readable. */
const fixture = async (name: string) => new Uint8Array(await readFile(new URL(`testing/v1/${name}`, import.meta.url)));

const input = uniformInput(2, 2, 3);
const codebook: Codebook = {
  id: "c1",
  recipeFingerprint: identity.recipeFingerprint,
  dim: 4,
  centroidCount: 2,
  centroids: Int8Array.of(127, 0, 0, 0, 0, -127, 1, 2),
  centroidScale: 1 / 128,
  subspaces: 2,
  codewords: Float32Array.from({ length: 1_024 }, (_, index) => index / 1_024),
  training: { vectors: 1_000, meanResidualNorm: 0.25, meanCosine: 0.96875 },
};

describe("files of format version 1", () => {
  it("are still read", async () => {
    const store = new MemoryStore();
    await store.put(layout.segment(INDEX, SEGMENT_ID), await fixture("segment"));
    await store.put(layout.vectors(INDEX, SEGMENT_ID), await fixture("vectors"));
    const read = await readAll(await openStored(store, identity));
    expect(read.documents).toEqual(input.documents);
    expect(read.codes).toEqual(input.pages.map(({ codes }) => codes));
    expect(read.vectors).toEqual(input.pages.map(({ exact }) => exact));
    expect(read.geometry).toEqual(input.pages.map(({ page }) => page.geometry));
    expect(read.text).toEqual(input.pages.map(({ page }) => page.text));
    expect(decodeCodebook(await fixture("codebook"), {})).toEqual(codebook);
  });

  it("are still written, to the byte", async () => {
    const { segment, vectors } = writeSegment(identity, input.documents, input.pages);
    expect(segment).toEqual(await fixture("segment"));
    expect(vectors).toEqual(await fixture("vectors"));
    expect(encodeCodebook(codebook)).toEqual(await fixture("codebook"));
  });
});
